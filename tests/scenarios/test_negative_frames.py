"""protocol.md, Negative frames: every row of the table, sent over a real socket, with a bystander chatting on."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone

DOCUMENT = (Path(__file__).parents[2] / "protocol.md").read_text(encoding="utf-8")
VECTOR = re.compile(r"^#### (C\d\d) .*?```hex\n([0-9a-f]+)\n```", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (N\d\d) \| (\w+) \| (\w+) \| ([\w ]+) \| `(.*?)` \| ([\w ]+) \| (.*) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Negative:
    """One row: which frame, when, and what the server must do."""

    name: str
    when: str
    encoding: str
    sent_as: str
    frame: str
    outcome: str


VECTORS = {name: bytes.fromhex(content) for name, content in VECTOR.findall(DOCUMENT)}
ROWS = [Negative(*cells[:6]) for cells in ROW.findall(DOCUMENT)]
CLOSED_4204 = [row for row in ROWS if row.outcome == "close 4204"]


def as_bytes(written: str) -> bytes:
    """The bytes of a frame in the notation of the table: hex, names of vectors, and `part*count`."""
    return b"".join(_part(part) for part in written.split())


def _part(written: str) -> bytes:
    content, _, count = written.partition("*")
    return (VECTORS[content] if content in VECTORS else bytes.fromhex(content)) * int(count or 1)


def test_the_table_was_found() -> None:
    assert len(ROWS) >= 40
    assert len(VECTORS) >= 24


async def _sends(phone: Phone, row: Negative) -> None:
    if row.sent_as == "binary":
        await phone.sends_frame(as_bytes(row.frame))
    elif row.sent_as == "text":
        await phone.sends_frame(row.frame)
    else:
        _writes_text_frame(phone, bytes.fromhex(row.frame))


def _writes_text_frame(phone: Phone, content: bytes) -> None:
    """A final text frame, masked with zeros, of bytes that need not be text."""
    assert len(content) < 126
    phone.link.write(bytes([0x81, 0x80 | len(content), 0, 0, 0, 0]) + content)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_the_server_answers_as_the_table_says_and_nobody_else_notices(
    people: Company, row: Negative
) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    mallory = await people.connects("mallory", encoding=row.encoding)
    if row.when == "later":
        await mallory.says_hello(id=900)
    await _meets(mallory, row)
    ack = await alice.sends(room, "still here")
    assert (await bob.hears(room))["seq"] == ack["seq"]


async def _meets(mallory: Phone, row: Negative) -> None:
    outcome, _, detail = row.outcome.partition(" ")
    if outcome == "error":
        reply = mallory.expects_reply({"id": 1, "type": "(negative)"})
        await _sends(mallory, row)
        assert (await reply)["code"] == detail
        await mallory.is_silent()
        return
    await _sends(mallory, row)
    if outcome == "ignored":
        await mallory.is_silent()
    elif detail == "4204":
        await mallory.expects_bye(4204)
    else:
        await mallory.expects_close(int(detail))


@pytest.mark.parametrize("row", CLOSED_4204, ids=lambda row: row.name)
async def test_an_unreadable_first_frame_ends_the_connection_too(people: Company, row: Negative) -> None:
    mallory = await people.connects("mallory", encoding=row.encoding)
    await _sends(mallory, row)
    await mallory.expects_bye(4204)
