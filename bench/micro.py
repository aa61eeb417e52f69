"""`micro`: the parts of the daemon's hot path one by one, in microseconds: decode, decide, encode, fan-out.

It imports the daemon, as only baselines/echo.py does besides: a part cannot be measured from outside.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgpack

from bench import options as common
from bench import outcome
from bench.engine.record import MessageId, Script
from bench.options import Scenario
from chatd.config import model
from chatd.core.messages import post
from chatd.core.read_set import ReadSet, Rules
from chatd.core.room import Member, Room
from chatd.core.write_set import NewEvent, WriteSet
from chatd.delivery.encoding import MSGPACK, frame_of
from chatd.delivery.fanout import event_push
from chatd.delivery.outbox import Outbox
from chatd.protocol.codec import decode_packets
from chatd.protocol.messages import Send

ROUNDS = 9  # of which the median counts, and the range is told
ROUND_S = 0.05  # long enough for the clock, short enough to fall between two others' turns
BATCH = 32  # messages decided and pushed together, as under load

Part = Callable[[], int]  # does the work once; how many operations that was


async def run(options: argparse.Namespace) -> int:
    spreads = {name: timed(part) for name, part in parts(options.outboxes, options.seed).items()}
    result = {
        "scenario": "micro",
        "seed": options.seed,
        "outboxes": options.outboxes,
        "median": {f"{name}_us": round(statistics.median(values), 4) for name, values in spreads.items()},
        "least": {f"{name}_us": round(min(values), 4) for name, values in spreads.items()},
    }
    return outcome.finish(result, options)


MEANINGS = {
    "decode": "one frame with one send, to its struct",
    "decode_batch": f"one send of a frame with {BATCH}",
    "decide": f"one send of {BATCH} decided together: numbered, keyed, encoded for the log",
    "encode": "one push of one message, framed",
    "encode_batch": f"one message of a push of {BATCH}, framed",
    "fan_out": "one frame to one outbox that flows",
}


def parts(outboxes: int, seed: int) -> dict[str, Part]:
    script = Script("micr", seed)
    sends = [_packet(script, number) for number in range(BATCH)]
    single, batch = msgpack.packb(sends[0]), msgpack.packb(sends)
    requests = [request for request in decode_packets(batch, False) if isinstance(request, Send)]
    decided = _decide(requests)
    frame = _frame(decided[:1])
    group = [Outbox(Nowhere(), model.Outbox(), _Nobody()) for _ in range(outboxes)]
    return {
        "decode": lambda: len(list(decode_packets(single, False))),
        "decode_batch": lambda: len(list(decode_packets(batch, False))),
        "decide": lambda: len(_decide(requests)),
        "encode": lambda: len(_frame(decided[:1])) and 1,
        "encode_batch": lambda: len(_frame(decided)) and BATCH,
        "fan_out": lambda: _fan_out(group, frame),
    }


def timed(part: Part) -> list[float]:
    rounds = []
    for _ in range(ROUNDS):
        done, started = 0, time.perf_counter()
        while (passed := time.perf_counter() - started) < ROUND_S:
            done += part()
        rounds.append(passed / done * 1e6)
    return rounds


def _packet(script: Script, number: int) -> dict[str, Any]:
    key = script.key(MessageId(0, number, number, number))
    body = {"text": script.texts().of(0, number)}
    return {"type": "send", "id": number + 1, "room": "g00000000001", "key": key, "body": body}


def _decide(requests: list[Send]) -> list[NewEvent]:
    room = Room(1, "g00000000001", "group", "ann", 1)
    room.members = {name: Member(name, "member", 1, 1, 0, 0) for name in ("ann", "bob")}
    writes, reads = WriteSet(now=1, stamp=1), ReadSet(Rules(), {room.name: room})
    for request in requests:
        post("ann", request, writes, reads)
    return [step for step in writes.steps[1] if isinstance(step, NewEvent)]


def _frame(run: list[NewEvent]) -> bytes:
    return frame_of(event_push(run), MSGPACK, model.Delivery().deflate_min_bytes)


def _fan_out(group: list[Outbox], frame: bytes) -> int:
    for outbox in group:
        outbox.send_event(frame, "g00000000001", 2, 1, 0.0)
    return len(group)


class Nowhere:
    """A connection whose kernel takes everything at once."""

    text = False
    address = ""

    def write(self, frame: bytes) -> None: ...

    def buffered_bytes(self) -> int:
        return 0

    def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...

    cork = uncork = pause_reading = resume_reading = abort


class _Nobody:
    """The owner of an outbox that flows, which never calls it."""

    def head_frame(self, heads: Mapping[str, tuple[int, int]]) -> bytes:
        return b""

    def lagged(self) -> None: ...

    caught_up = overflowed = lagged


SCENARIO = Scenario(
    "the parts of the daemon's hot path one by one, in microseconds: decode, decide, encode, fan-out",
    run,
    f"outboxes seed {common.OUTPUT}",
    {"outboxes": 1000},
)
