"""`chatd user`, with the daemon stopped and with it running: the same commands, the same effect."""

import json
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing

import pytest

PASSWORD = "correct horse"


@pytest.fixture
def stopped(run):
    """Commands in a directory of their own."""

    def call(*arguments, input=None):
        result = run("user", *arguments, input=input)
        return result.exit_code, result.output

    return call


@pytest.fixture
def running(server, stopped, monkeypatch):
    """The same commands in the directory of a running daemon."""
    monkeypatch.chdir(server.directory)
    return stopped


@pytest.fixture(params=["stopped", "running"])
def user(request):
    return request.getfixturevalue(request.param)


def listed(user, name):
    """The account as `list --json` shows it, or None."""
    code, output = user("list", "--json")
    assert code == 0
    return next((one for one in map(json.loads, output.splitlines()) if one["user"] == name), None)


def test_accounts_are_added_and_listed(user):
    code, output = user("add", "zoe", "--name", "Zoe Miller", "--password-file", "-", input=PASSWORD + "\n")
    assert code == 0
    assert output.startswith("Added zoe.\n")
    account = listed(user, "zoe")
    assert account["name"] == "Zoe Miller"
    assert account["password"] is True
    assert account["created_at"] > 1_700_000_000_000
    assert "zoe                      active    Zoe Miller" in user("list")[1]


def test_an_account_is_not_added_twice(user):
    user("add", "yan", "--password-file", "-", input=PASSWORD + "\n")
    code, output = user("add", "yan", "--password-file", "-", input=PASSWORD + "\n")
    assert code == 1
    assert "exists already" in output


def test_accounts_are_disabled_and_enabled(user):
    user("add", "xia", "--password-file", "-", input=PASSWORD + "\n")
    assert user("disable", "xia")[0] == 0
    assert listed(user, "xia")["disabled"] is True
    assert user("enable", "xia")[0] == 0
    assert listed(user, "xia")["disabled"] is False


def test_passwords_are_changed(user):
    user("add", "wes", "--password-file", "-", input=PASSWORD + "\n")
    assert user("passwd", "wes", "--password-file", "-", input="another horse\n")[0] == 0


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_a_name_given_without_the_daemon_is_part_of_the_card_where_people_are_on(run, tmp_path, enabled):
    """So that friends are told of it, and the devices of the user."""
    result = run(
        "user", "add", "ann", "--name", "Ann", "--password-file", "-",
        input=PASSWORD + "\n", CHATD_PEOPLE__ENABLED=enabled,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    with closing(sqlite3.connect(next(tmp_path.rglob("chatd.sqlite")))) as connection:
        cards = connection.execute("SELECT user FROM pages").fetchall()
    assert cards == ([("ann",)] if enabled == "true" else [])


def test_changing_a_missing_account_is_refused(user):
    user("add", "zoe", "--password-file", "-", input=PASSWORD + "\n")
    code, output = user("passwd", "nobody", "--password-file", "-", input=PASSWORD + "\n")
    assert code == 1
    assert "there is no account nobody" in output


def test_tokens_are_revoked(user):
    user("add", "vic", "--password-file", "-", input=PASSWORD + "\n")
    assert user("revoke", "vic") == (0, "Revoked the tokens of vic.\n")


NOBODY = (("disable", "nobody"), ("enable", "nobody"), ("revoke", "nobody"))


@pytest.mark.parametrize("command", NOBODY)
def test_who_was_never_seen_is_taken_for_a_slip(user, command):
    user("add", "zoe", "--password-file", "-", input=PASSWORD + "\n")
    code, output = user(*command)
    assert code == 1
    assert "nobody called nobody was ever seen here" in output
    assert listed(user, "nobody") is None


@pytest.mark.parametrize(("command", "disabled"), [("disable", True), ("revoke", False)])
def test_one_of_the_host_app_is_locked_out_before_they_come(user, command, disabled):
    user("add", "zoe", "--password-file", "-", input=PASSWORD + "\n")
    assert user(command, f"host-{command}", "--unseen")[0] == 0
    assert listed(user, f"host-{command}")["disabled"] is disabled


def test_who_is_locked_out_stays_so_when_they_get_an_account(user):
    user("add", "zoe", "--password-file", "-", input=PASSWORD + "\n")
    user("disable", "una", "--unseen")
    assert user("add", "una", "--password-file", "-", input=PASSWORD + "\n")[0] == 0
    assert listed(user, "una")["disabled"] is True
    assert user("enable", "una")[0] == 0
    assert listed(user, "una")["disabled"] is False


def test_a_device_that_was_never_seen_is_taken_for_a_slip(running):
    revoke = ("revoke", "alice", "--device", "chatd-selftest-missing")
    code, output = running(*revoke)
    assert code == 1
    assert "alice was never seen here with that device" in output
    assert running(*revoke, "--unseen")[0] == 0


def test_one_of_the_host_app_who_was_here_needs_no_account(server, running):
    chat = server.chatd("chat", "--as", "dana", "--with", "bob", "--url", server.url, input="hello\n")
    assert chat.returncode == 0, chat.stderr
    assert listed(running, "dana")["password"] is False, "an account that only has an age"
    assert running("disable", "dana")[0] == 0
    assert listed(running, "dana")["disabled"] is True


@pytest.mark.parametrize("directory", ["missing", "empty", "foreign", "foreign/file", "missing/missing"])
def test_a_wrong_directory_is_said_and_left_as_it_was(run, tmp_path, directory):
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "file").write_text("of somebody else")
    before = sorted(tmp_path.rglob("*"))
    for command in (("list",), *NOBODY, ("passwd", "nobody", "--password-file", "-")):
        result = run("user", *command, "--data", directory, input=PASSWORD + "\n")
        assert (result.exit_code, result.output.count("\n")) == (1, 1)
        assert f"/{directory}: there is no database here. Give the directory of the daemon" in result.output
        assert sorted(tmp_path.rglob("*")) == before


def test_the_first_account_may_come_before_the_first_start_which_is_said(run):
    for name, new in (("zoe", True), ("yan", False)):
        result = run("user", "add", name, "--password-file", "-", input=PASSWORD + "\n")
        assert result.exit_code == 0
        assert ("There was no database in ./chatd-data: made a new one." in result.output) is new


@pytest.mark.parametrize("password", [(), ("--password-file", "missing"), ("--password-file", "-")])
def test_an_account_that_is_not_added_makes_no_database(run, tmp_path, password):
    assert run("user", "add", "zoe", *password, input="short\n").exit_code != 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "two words", "new\nline", "\x1b[31m", "x" * 65, "ümlaut"])
def test_malformed_users_are_wrong_usage(stopped, name):
    code, output = stopped("add", name, "--password-file", "-", input=PASSWORD)
    assert code == 2
    assert "\x1b" not in output


@pytest.mark.parametrize("name", ["n" * 65, "new\nline", "\x1b[31m", "rtl\u202e"])
def test_malformed_names_are_wrong_usage(stopped, name):
    assert stopped("add", "alice", "--name", name, "--password-file", "-", input=PASSWORD)[0] == 2


@pytest.mark.parametrize("password", ["", "short", "x" * 129])
def test_unusable_passwords_are_refused(stopped, password):
    code, output = stopped("add", "alice", "--password-file", "-", input=password + "\n")
    assert code == 1
    assert "8 to 128 characters" in output
    assert password not in output or not password


def test_a_password_is_never_an_argument(run):
    assert run("user", "add", "alice", "--password", "correct horse").exit_code == 2


def test_without_terminal_and_file_it_says_where_from(stopped):
    code, output = stopped("add", "alice", input="")
    assert code == 2
    assert "--password-file" in output


def test_a_password_file_must_be_private(stopped, tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o644)
    assert stopped("add", "alice", "--password-file", "password")[0] == 3
    path.chmod(0o600)
    assert stopped("add", "alice", "--password-file", "password")[0] == 0


def test_a_device_is_22_characters(stopped):
    assert stopped("revoke", "alice", "--device", "phone")[0] == 2


def login(server, user, password):
    """The status of POST /v1/login."""
    url = server.url.replace("ws://", "http://").replace("/v1/ws", "/v1/login")
    body = json.dumps({"user": user, "password": password}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=240) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_changes_beside_a_daemon_take_effect_at_once(server, running):
    running("add", "uma", "--password-file", "-", input=PASSWORD + "\n")
    assert login(server, "uma", PASSWORD) == 200
    running("passwd", "uma", "--password-file", "-", input="another horse\n")
    assert login(server, "uma", PASSWORD) == 401
    assert login(server, "uma", "another horse") == 200
    running("disable", "uma")
    assert login(server, "uma", "another horse") == 401


def test_without_a_daemon_all_is_as_with_one(run, tmp_path):
    run("user", "add", "zoe", "--password-file", "-", input=PASSWORD + "\n")
    device = "chatd-selftest-missing"
    # Keys of tokens that cannot be read keep nobody from being locked out.
    configuration = tmp_path / "chatd.toml"
    keys = '[{ kid = "k", algorithm = "EdDSA", file = "missing.pem" }]'
    configuration.write_text(f'auth.keys = {keys}\nstorage.directory = "chatd-data"\n')
    done = run("user", "revoke", "zoe", "--device", device, "--unseen", "--config", str(configuration))
    assert (done.exit_code, done.output) == (0, "Revoked the tokens of zoe.\n")
    with closing(sqlite3.connect(tmp_path / "chatd-data" / "chatd.sqlite")) as database:
        assert database.execute("SELECT device FROM devices WHERE user = 'zoe'").fetchall() == [(device,)]
        assert database.execute("SELECT key, action, target, request FROM audit").fetchall() == [
            ("socket", "PUT /v1/users/{user}", "zoe", "cli"),
            ("socket", "POST /v1/users/{user}/revoke", "zoe", "cli"),
        ]
