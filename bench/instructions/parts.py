"""The parts of the hot path, each called as the daemon calls it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from bench.instructions.people import Ear, People, frame_of
from chatd.core.write_set import NewEvent
from chatd.delivery import encoding
from chatd.delivery.fanout import event_push
from chatd.protocol.codec import decode_request
from chatd.session.dispatcher import Dispatcher
from chatd.storage.sqlite.commit import commit
from chatd.storage.sqlite.write_set import Batch, batch_of
from chatd.writer.writer import Submission, Writer

MEANINGS = {
    "send": "all of a send in a direct room, from its frame until both are told, threads included",
    "hello": "all of a hello of a known device with a new token and 20 rooms, threads included",
    "decode": "one frame with one send, to its struct",
    "check": "that send: rates, what the token allows, host data; given to the writer",
    "decide": "that send as a batch of its own: numbered, keyed, encoded for the log",
    "rows": "the rows of that batch",
    "sqlite": "those rows as one transaction in the file",
    "encode": "the push of that message, framed",
    "push": "a batch of one message told to 100 connections that flow",
}


@dataclass(frozen=True)
class Part:
    """`call` does the work once, with what `make` gave it before anything was counted."""

    call: Callable[[Any], Any]
    make: Callable[[], Any] = lambda: None
    waits: bool = False  # a coroutine function


def parts(people: People) -> dict[str, Part]:
    """Every part. Those that go past the writer leave memory ahead of it, so they come last."""
    return {"send": send(people), "hello": hello(people), **pieces(people)}


def send(people: People) -> Part:
    async def call(frame: bytes) -> None:
        people.ann.received(frame)
        await people.ears[0].hears()

    return Part(call, lambda: frame_of(people.send(people.pair)), waits=True)


def hello(people: People) -> Part:
    users = iter(people.guests)

    async def call(made: tuple[bytes, Ear]) -> None:
        frame, ear = made
        people.knocks(frame, ear)
        await ear.hears()

    return Part(call, lambda: (people.hello(next(users)), people.ear()), waits=True)


def pieces(people: People) -> dict[str, Part]:
    app, deflate_min = people.app, people.config.delivery.deflate_min_bytes
    frame = frame_of(people.send(people.pair))
    request = decode_request(frame, False)
    dispatcher = Dispatcher(replace(app.context, writer=cast(Writer, Taker())), app.rate_limits, people.ann)
    writes, told = people.decides(people.pair), people.decides(people.group)
    new = [step for steps in writes.steps.values() for step in steps if isinstance(step, NewEvent)]

    def write(batch: Batch) -> None:
        commit(people.connection, batch)

    return {
        "decode": Part(lambda _: decode_request(frame, False)),
        "check": Part(lambda _: dispatcher.handle(request, None)),
        "decide": Part(lambda _: people.decided(request)),
        "rows": Part(lambda _: batch_of(writes)),
        "sqlite": Part(write, lambda: batch_of(people.decides(people.pair))),
        "encode": Part(lambda _: encoding.frame_of(event_push(new), encoding.MSGPACK, deflate_min)),
        "push": Part(lambda _: app.fanout.publish(told)),
    }


class Taker:
    """In the place of the writer: takes everything and does nothing."""

    def submit(self, submission: Submission) -> None: ...
