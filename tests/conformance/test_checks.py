"""Each rule for every frame, broken once: it is found, under its name, and the same without the break is not."""

from collections.abc import Callable
from typing import Any

import pytest

from chatd.conformance.checks import RULES, Checks
from chatd.conformance.codec import BadFrame, decode
from chatd.conformance.packets import bye, error, ok, page, welcome
from chatd.conformance.packets import room as summary

DEVICE = "Zk3vN0b1Q2mXr8sT5uWy7A"
ROOM = "g4fKz81QwXe2"
KEY = "AZqxkP3ve9SFmQbJ7hE3Zw"
HELLO: dict[str, Any] = {"type": "hello", "id": 1, "version": 1, "token": "t", "device": DEVICE}


class Client:
    """A client that says what a test wants, at the time it wants."""

    def __init__(self) -> None:
        self.checks = Checks(virtual=True)
        self.now = 0.0
        self.links = 0
        self.ids = 1

    def connects(self, path: str = "/v1/ws", **hello: Any) -> None:
        self.checks.connecting(path, {}, self.now)
        self.links += 1
        self.checks.connected(self.links, self.now)
        self.says({**HELLO, **hello})

    def ready(self, **hello: Any) -> None:
        self.connects(**hello)
        self.hears(welcome(1, summary(ROOM, 1)))

    def says(self, *packets: Any, size: int = 100) -> None:
        self.checks.frame(self.links, packets, size, self.now)

    def asks(self, kind: str, **fields: Any) -> None:
        self.ids += 1
        self.says({"type": kind, "id": self.ids, **fields})

    def sends(self, key: str = KEY, text: str = "Hi", **more: Any) -> None:
        self.asks("send", room=ROOM, key=key, body={"text": text}, **more)

    def hears(self, packet: Any) -> None:
        self.checks.sent(packet, self.now)

    def lost(self, code: int = 0) -> None:
        self.checks.server_ended(code, self.now)
        self.checks.disconnected(self.links, self.now)

    def refused(self, retry: str, **more: Any) -> None:
        self.hears(error(self.ids, "rate_limited", retry, **more))


def frame(client: Client, wrong: bool) -> None:
    client.checks.bad_frame("it is none", 0.0) if wrong else None


def limits(client: Client, wrong: bool) -> None:
    client.connects()
    client.says({"type": "pong"}, size=8193 if wrong else 8192)


def form(client: Client, wrong: bool) -> None:
    client.ready()
    client.asks("log", room=ROOM, **{"from": 0 if wrong else 1})


def url(client: Client, wrong: bool) -> None:
    client.connects("/v1/ws?token=t" if wrong else "/v1/ws?x=t")


def hello_first(client: Client, wrong: bool) -> None:
    client.ready()
    if wrong:
        client.says({**HELLO, "id": 9})


def unique_id(client: Client, wrong: bool) -> None:
    client.ready()
    for number in (5, 5 if wrong else 6):
        client.says({"type": "room.get", "id": number, "room": ROOM})


def one_connection(client: Client, wrong: bool) -> None:
    client.ready()
    if not wrong:
        client.lost()
    client.now = 60
    client.ready()


def after_bye(client: Client, wrong: bool) -> None:
    client.ready()
    client.hears(bye(4000, "restart"))
    client.now = 1 if wrong else 0
    client.says({"type": "pong"})


def reconnect(client: Client, wrong: bool) -> None:
    client.ready()
    client.lost(4299 if wrong else 4099)
    client.now = 60
    client.connects()


def retry_after(client: Client, wrong: bool) -> None:
    client.ready()
    client.sends()
    client.refused("later", retry_after=400)
    client.now = 0.39 if wrong else 0.4
    client.sends()


def never(client: Client, wrong: bool) -> None:
    client.ready()
    client.sends()
    client.refused("never")
    if not wrong:
        client.checks.resent(KEY)
    client.sends()


def key(client: Client, wrong: bool) -> None:
    client.ready()
    client.sends()
    client.lost()
    client.now = 60
    client.ready()
    client.sends(key="another-key" if wrong else KEY, composed_at=7)


def one_frame(client: Client, wrong: bool) -> None:
    client.ready()
    client.sends()
    if not wrong:
        client.hears(ok(client.ids, seq=2, time=0))
    client.sends(key="another-key", text="more")


def order(client: Client, wrong: bool) -> None:
    client.ready()
    for posted in ("first-key", "second-key"):
        client.checks.posted(ROOM, posted)
    for number, sent in enumerate(("second-key", "first-key") if wrong else ("first-key", "second-key")):
        client.sends(key=sent, text=str(number))
        client.hears(ok(client.ids, seq=2, time=0))


def cursor(client: Client, wrong: bool) -> None:
    client.connects()
    client.hears(welcome(1, sync=page(cursor="c1")))
    client.lost()
    client.now = 60
    client.connects(epoch="k7Qd", cursor="c2" if wrong else "c1")


def device(client: Client, wrong: bool) -> None:
    client.ready()
    client.lost()
    client.now = 60
    client.ready(device="A" * 22 if wrong else DEVICE)


def token(client: Client, wrong: bool) -> None:
    client.connects()
    client.hears(error(1, "token_expired", "after_auth"))
    client.lost(4100)
    client.connects(token="t" if wrong else "t2")


def rate(kind: str, interval_s: float, **fields: Any) -> Callable[[Client, bool], None]:
    def twice(client: Client, wrong: bool) -> None:
        client.ready()
        client.asks(kind, **fields)
        client.now = interval_s - 0.01 if wrong else interval_s
        client.asks(kind, **fields)

    return twice


def pong(client: Client, wrong: bool) -> None:
    client.ready()
    client.hears({"type": "ping"})
    client.says({"type": "pong"} if not wrong else {"type": "typing", "room": ROOM})
    client.now = 9


def waits(part: Callable[[int], float]) -> Callable[[Client, bool], None]:
    def many(client: Client, wrong: bool) -> None:
        for attempt in range(14):
            client.checks.connecting("/v1/ws", {}, client.now)
            client.checks.refused(503, None, client.now)
            most = min(60.0, 2.0**attempt)
            client.now += part(attempt) if wrong else most * (0.2 + 0.6 * (attempt % 3) / 2)

    return many


def close_code(client: Client, wrong: bool) -> None:
    client.ready()
    client.checks.client_ended(1002 if wrong else 1001, 0.0)


BREAKS: dict[str, Callable[[Client, bool], None]] = {
    "frame": frame,
    "limits": limits,
    "form": form,
    "url": url,
    "hello-first": hello_first,
    "id": unique_id,
    "one-connection": one_connection,
    "after-bye": after_bye,
    "reconnect": reconnect,
    "retry-after": retry_after,
    "never": never,
    "key": key,
    "one-frame": one_frame,
    "order": order,
    "cursor": cursor,
    "device": device,
    "token": token,
    "read-rate": rate("read", 2.0, room=ROOM, seq=1),
    "typing-rate": rate("typing", 3.0, room=ROOM),
    "delivered-rate": rate("delivered", 5.0, rooms=[{"room": ROOM, "seq": 1}]),
    "ping-rate": rate("ping", 5.0),
    "pong": pong,
    "jitter": waits(lambda attempt: min(60.0, 2.0**attempt)),
    "growth": waits(lambda attempt: 0.2 + 0.3 * (attempt % 3)),
    "close-code": close_code,
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_its_break_and_nothing_else(rule: str) -> None:
    found = {}
    for wrong in (True, False):
        client = Client()
        BREAKS[rule](client, wrong)
        client.checks.ended(client.now)
        found[wrong] = {violation.rule for violation in client.checks.violations}
    assert found == {True: {rule}, False: set()}


def test_a_cursor_that_was_kept_without_its_rooms_is_found() -> None:
    client = Client()
    client.ready()
    client.checks.restarted(empty=False)
    client.checks.restored("", [], 0.0)
    client.checks.restored("AAAD1A", [ROOM], 0.0)
    assert client.checks.violations == []
    client.checks.restored("AAAD1A", [], 0.0)
    assert [violation.rule for violation in client.checks.violations] == ["cursor"]


@pytest.mark.parametrize(
    ("packet", "limit"),
    [
        ({"type": "focus", "id": 2, "rooms": [ROOM] * 9}, {"focus": 9}),
        ({"type": "watch", "id": 2, "users": ["u7"] * 201}, {"watch": 201}),
        ({"type": "sync", "id": 2, "rooms": 201}, {"page": 201}),
        ({"type": "log", "id": 2, "room": ROOM, "from": 1, "limit": 201}, {"page": 201}),
    ],
)
def test_a_limit_is_the_one_in_force(packet: dict[str, Any], limit: dict[str, int]) -> None:
    for limits, found in (({}, ["limits"]), (limit, [])):
        client = Client()
        client.connects()
        client.hears(welcome(1, summary(ROOM, 1), limits=limits))
        client.says(packet)
        assert [violation.rule for violation in client.checks.violations] == found


def test_a_batch_has_as_many_packets_as_the_server_says_once_hello_is_answered() -> None:
    pongs = [{"type": "pong"}] * 65
    client = Client()
    client.connects()
    client.says(*pongs)
    assert [violation.rule for violation in client.checks.violations] == ["limits"]
    client.hears(welcome(1, limits={"batch": 65}))
    client.says(*pongs)
    assert len(client.checks.violations) == 1


def test_an_emoji_is_measured_in_bytes() -> None:
    client = Client()
    client.ready()
    for times in (16, 17):
        client.asks("react", room=ROOM, key=f"key-{times:04}", target=1, emoji="👍" * times, set=True)
    assert [violation.rule for violation in client.checks.violations] == ["form"]


def test_a_value_of_another_type_is_found_where_a_limit_bounds_it() -> None:
    client = Client()
    client.ready()
    client.says({"type": "focus", "id": 2, "rooms": 9}, {"type": "sync", "id": 3, "rooms": "all"})
    assert [violation.rule for violation in client.checks.violations] == ["form", "form"]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("{}", "msgpack"),
        (b"\x80", "json"),
        (b"\xc1", "msgpack"),
        (b"\x90", "msgpack"),
        (b"\x91\x90", "msgpack"),
        (b"\x82\xa1a\x01\xa1a\x02", "msgpack"),
        (b"\x81\x01\x01", "msgpack"),
        (b"\xc7\x01\x01\x00", "msgpack"),
        ('{"a":1,"a":2}', "json"),
        ('{"a":NaN}', "json"),
        ("[]", "json"),
        ("3", "json"),
    ],
)
def test_a_frame_that_is_none_is_refused(content: bytes | str, encoding: str) -> None:
    with pytest.raises(BadFrame):
        decode(content, encoding)
