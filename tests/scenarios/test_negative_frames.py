"""protocol.md, Negative frames: every row of the table, over a real socket, while a bystander chats on."""

import pytest

from tests.kit import document
from tests.kit.company import Company
from tests.kit.document import NegativeFrame
from tests.kit.link import inflated
from tests.kit.phone import Phone

FRAMES = document.negative_frames()
UNREADABLE = [frame for frame in FRAMES if frame.outcome == "close 4204"]


def by_name(frame: NegativeFrame) -> str:
    return frame.name


async def _sends(phone: Phone, frame: NegativeFrame) -> None:
    if frame.opcode == "binary":
        await phone.sends_frame(frame.payload)
    else:
        _writes_text_frame(phone, frame.payload)


def _writes_text_frame(phone: Phone, content: bytes) -> None:
    """A final text frame, masked with zeros, of bytes that need not be text."""
    assert len(content) < 126
    phone.link.write(bytes([0x81, 0x80 | len(content), 0, 0, 0, 0]) + content)


async def _sends_and_meets_the_outcome(phone: Phone, frame: NegativeFrame) -> None:
    verb, _, detail = frame.outcome.partition(" ")
    if verb == "error":
        content = frame.payload if frame.opcode == "binary" else frame.payload.decode()
        assert (await phone.is_answered_in_frame(content, 1))["code"] == detail
        await phone.is_silent()
        return
    await _sends(phone, frame)
    if verb == "ignored":
        await phone.is_silent()
    elif detail == "4204":
        await phone.expects_bye(4204)
    else:
        await phone.expects_close(int(detail))


@pytest.mark.parametrize("frame", FRAMES, ids=by_name)
async def test_the_server_answers_as_the_table_says_and_nobody_else_notices(
    people: Company, frame: NegativeFrame
) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    mallory = await people.connects("mallory", encoding=frame.subprotocol)
    if not frame.first:
        await mallory.asks({**mallory.hello(), "id": 900})
    await _sends_and_meets_the_outcome(mallory, frame)
    ack = await alice.sends(room, "still here")
    assert (await bob.hears(room))["seq"] == ack["seq"]


@pytest.mark.parametrize("frame", UNREADABLE, ids=by_name)
async def test_an_unreadable_first_frame_ends_the_connection_too(
    people: Company, frame: NegativeFrame
) -> None:
    mallory = await people.connects("mallory", encoding=frame.subprotocol)
    await _sends(mallory, frame)
    await mallory.expects_bye(4204)


def test_the_wrapper_of_the_table_is_one_a_client_would_believe() -> None:
    (wrapper,) = [frame.payload for frame in FRAMES if frame.title == "wrapper from a client"]
    assert inflated(wrapper[3:]).startswith(b"\x82\xa4type")
