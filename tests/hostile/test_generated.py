"""Ten thousand generated bad inputs: every outcome is documented, every request is answered once, others are not
disturbed. Most reach the session without a socket; a sample of them goes over the wire in test_over_the_wire.py."""

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chatd.protocol.connection import Hello
from chatd.protocol.envelope import Request
from tests.fuzz.parts import ROOM, AppPart
from tests.fuzz.targets import TARGETS, leave
from tests.hostile.case import OWN
from tests.hostile.corpus import WIRE
from tests.hostile.mutations import BYTEWISE, mutated
from tests.hostile.samples import (
    COMMANDS,
    JSON_KINDS,
    encoded,
    fields_of,
    kinds_taken,
    right,
    type_of,
    wrong_packets,
)

# The inputs are split, so that the workers of a test run share them.
PARTS = 10
PAYLOADS = 7000
# First payloads in each encoding.
HELLOS = 500
# Streams of each kind: heads of HTTP, frames.
STREAMS = 1000
# Fields times kinds times encodings: a reader of structs that finds few is broken.
WRONG_MIN = 1000
# The long cases of the tables take long a thousand times.
WIRE_BYTES_MAX = 3000


@pytest.fixture(scope="module")
def app_part() -> Iterator[AppPart]:
    running = AppPart()
    yield running
    running.close()


@pytest.fixture(scope="module", autouse=True)
def leaving() -> Iterator[None]:
    yield
    leave()


def in_room(packet: dict[str, Any], *, text: bool) -> bytes:
    return encoded(packet, text=text).replace(OWN.encode(), ROOM)


@pytest.mark.parametrize("text", [False, True], ids=["msgpack", "json"])
@pytest.mark.parametrize("kind", COMMANDS, ids=type_of)
def test_each_field_with_each_wrong_type_is_refused(
    app_part: AppPart, kind: type[Request], text: bool
) -> None:
    for field, wrong, packet in wrong_packets(kind):
        if text and wrong not in JSON_KINDS:
            continue
        (reply,) = app_part.attempt(in_room({**packet, "id": 5}, text=text), text=text)
        assert (reply.get("code"), reply.get("id")) == ("bad_request", 5), (field, wrong, reply)
        assert re.match(f"`{reply['field']}` (must be [^^]+|is missing)$", reply["message"]), reply


@pytest.mark.parametrize("kind", COMMANDS, ids=type_of)
def test_the_packet_that_is_made_wrong_was_right(app_part: AppPart, kind: type[Request]) -> None:
    received = app_part.attempt(in_room(right(kind, 5), text=False), text=False)
    (reply,) = [packet for packet in received if packet.get("id") == 5]
    assert reply.get("code") != "bad_request", reply


def test_there_are_many_of_them() -> None:
    assert sum(len(wrong_packets(kind)) for kind in COMMANDS) * 2 > WRONG_MIN
    assert all(kinds_taken(field) != set() for kind in COMMANDS for field in fields_of(kind))


@pytest.mark.parametrize("part", range(PARTS))
def test_changed_packets_have_documented_outcomes(part: int) -> None:
    for seed in range(part, PAYLOADS, PARTS):
        text = seed % 2 == 1
        payload = mutated(seed, text=text).replace(OWN.encode(), ROOM)
        tried("commands", bytes((text,)) + payload, seed)


@pytest.mark.parametrize("text", [False, True], ids=["msgpack", "json"])
def test_changed_hellos_have_documented_outcomes(text: bool) -> None:
    for seed in range(HELLOS):
        payload = mutated(seed, (Hello,), text=text).replace(OWN.encode(), ROOM)
        tried("commands", bytes((2 | text,)) + payload, seed)


@pytest.mark.parametrize("target", ["head", "frames"])
def test_changed_streams_have_documented_outcomes(target: str) -> None:
    cases = [case for case in WIRE if (case.when == "connect") == (target == "head")]
    short = [case for case in cases if len(case.sent) < WIRE_BYTES_MAX]
    for seed in range(STREAMS):
        chance = random.Random(seed)
        case = chance.choice(short)
        data = bytearray(case.sent)
        for _ in range(chance.randrange(1, 4)):
            if data:
                chance.choice(BYTEWISE)(data, chance)
        first = chance.randrange(256) & ~1 | (case.encoding == "json")
        tried(target, bytes((first,)) + data, seed)


def tried(target: str, data: bytes, seed: int) -> None:
    """Give an input to a target; its findings come with the seed."""
    try:
        TARGETS[target](data)
    except Exception as error:
        raise AssertionError(f"seed {seed}: {data[:300]!r}") from error
