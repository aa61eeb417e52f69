"""Layers E and F in several steps: texts that must come out as they went in, edits and joins without number, exits."""

from typing import Any

from tests.hostile.bytesmith import asking
from tests.hostile.case import HIS, OWN, Stories
from tests.hostile.domain import TEXTS
from tests.hostile.siege import Siege
from tests.kit.phone import Phone, fresh_key

EDITS, BATCH = 512, 64
ROUNDS = 100  # of joining and leaving
REACTIONS = 64  # protocol.md 9.6: different ones to a message

STORIES = Stories()


async def phone(siege: Siege) -> Phone:
    mallory = await Phone.connect(siege.daemon.url, "mallory")
    await mallory.says_hello()
    return mallory


def batches(packets: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [packets[at : at + BATCH] for at in range(0, len(packets), BATCH)]


@STORIES(108, "texts arrive as they were written")
async def writes_strangely(siege: Siege) -> None:
    mallory, own = await phone(siege), siege.names[OWN]
    for encoding_of_reader in (siege.alice, mallory):
        for text in TEXTS.values():
            ack = await mallory.sends(own, text)
            (event,) = await encoding_of_reader.logs(own, ack["seq"])
            assert event["body"]["text"] == text
    await siege.alice.forgets()
    await mallory.hangs_up()


@STORIES(112, "one message edited five hundred times")
async def edits_without_end(siege: Siege) -> None:
    mallory, own = await phone(siege), siege.names[OWN]
    edits = [
        {
            "type": "edit",
            "room": own,
            "key": fresh_key(),
            "target": HIS,
            "body": {"text": f"version {number}"},
        }
        for number in range(EDITS)
    ]
    for batch in batches(edits):
        assert all(reply["type"] == "ok" for reply in await mallory.asks_at_once(batch))
    (message,) = (await mallory.asks({"type": "messages", "room": own, "seqs": [HIS]}))["events"]
    assert message["body"]["text"] == f"version {EDITS - 1}"
    await mallory.hangs_up()


@STORIES(113, "more different reactions than a message takes")
async def reacts_without_end(siege: Siege) -> None:
    mallory, own = await phone(siege), siege.names[OWN]
    target = (await mallory.sends(own, "react to this"))["seq"]
    for number in range(REACTIONS):
        await mallory.reacts(own, target, f":r{number}:")
    too_many = {
        "type": "react",
        "room": own,
        "key": fresh_key(),
        "target": target,
        "emoji": ":one-more:",
        "set": True,
    }
    await mallory.is_refused("too_large", too_many)
    await siege.alice.reacts(own, target, ":r0:")
    await mallory.hangs_up()


@STORIES(115, "joins and leaves as fast as they go")
async def comes_and_goes(siege: Siege) -> None:
    mallory = await phone(siege)
    room = await siege.alice.creates_group("open house", public=True)
    steps = [
        {"type": kind, "room": room, "key": fresh_key()} for kind in ("room.join", "room.leave") * ROUNDS
    ]
    for batch in batches(steps):
        assert all(reply["type"] == "ok" for reply in await mallory.asks_at_once(batch))
    assert (await siege.alice.gets(room))["members"] == 1
    await siege.alice.forgets()
    await mallory.hangs_up()


@STORIES(116, "the last owner leaves")
async def deserts(siege: Siege) -> None:
    mallory = await phone(siege)
    room = await mallory.creates_group("soon without an owner", siege.alice)
    await mallory.does("room.leave", room)
    assert (await siege.alice.gets(room))["role"] == "owner"
    await mallory.is_refused("not_member", asking("room.get", room=room))
    await siege.alice.forgets()
    await mallory.hangs_up()


@STORIES(116, "removes an owner, being none")
async def revolts(siege: Siege) -> None:
    mallory = await phone(siege)
    room = await siege.alice.creates_group("not his", mallory)
    removing = {"type": "members.remove", "room": room, "key": fresh_key(), "users": ["alice"]}
    await mallory.is_refused("forbidden", removing)
    await siege.alice.forgets()
    await mallory.hangs_up()
