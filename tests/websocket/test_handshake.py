"""The choices of an upgrade: its subprotocol, and the page it comes from. Bad ones are in tests/hostile."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.websocket.handshake import JSON, MSGPACK, PATH, Answer, Handshakes, Head, usual_answer
from tests.kit.echo_server import echo_server
from tests.kit.frames import client_frame, upgrade_request

ORIGINS = ("https://app.example", "http://localhost:3000")

# what may have been asked before; the library raises, of some, one exception because of another
ASKED = {
    "accepted": upgrade_request(JSON, more=(f"Origin: {ORIGINS[0]}",)),
    "another path": upgrade_request(target="/"),
    "POST": upgrade_request(start="POST /v1/ws HTTP/1.1"),
    "an upgrade to h2c": upgrade_request(without=("Upgrade",), more=("Upgrade: h2c",)),
    "no key": upgrade_request(without=("Sec-WebSocket-Key",)),
    "a key that is no base64": upgrade_request(
        without=("Sec-WebSocket-Key",), more=("Sec-WebSocket-Key: *",)
    ),
    "two keys": upgrade_request(more=("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",)),
    "version 8": upgrade_request(without=("Sec-WebSocket-Version",), more=("Sec-WebSocket-Version: 8",)),
    "no subprotocol": upgrade_request(None),
}


def request(head: bytes) -> Head:
    """A head as a parser of HTTP gives it on."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, _ = first.split(b" ")
    named = [line.split(b":", 1) for line in lines]
    return Head(method, target, [(name.lower(), value.removeprefix(b" ")) for name, value in named])


def undated(answer: Answer) -> Answer:
    lines = answer.response.split(b"\r\n")
    response = b"\r\n".join(line for line in lines if not line.startswith(b"Date: "))
    return Answer(response, answer.reason, answer.subprotocol)


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("before", ASKED)
@pytest.mark.parametrize("asked", ASKED)
def test_an_answer_does_not_depend_on_what_was_asked_before(asked, before):
    handshakes = Handshakes()
    handshakes.answer(request(ASKED[before]), None)
    alone = Handshakes().answer(request(ASKED[asked]), None)
    assert undated(handshakes.answer(request(ASKED[asked]), None)) == undated(alone)


@pytest.mark.parametrize("asked", ASKED)
def test_nothing_of_a_request_is_left_in_the_object_all_share(asked):
    handshakes = Handshakes()
    library = vars(handshakes._library)
    fresh = dict(library, accept_called=True, extensions=[])
    handshakes.answer(request(ASKED[asked]), None)
    assert dict(library, accept_called=True) == fresh


@pytest.mark.parametrize("asked", ASKED)
def test_a_request_is_freed_without_a_collection(asked, uncollected):
    asking = request(ASKED[asked])
    remembered = weakref.ref(asking)
    Handshakes().answer(asking, None)
    del asking
    assert remembered() is None


KEY = "dGhlIHNhbXBsZSBub25jZQ=="
# By header what is usual, and what is nearly so; None: not there.
VALUES = {
    "host": ["chat.example", "", None],
    "upgrade": ["websocket", "WebSocket", "websocket ", "websocket, h2c", "h2c", None],
    "connection": ["Upgrade", "upgrade", "keep-alive, Upgrade", "close", "keep-alive", None],
    "sec-websocket-version": ["13", "8", "13, 8", "013", None],
    "sec-websocket-key": [KEY, KEY[:-3] + "R==", KEY[:-2], "*" * 22 + "==", "AAAA", KEY + "\n", None],
    "sec-websocket-protocol": [MSGPACK, JSON, "chatd.v2", f"{MSGPACK}, {JSON}", " " + JSON, "", None],
    "origin": [None, ORIGINS[0], "https://evil.example"],
    "sec-websocket-extensions": [None, "permessage-deflate; client_max_window_bits", ", ;"],
    "content-length": [None, "0"],
    "x-forwarded-for": [None, "192.0.2.1"],
}


def often_the_first(values: list[str | None]) -> st.SearchStrategy[str | None]:
    return st.one_of(st.just(values[0]), st.just(values[0]), st.just(values[0]), st.sampled_from(values))


@st.composite
def heads(draw: st.DrawFn) -> Head:
    """A head that is usual but for a thing or two."""
    headers = [(name, draw(often_the_first(values))) for name, values in VALUES.items()]
    headers += draw(
        often_the_first([[], [("host", "x")], [("upgrade", "h2c")], [("sec-websocket-key", KEY)]])
    )
    method, target = (
        draw(often_the_first(["GET", "POST"])),
        draw(often_the_first([PATH, PATH + "?token=x", "/"])),
    )
    return Head(
        method.encode(),
        target.encode(),
        [(name.encode(), value.encode()) for name, value in headers if value is not None],
    )


@given(heads())
@settings(max_examples=500)
def test_a_usual_request_is_answered_as_if_it_were_weighed(head):
    usual = usual_answer(head)
    if usual is not None:
        assert usual == undated(Handshakes().weighed(head.request(), frozenset(ORIGINS)))


@pytest.mark.parametrize("subprotocol", [MSGPACK, JSON])
def test_what_clients_ask_is_usual(subprotocol):
    answer = usual_answer(request(upgrade_request(subprotocol)))
    assert answer is not None
    assert (answer.subprotocol, answer.reason) == (subprotocol, "")


def test_the_example_of_the_rfc_is_answered_as_it_says():
    asked = upgrade_request(without=("Sec-WebSocket-Key",), more=(f"Sec-WebSocket-Key: {KEY}",))
    answer = usual_answer(request(asked))  # RFC 6455 section 1.3
    assert answer is not None
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer.response


def test_only_an_accepted_upgrade_has_a_subprotocol():
    handshakes = Handshakes()
    assert handshakes.answer(request(upgrade_request(f"x, {MSGPACK}, {JSON}")), None).subprotocol == MSGPACK
    assert handshakes.answer(request(ASKED["version 8"]), None).subprotocol is None
    assert handshakes.busy("connections", 5).subprotocol is None


def test_white_space_around_a_value_does_not_belong_to_it():
    asked = upgrade_request(without=("Sec-WebSocket-Version",), more=("Sec-WebSocket-Version: \t 13\t ",))
    assert Handshakes().answer(request(asked), None).response.startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("offer", ["chatd.v1.json, chatd.v1.msgpack", "x, chatd.v1.json,chatd.v1.msgpack"])
async def test_the_client_decides_between_the_subprotocols(offer):
    async with echo_server() as server:
        raw = await server.upgrade(offer)
        assert server.last.wire.text
        raw.send(client_frame(b"{}", 0x81))
        assert await raw.frame() == (0x81, b"{}")


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_web_page_of_an_allowed_origin_may_connect(origin):
    async with echo_server(listen={"origins": ORIGINS}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=(f"Origin: {origin}",)))
        assert (await raw.response())[0] == 101


async def test_a_refused_origin_is_counted_by_its_reason():
    async with echo_server(listen={"origins": ORIGINS}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=("Origin: https://evil.example",)))
        assert (await raw.response())[0] == 403
        assert server.counters.handshakes_rejected == {"origin": 1}


@pytest.mark.parametrize("versions", [("8",), ("7, 8",), ("13", "8"), ()])
async def test_another_version_of_the_websocket_is_told_which_there_is(versions):
    async with echo_server() as server:
        raw = await server.connect()
        more = tuple(f"Sec-WebSocket-Version: {version}" for version in versions)
        raw.send(upgrade_request(without=("Sec-WebSocket-Version",), more=more))
        status, head = await raw.response()
        assert status == 426
        assert b"Sec-WebSocket-Version: 13\r\n" in head
        assert b"Upgrade: websocket\r\n" in head
        assert server.counters.handshakes_rejected == {"version": 1}


async def test_any_origin_may_connect_when_the_operator_insists():
    async with echo_server(listen={"origins": ("*",), "unsafe_any_origin": True}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=("Origin: https://evil.example",)))
        assert (await raw.response())[0] == 101
