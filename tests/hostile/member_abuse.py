"""Layers E and F in several steps: texts that must be delivered unchanged, endless edits and joins, leaves."""

from typing import Any

from tests.hostile.attacked_daemon import AttackedDaemon
from tests.hostile.case import HIS, OWN, Scenarios
from tests.hostile.client_bytes import asking
from tests.hostile.domain import TEXTS
from tests.kit.client import TestClient, fresh_key

EDITS, BATCH = 512, 64
# Rounds of joining and leaving.
ROUNDS = 100
# The different reactions that one message may have (protocol.md "react").
REACTIONS = 64

SCENARIOS = Scenarios()


async def client(attacked: AttackedDaemon) -> TestClient:
    mallory = await TestClient.connect(attacked.daemon.url, "mallory")
    await mallory.say_hello()
    return mallory


def batches(packets: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [packets[at : at + BATCH] for at in range(0, len(packets), BATCH)]


@SCENARIOS(108, "texts arrive as they were written")
async def writes_strangely(attacked: AttackedDaemon) -> None:
    mallory, own = await client(attacked), attacked.names[OWN]
    for encoding_of_reader in (attacked.alice, mallory):
        for text in TEXTS.values():
            ack = await mallory.send(own, text)
            (event,) = await encoding_of_reader.read_log(own, ack["seq"])
            assert event["body"]["text"] == text
    await attacked.alice.forget()
    await mallory.hang_up()


@SCENARIOS(112, "one message edited five hundred times")
async def edits_without_end(attacked: AttackedDaemon) -> None:
    mallory, own = await client(attacked), attacked.names[OWN]
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
        assert all(reply["type"] == "ok" for reply in await mallory.request_all(batch))
    (message,) = (await mallory.request({"type": "messages", "room": own, "seqs": [HIS]}))["events"]
    assert message["body"]["text"] == f"version {EDITS - 1}"
    await mallory.hang_up()


@SCENARIOS(113, "more different reactions than a message takes")
async def reacts_without_end(attacked: AttackedDaemon) -> None:
    mallory, own = await client(attacked), attacked.names[OWN]
    target = (await mallory.send(own, "react to this"))["seq"]
    for number in range(REACTIONS):
        await mallory.react(own, target, f":r{number}:")
    too_many = {
        "type": "react",
        "room": own,
        "key": fresh_key(),
        "target": target,
        "emoji": ":one-more:",
        "set": True,
    }
    await mallory.expect_refusal("too_large", too_many)
    await attacked.alice.react(own, target, ":r0:")
    await mallory.hang_up()


@SCENARIOS(115, "joins and leaves as fast as they go")
async def comes_and_goes(attacked: AttackedDaemon) -> None:
    mallory = await client(attacked)
    room = await attacked.alice.create_group("open house", public=True)
    steps = [
        {"type": kind, "room": room, "key": fresh_key()} for kind in ("room.join", "room.leave") * ROUNDS
    ]
    for batch in batches(steps):
        assert all(reply["type"] == "ok" for reply in await mallory.request_all(batch))
    assert (await attacked.alice.get_room(room))["members"] == 1
    await attacked.alice.forget()
    await mallory.hang_up()


@SCENARIOS(116, "the last owner leaves")
async def deserts(attacked: AttackedDaemon) -> None:
    mallory = await client(attacked)
    room = await mallory.create_group("soon without an owner", attacked.alice)
    await mallory.mutate("room.leave", room)
    assert (await attacked.alice.get_room(room))["role"] == "owner"
    await mallory.expect_refusal("not_member", asking("room.get", room=room))
    await attacked.alice.forget()
    await mallory.hang_up()


@SCENARIOS(116, "removes an owner, being none")
async def revolts(attacked: AttackedDaemon) -> None:
    mallory = await client(attacked)
    room = await attacked.alice.create_group("not his", mallory)
    removing = {"type": "members.remove", "room": room, "key": fresh_key(), "users": ["alice"]}
    await mallory.expect_refusal("forbidden", removing)
    await attacked.alice.forget()
    await mallory.hang_up()
