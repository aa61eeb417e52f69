"""Messages, tokens and passwords are nowhere but in the store: not in the log, not in metrics."""

import contextlib
import json
import logging
from typing import Any

import pytest

from tests.kit import http
from tests.kit.client import TestClient, fresh_key
from tests.kit.client_socket import Link
from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess
from tests.kit.forged_tokens import forged
from tests.kit.leak_detector import LeakDetector, Leaked, check_no_secret
from tests.kit.tokens import SECRET, token_for

WORD = "plugh"  # stands in everything that is sent, and in nothing that the daemon may say
LINE = (
    '\r\n{"level":"error","msg":"forged"}\n\x1b[2J\u202e\u2028' + WORD
)  # as somebody who forges a line of a log

BODY = {
    "text": WORD + LINE,
    "attachments": [{"url": "https://media.example/" + WORD, "mime": WORD, "name": LINE, "preview": WORD}],
    "data": {WORD: [WORD, LINE]},
}


async def _talks(clients: Clients, encoding: str) -> None:
    """Everything that members do, with a word in every place that takes one."""
    ann = await clients.open("ann", encoding=encoding)
    await ann.say_hello(app=WORD, os=WORD, locale=WORD, epoch=WORD, cursor=WORD, features=[WORD])
    bob = await clients.connect("bob")
    room = await ann.create_group(WORD + LINE, bob, avatar=WORD, data={"x": LINE})
    seq = (await ann.mutate("send", room, body=BODY))["seq"]
    await ann.mutate("edit", room, target=seq, body={"text": LINE})
    await bob.react(room, seq, f":{WORD}:")
    await ann.mutate("recall", room, target=seq)
    await ann.mutate("room.update", room, title=LINE, avatar=WORD, data=LINE)
    await bob.read(room, seq)


async def _asks_wrongly(client: TestClient, room: Any) -> None:
    for packet in (
        {"type": WORD},
        {"type": "send", "room": LINE, "key": WORD, "body": BODY},
        {"type": "send", "room": room, "key": LINE, "body": BODY},
        {"type": "send", "room": room, "key": fresh_key(), "body": LINE},
        {"type": "send", "room": room, "key": fresh_key(), "body": {"text": [LINE]}},
        {"type": "room.create", "key": fresh_key(), "kind": WORD, "title": LINE},
        {"type": "members.list", "room": room, "more": WORD, "role": WORD},
        {"type": "sync", "cursor": LINE},
        {"type": "sync", "more": WORD},
        {"type": "auth", "token": WORD},
        {"type": "auth", "token": token_for("eve")},
        {"type": "devices.push", "platform": "fcm", "token": WORD},
        {"type": "hello", "version": 1, "token": WORD, "device": WORD},
    ):
        reply = await client.reply_to(packet)
        assert reply["type"] == "error", packet


async def _says_nonsense(url: str) -> None:
    """Frames that are no packets, and hellos that fail; each ends its connection."""
    hello = {"type": "hello", "id": 1, "version": 1, "device": "A" * 22}
    claims = {"sub": "mallory", "aud": WORD, "exp": 2**40}
    frames: list[Any] = [
        {**hello, "token": WORD},
        {**hello, "token": forged({"alg": "HS256", "kid": WORD}, claims, SECRET)},
        {**hello, "token": forged({"alg": "HS256"}, claims, SECRET)},
        {**hello, "token": token_for("mallory", secret=WORD * 8)},
        {**hello, "token": token_for("mallory"), "device": LINE},
        {"type": WORD, "id": 1},
        [LINE],
        LINE,
        [{"type": "send", "body": BODY}, WORD],
    ]
    for encoding in ("msgpack", "json"):
        for content in frames:
            link = await Link.open(url, encoding, headers={"User-Agent": WORD, "X-Forwarded-For": WORD})
            await link.send(content)
            async for _ in link.packets():
                pass
        for raw in (WORD.encode(), b"\xc1" + WORD.encode(), b'{"' + WORD.encode()):
            link = await Link.open(url, encoding)
            await link.send_frame(raw if encoding == "msgpack" else raw.decode("latin-1"))
            async for _ in link.packets():
                pass


async def _knocks(server: DaemonProcess) -> None:
    """The other interfaces: HTTP, login, the admin socket."""
    for path in (f"/{WORD}", f"/v1/health?{WORD}", f"/v1/ws?token={WORD}", f"/v1/ws?access_token={WORD}"):
        await http.request(server.http_url + path, headers={"User-Agent": WORD, "Cookie": WORD, "Host": WORD})
    for content in ({"user": "ann", "password": WORD + WORD}, {"user": LINE, "password": WORD}, [LINE]):
        await http.request(f"{server.http_url}/v1/login", "POST", content=content)
    for raw in (WORD.encode() + b"\r\n\r\n", b"GET / HTTP/1.1\r\n" + WORD.encode() + b"\r\n\r\n"):
        with contextlib.suppress(IndexError):
            await http.exchange(server.http_url, raw)
    key = f"ck_{'a' * 8}_{WORD:_<43}"
    for method, path, content in (
        ("PUT", "/v1/users/zoe", {"name": LINE, "avatar": WORD, "password_hash": "$argon2id$" + WORD}),
        ("PUT", f"/v1/users/{WORD}%0A", {WORD: WORD, "password_hash": "$argon2id$" + WORD}),
        ("PUT", "/v1/users/nobody/password", {"password_hash": "$argon2id$" + WORD}),
        ("POST", "/v1/rooms/gAbCdEfGhIj0/notices", {"key": WORD, "body": BODY}),
        ("GET", f"/v1/users?more={WORD}&key={key}", None),
    ):
        socket_path = server.directory / "store" / "chatd.sock"
        await http.request(f"http://admin{path}", method, content=content, socket_path=socket_path)
        sent = {"Authorization": f"Bearer {key}", "X-Request-Id": f"{WORD} {WORD}"}
        await http.request(server.ops_url + path, method, content=content, headers=sent)


@pytest.mark.environment(LOG__LEVEL="info", LOG__FORMAT="json")
async def test_nothing_that_is_sent_is_logged(server: DaemonProcess, callers: Clients) -> None:
    for encoding in ("msgpack", "json"):
        await _talks(callers, encoding)
        mallory = await callers.connect("mallory", encoding=encoding)
        await _asks_wrongly(mallory, "gAbCdEfGhIj0")
    await _says_nonsense(server.url)
    await _knocks(server)
    metrics = (await http.request(f"{server.ops_url}/metrics")).body.decode()
    ready = (await http.request(f"{server.ops_url}/readyz")).body.decode()
    await callers.leave()
    callers.peers.clear()
    await server.terminate()
    assert WORD not in metrics + ready
    assert WORD not in server.log
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert len(lines) > 20, "something is logged at all"
    assert {line["level"] for line in lines} <= {"info", "warning"}
    assert "forged" not in [line["msg"] for line in lines]


async def test_the_configuration_is_shown_without_its_secrets(server: DaemonProcess) -> None:
    for arguments in (("config", "show"), ("config", "show", "--json"), ("config", "check")):
        code, output = await server.run(*arguments)  # which looks for secrets in it
        assert code == 0, output
    code, output = await server.run("serve", "--set", "limits.page=none", "--set", "auth.leeway_s=x")
    assert code != 0
    check_no_secret(output, "the complaint")


# --- the search itself


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        f"got {token_for('ann')}",
        "$argon2id$v=19$x",
        "correct horse battery staple",
        "-----BEGIN PRIVATE KEY-",
        f"ck_{'a' * 8}_{'b' * 43}",
    ],
)
def test_the_search_finds_every_kind_of_secret(said: str) -> None:
    detector = LeakDetector()
    detector.open()
    try:
        raise ValueError(said)
    except ValueError:
        logging.getLogger("chatd.session.rate_limits").exception("a defect")
    with pytest.raises(Leaked):
        detector.close()


def test_the_ear_lets_everything_else_pass() -> None:
    detector = LeakDetector()
    detector.open()
    logging.getLogger("chatd.session.rate_limits").info("session %s of %s", "s1", "ann", extra={"code": 1000})
    detector.close()
