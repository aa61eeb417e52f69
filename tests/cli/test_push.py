"""`chatd push` without push: the key of browsers, and what is refused before a daemon is asked."""

import stat

from chatd.push.key_files import VAPID, public_of, signing_key


def test_a_key_of_browsers_is_made_private_and_never_overwritten(run, tmp_path):
    made = run("push", "vapid", "--new", "vapid.pem")
    assert made.exit_code == 0
    path = tmp_path / "vapid.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f'key_file = "{path}"' in made.output
    assert "PRIVATE" not in made.output
    again = run("push", "vapid", "--new", "vapid.pem")
    assert (again.exit_code, again.output) == (1, "chatd: vapid.pem cannot be written: File exists\n")
    apps = f'[{{"platform": "web", "key_file": "{path}"}}]'
    shown = run("push", "vapid", CHATD_PUSH__APPS=apps, CHATD_PUSH__VAPID_SUBJECT="mailto:a@example.org")
    assert shown.output == public_of(signing_key(str(path), VAPID)) + "\n"


def test_without_an_app_of_web_there_is_no_key(run):
    shown = run("push", "vapid")
    assert shown.exit_code == 1
    assert "chatd push vapid --new FILE" in shown.output


def test_what_makes_no_sense_is_wrong_usage(run):
    assert run("push", "why", "alice", "--seq", "4").exit_code == 2
    assert run("push", "pause", "--off").exit_code == 2
    assert run("push", "pause", "hms").exit_code == 2


def test_without_a_daemon_nothing_is_known(run, tmp_path):
    for words in (("why", "alice"), ("test", "alice"), ("pause",)):
        done = run("push", *words, "--data", str(tmp_path))
        assert done.exit_code == 4
        assert "no daemon answers" in done.output
