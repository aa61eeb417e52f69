"""The simulated connection has the manners of a real one: order, pressure, ends."""

import asyncio
from typing import Any

import pytest

from tests.simulation.loop import SimLoop
from tests.simulation.tape import Tape
from tests.simulation.transport import Link, Weather


class Ear:
    """The phone's end."""

    def __init__(self) -> None:
        self.data = b""
        self.is_lost = False

    def opened(self) -> None: ...

    def received(self, data: bytes) -> None:
        self.data += data

    def lost(self) -> None:
        self.is_lost = True


class Mouth(asyncio.Protocol):
    """The daemon's end."""

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


class Call:
    """Both ends, and a loop on which time passes."""

    def __init__(self, seed: int = 1, **weather: Any) -> None:
        self.loop = SimLoop(Tape(lanes={}).lane("order"))
        self.ear, self.mouth = Ear(), Mouth()
        self.link = Link(self.loop, Tape(seed).lane("air"), self.ear, Weather(**weather))
        self.loop.call_soon(self.link.transport.begin, self.mouth, None)
        self.passes()

    def passes(self, seconds: float = 5.0) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))


@pytest.fixture(params=[False, True], ids=["whole", "in pieces"])
def call(request: pytest.FixtureRequest) -> Any:
    made = Call(pieces=request.param)
    yield made
    made.loop.close()


def test_bytes_arrive_in_order_both_ways(call: Call) -> None:
    for number in range(50):
        call.link.transport.write(b"%03d" % number)
        call.link.send(b"%03d" % number)
    call.passes()
    assert call.ear.data == call.mouth.data == b"".join(b"%03d" % number for number in range(50))


def test_who_does_not_read_is_felt_and_loses_nothing(call: Call) -> None:
    call.link.transport.set_write_buffer_limits(high=1000)
    call.link.stop_reading()
    call.link.transport.write(bytes(200_000))
    call.passes()
    assert (call.mouth.happened, len(call.ear.data)) == (["pause"], 0)
    assert call.link.transport.get_write_buffer_size() == 200_000 - 65536
    call.link.resume_reading()
    call.passes(60.0)
    assert (call.mouth.happened, len(call.ear.data)) == (["pause", "resume"], 200_000)


def test_a_close_comes_after_the_bytes_before_it(call: Call) -> None:
    call.link.transport.write(b"last")
    call.link.transport.close()
    call.passes()
    assert (call.ear.data, call.ear.is_lost, call.mouth.happened) == (b"last", True, ["closed"])


def test_the_end_of_the_phone_closes_the_other_end_too(call: Call) -> None:
    call.link.send(b"bye")
    call.link.finish()
    call.passes()
    assert (call.mouth.data, call.mouth.happened) == (b"bye", ["eof", "closed"])


def test_a_phone_that_ends_while_it_dials_is_never_accepted(call: Call) -> None:
    link = Link(call.loop, Tape(0).lane("other"), Ear(), Weather())
    link.finish()
    call.passes()
    assert (link.over, call.loop.complaints) == (True, [])


@pytest.mark.parametrize("after", [1, 7, 300])
def test_a_cut_comes_after_exactly_so_many_bytes(after: int) -> None:
    call = Call(cut_down=after, pieces=True)
    for _ in range(50):
        call.link.transport.write(b"x" * 10)
    call.passes()
    call.loop.close()
    assert (len(call.ear.data), call.ear.is_lost, call.mouth.happened) == (after, True, ["reset"])


def test_a_phone_that_vanished_hears_and_says_nothing_and_nobody_is_told(call: Call) -> None:
    call.link.vanish()
    call.link.transport.write(b"x")
    call.link.send(b"x")
    call.passes()
    assert (call.ear.data, call.mouth.data, call.mouth.happened) == (b"", b"", [])
    call.link.transport.abort()
    call.passes()
    assert call.mouth.happened == ["reset"]


def test_the_daemon_reads_no_more_than_it_wants(call: Call) -> None:
    call.link.transport.pause_reading()
    call.link.send(b"x")
    call.passes()
    assert call.mouth.data == b""
    call.link.transport.resume_reading()
    call.passes()
    assert call.mouth.data == b"x"
