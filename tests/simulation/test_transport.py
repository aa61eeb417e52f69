"""The simulated connection behaves like a real one: order, pressure, ends."""

import asyncio
from typing import Any

import pytest

from tests.simulation.choices import Choices
from tests.simulation.loop import SimLoop
from tests.simulation.transport import Link, NetworkConditions


class ClientEnd:
    """The end of the client."""

    def __init__(self) -> None:
        self.data = b""
        self.is_lost = False

    def opened(self) -> None: ...

    def received(self, data: bytes) -> None:
        self.data += data

    def lost(self) -> None:
        self.is_lost = True


class ServerEnd(asyncio.Protocol):
    """The end of the daemon."""

    def __init__(self) -> None:
        self.data = b""
        self.happened: list[str] = []

    def data_received(self, data: bytes) -> None:
        self.data += data

    def eof_received(self) -> None:
        self.happened.append("eof")

    def pause_writing(self) -> None:
        self.happened.append("pause")

    def resume_writing(self) -> None:
        self.happened.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.happened.append("reset" if exc else "closed")


class Pair:
    """Both ends, and a loop on which time passes."""

    def __init__(self, seed: int = 1, **conditions: Any) -> None:
        self.loop = SimLoop(Choices(lanes={}).lane("order"))
        self.client_end, self.server_end = ClientEnd(), ServerEnd()
        self.link = Link(
            self.loop, Choices(seed).lane("air"), self.client_end, NetworkConditions(**conditions)
        )
        self.loop.call_soon(self.link.transport.begin, self.server_end, None)
        self.advance()

    def advance(self, seconds: float = 5.0) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))


@pytest.fixture(params=[False, True], ids=["whole", "in pieces"])
def call(request: pytest.FixtureRequest) -> Any:
    made = Pair(pieces=request.param)
    yield made
    made.loop.close()


def test_bytes_arrive_in_order_both_ways(call: Pair) -> None:
    for number in range(50):
        call.link.transport.write(b"%03d" % number)
        call.link.send(b"%03d" % number)
    call.advance()
    assert call.client_end.data == call.server_end.data == b"".join(b"%03d" % number for number in range(50))


def test_who_does_not_read_is_felt_and_loses_nothing(call: Pair) -> None:
    call.link.transport.set_write_buffer_limits(high=1000)
    call.link.stop_reading()
    call.link.transport.write(bytes(200_000))
    call.advance()
    assert (call.server_end.happened, len(call.client_end.data)) == (["pause"], 0)
    assert call.link.transport.get_write_buffer_size() == 200_000 - 65536
    call.link.resume_reading()
    call.advance(60.0)
    assert (call.server_end.happened, len(call.client_end.data)) == (["pause", "resume"], 200_000)


def test_a_close_comes_after_the_bytes_before_it(call: Pair) -> None:
    call.link.transport.write(b"last")
    call.link.transport.close()
    call.advance()
    assert (call.client_end.data, call.client_end.is_lost, call.server_end.happened) == (
        b"last",
        True,
        ["closed"],
    )


def test_the_end_of_the_phone_closes_the_other_end_too(call: Pair) -> None:
    call.link.send(b"bye")
    call.link.finish()
    call.advance()
    assert (call.server_end.data, call.server_end.happened) == (b"bye", ["eof", "closed"])


def test_a_phone_that_ends_while_it_dials_is_never_accepted(call: Pair) -> None:
    link = Link(call.loop, Choices(0).lane("other"), ClientEnd(), NetworkConditions())
    link.finish()
    call.advance()
    assert (link.over, call.loop.complaints) == (True, [])


@pytest.mark.parametrize("after", [1, 7, 300])
def test_a_cut_comes_after_exactly_so_many_bytes(after: int) -> None:
    call = Pair(cut_down=after, pieces=True)
    for _ in range(50):
        call.link.transport.write(b"x" * 10)
    call.advance()
    call.loop.close()
    assert (len(call.client_end.data), call.client_end.is_lost, call.server_end.happened) == (
        after,
        True,
        ["reset"],
    )


def test_a_phone_that_vanished_hears_and_says_nothing_and_nobody_is_told(call: Pair) -> None:
    call.link.vanish()
    call.link.transport.write(b"x")
    call.link.send(b"x")
    call.advance()
    assert (call.client_end.data, call.server_end.data, call.server_end.happened) == (b"", b"", [])
    call.link.transport.abort()
    call.advance()
    assert call.server_end.happened == ["reset"]


def test_the_daemon_reads_no_more_than_it_wants(call: Pair) -> None:
    call.link.transport.pause_reading()
    call.link.send(b"x")
    call.advance()
    assert call.server_end.data == b""
    call.link.transport.resume_reading()
    call.advance()
    assert call.server_end.data == b"x"
