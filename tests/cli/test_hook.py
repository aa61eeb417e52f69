"""`chatd hook` beside a running daemon, and its receiver against deliveries that are not what they seem."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from threading import Thread

import pytest

from chatd.cli.hook import make_secret
from chatd.cli.hook_receiver import Receiver, Settings
from chatd.egress.signing import secrets_in, signed
from tests.kit.daemon import daemon_process
from tests.kit.webhook_receiver import receiver_process


async def test_an_endpoint_is_shown_replayed_and_enabled(tmp_path):
    async with receiver_process(tmp_path, status=410) as receiver:
        hook = {"name": "backend", "url": receiver.url, "secret_file": str(receiver.secret_file)}
        settings = {"EVENTS__ENABLED": "true", "HOOKS__ENDPOINTS": json.dumps([hook]), "LOG__LEVEL": "error"}
        async with daemon_process(tmp_path, **settings) as daemon:
            assert (await daemon.run("hook", "replay", "backend", "--after", ""))[0] == 0
            await daemon.wait_for_log("the endpoint backend is disabled")
            _, shown = await daemon.run("hook", "show")
            assert "disabled" in shown
            assert "410" in shown
            assert await daemon.run("hook", "show", "nobody") == (
                1, "chatd: there is no such endpoint in hooks.endpoints, or no daemon runs\n"
            )  # fmt: skip
            assert await daemon.run("hook", "enable", "backend") == (0, "backend is enabled.\n")
            code, said = await daemon.run("hook", "retry", "backend", "a-1-0")
            assert (code, said) == (1, "chatd: the endpoint has no such parked entry\n")
            assert (await daemon.run("hook", "discard", "backend", "a-1-0"))[0] == 1
            assert (await daemon.run("hook", "replay", "backend"))[0] == 2


def test_without_a_daemon_there_is_nothing_to_show(run, tmp_path):
    done = run("hook", "show", "--data", str(tmp_path))
    assert done.exit_code == 4
    assert "no daemon answers" in done.output


def test_a_secret_is_made_once_and_is_of_the_owner(tmp_path):
    path = tmp_path / "hook.secret"
    assert make_secret(path)
    [first] = secrets_in(str(path))
    assert not make_secret(path)
    assert secrets_in(str(path)) == (first,)
    assert path.stat().st_mode & 0o077 == 0


@pytest.fixture
def receiver(tmp_path) -> Iterator[Receiver]:
    make_secret(tmp_path / "hook.secret")
    settings = Settings(secrets_in(str(tmp_path / "hook.secret")), 204, "spam", for_programs=False)
    lines: list[str] = []
    server = Receiver(
        ("127.0.0.1", 0), settings, lambda line: lines.append("".join(text for text, _ in line)), lines.append
    )
    server.lines = lines
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def post(receiver, content, *, body=None, **changed):
    body = json.dumps(content).encode() if body is None else body
    headers = {**signed(receiver.settings.secrets, "a-1-0", time_ms(), body), **changed}
    url = f"http://127.0.0.1:{receiver.server_address[1]}/"
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def time_ms():
    return time.time_ns() // 1_000_000


def shown(receiver):
    """The lines so far; a line is written behind the answer."""
    with receiver.showing:
        return list(receiver.lines)


def test_a_judge_in_the_terminal_rejects_what_has_the_word(receiver):
    items = [
        {"id": "1", "on": "message", "user": "u1", "room": "g1", "body": {"text": "Hi"}},
        {"id": "2", "on": "message", "user": "u1", "room": "g1", "body": {"text": "Buy SPAM"}},
    ]
    status, answer = post(receiver, {"type": "before", "items": items})
    assert (status, [one["do"] for one in json.loads(answer)["items"]]) == (200, ["pass", "reject"])
    while len(shown(receiver)) < 3:
        pass
    assert "2 items to judge" in shown(receiver)[0]


@pytest.mark.parametrize(
    ("content", "body", "changed", "says"),
    [
        ({"type": "events", "events": []}, None, {"webhook-signature": "v1,AAAA"}, "✗ no signature"),
        ({"type": "events", "events": []}, None, {"webhook-timestamp": "1"}, "✗ too old"),
        (None, b"[]", {}, "✗ no JSON object"),
        (None, b"[" * 100_000, {}, "✗ no JSON object"),
        (None, b"\xff\xfe", {}, "✗ no JSON object"),
    ],
)
def test_what_is_not_signed_or_is_no_delivery_is_refused(receiver, content, body, changed, says):
    assert post(receiver, content, body=body, **changed)[0] == 401
    while not shown(receiver):
        pass
    assert says in shown(receiver)[0]


@pytest.mark.parametrize("events", [5, "x", [1, None], [{"event": {"body": 3}, "time": "x"}]])
def test_an_odd_delivery_is_taken(receiver, events):
    assert post(receiver, {"type": "events", "events": events, "items": 3})[0] == 204
    while not shown(receiver):
        pass
    assert "✓ signed" in shown(receiver)[0]
