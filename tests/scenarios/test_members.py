"""protocol.md "Roles": the rights of each role over each other."""

from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients

# What each role may do in a group, row by row as 11.1 has it; `of_owner` is a message of the owner.
ACTIONS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "post": ({"type": "send", "body": {"text": "x"}}, {"member", "admin", "owner"}),
    "react": ({"type": "react", "emoji": "👍", "set": True}, {"member", "admin", "owner"}),
    "pin": ({"type": "pin", "set": True}, {"admin", "owner"}),
    "recall another's": ({"type": "recall"}, {"admin", "owner"}),
    "edit another's": ({"type": "edit", "body": {"text": "y"}}, set()),
    "update": ({"type": "room.update", "title": "new"}, {"admin", "owner"}),
    "add": ({"type": "members.add", "users": ["newcomer"]}, {"admin", "owner"}),
    "remove a member": ({"type": "members.remove", "users": ["victim"]}, {"admin", "owner"}),
    "remove an admin": ({"type": "members.remove", "users": ["deputy"]}, {"owner"}),
    "remove an owner": ({"type": "members.remove", "users": ["king"]}, {"owner"}),
    "change roles": ({"type": "members.role", "users": [{"user": "victim", "role": "admin"}]}, {"owner"}),
    "delete": ({"type": "room.delete"}, {"owner"}),
    "leave": ({"type": "room.leave"}, {"member", "admin", "owner"}),
}


async def _court(clients: Clients) -> tuple[str, dict[str, TestClient], int]:
    """A group with one phone of each role, further people to act on, and a message of somebody else."""
    room, (owner, admin, member, author) = await clients.in_group("owner", "admin", "member", "author")
    await owner.mutate("members.add", room, users=["victim", "deputy", "king"])
    roles = {"admin": "admin", "deputy": "admin", "king": "owner"}
    await owner.mutate("members.role", room, users=[{"user": u, "role": r} for u, r in roles.items()])
    target = (await author.send(room, "words"))["seq"]
    peers = {"owner": owner, "admin": admin, "member": member}
    for client in (*peers.values(), author):
        await client.forget()
    return room, peers, target


@pytest.mark.parametrize("role", ["member", "admin", "owner"])
@pytest.mark.parametrize("action", ACTIONS)
async def test_a_role_may_do_what_its_row_says_and_nothing_else(
    clients: Clients, action: str, role: str
) -> None:
    room, peers, target = await _court(clients)
    fields, allowed = ACTIONS[action]
    packet = {**fields, "room": room, "key": fresh_key()}
    if fields["type"] in ("react", "pin", "recall", "edit"):
        packet["target"] = target
    before = (await peers["owner"].get_room(room))["seq"]
    if role in allowed:
        await peers[role].request(packet)
    else:
        await peers[role].expect_refusal("forbidden", packet)
        assert (await peers["owner"].get_room(room))["seq"] == before


async def test_added_members_are_named_in_one_event(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    ack = await alice.mutate("members.add", room, users=["carol", "bob", "dave"])
    event = await bob.next_event(room)
    assert (event["seq"], event["kind"], event["user"]) == (ack["seq"], "joined", "alice")
    assert sorted(event["users"]) == ["carol", "dave"]
    again = await alice.mutate("members.add", room, users=["carol", "dave"])
    assert again["duplicate"] is True
    assert "seq" not in again
    await bob.expect_silence("event")
    assert (await alice.get_room(room))["members"] == 4


async def test_removed_members_are_named_in_one_event(clients: Clients) -> None:
    room, (alice, bob, *_) = await clients.in_group("alice", "bob", "carol", "dave")
    ack = await alice.mutate("members.remove", room, users=["carol", "nobody", "dave"])
    event = await bob.next_event(room)
    assert (event["seq"], event["kind"]) == (ack["seq"], "removed")
    assert sorted(event["users"]) == ["carol", "dave"]
    again = await alice.mutate("members.remove", room, users=["carol"])
    assert again["duplicate"] is True


async def test_one_cannot_remove_oneself(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    await alice.expect_refusal("bad_request", _remove(room, ["alice"]))


async def test_a_removal_is_all_or_nothing(clients: Clients) -> None:
    room, peers, _ = await _court(clients)
    await peers["admin"].expect_refusal("forbidden", _remove(room, ["victim", "deputy"]))
    listed = (await peers["owner"].request({"type": "members.list", "room": room}))["members"]
    assert "victim" in [row["user"] for row in listed]


def _remove(room: str, users: list[str]) -> dict[str, Any]:
    return {"type": "members.remove", "room": room, "key": fresh_key(), "users": users}


async def test_a_new_role_is_an_event_and_works_at_once(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    ack = await alice.mutate("members.role", room, users=[{"user": "bob", "role": "admin"}])
    event = await carol.next_event(room)
    assert (event["seq"], event["kind"]) == (ack["seq"], "role")
    assert event["users"] == [{"user": "bob", "role": "admin"}]
    assert (await bob.get_room(room))["role"] == "admin"
    await bob.mutate("members.add", room, users=["dave"])
    again = await alice.mutate("members.role", room, users=[{"user": "bob", "role": "admin"}])
    assert again["duplicate"] is True
    assert "seq" not in again
    await alice.mutate("members.role", room, users=[{"user": "bob", "role": "member"}])
    await bob.expect_refusal(
        "forbidden", {**_remove(room, ["dave"]), "type": "members.add", "users": ["erin"]}
    )


async def test_roles_are_given_to_members_only(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    users = [{"user": "bob", "role": "admin"}, {"user": "stranger", "role": "admin"}]
    packet = {"type": "members.role", "room": room, "key": fresh_key(), "users": users}
    await alice.expect_refusal("not_found", packet)
    assert "role" not in await bob.get_room(room)


async def test_a_group_keeps_an_owner(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    demote = {"type": "members.role", "room": room, "users": [{"user": "alice", "role": "member"}]}
    await alice.expect_refusal("forbidden", {**demote, "key": fresh_key()})
    await alice.mutate("members.role", room, users=[{"user": "bob", "role": "owner"}])
    await alice.request({**demote, "key": fresh_key()})
    assert (await bob.get_room(room))["role"] == "owner"
    assert "role" not in await alice.get_room(room)


@pytest.mark.parametrize(("admins", "heir"), [(["dave", "carol"], "carol"), ([], "bob")])
async def test_when_the_last_owner_leaves_the_longest_serving_inherits(
    clients: Clients, admins: list[str], heir: str
) -> None:
    room, (alice,) = await clients.in_group("alice")
    for user in ("bob", "carol", "dave"):
        await alice.mutate("members.add", room, users=[user])
    for user in admins:
        await alice.mutate("members.role", room, users=[{"user": user, "role": "admin"}])
    dave = await clients.connect("dave")
    left = await alice.mutate("room.leave", room)
    events = await dave.read_log(room, left["seq"])
    assert [event["kind"] for event in events] == ["left", "role"]
    assert events[1]["users"] == [{"user": heir, "role": "owner"}]


async def test_an_empty_group_troubles_nobody(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    await alice.mutate("room.leave", room)
    await bob.mutate("room.leave", room)
    for client in (alice, bob):
        assert (await client.reply_to({"type": "room.get", "room": room}))["code"] in ("not_member", "gone")
        assert (await clients.reconnect(client))[1]["sync"]["rooms"] == []


async def _listed(client: TestClient, room: str, **fields: Any) -> list[str]:
    reply = await client.request({"type": "members.list", "room": room, **fields})
    return [row["user"] for row in reply["members"]]


async def test_members_are_listed_in_pages(clients: Clients) -> None:
    users = [f"user{number:02}" for number in range(24)]
    room, (alice,) = await clients.in_group("alice")
    await alice.mutate("members.add", room, users=users)
    seen: list[str] = []
    page: dict[str, Any] = {"type": "members.list", "room": room, "limit": 10}
    reply = await alice.request(page)
    while "more" in reply:
        assert (len(reply["members"]), reply["count"]) == (10, 25)
        seen += [row["user"] for row in reply["members"]]
        reply = await alice.request({**page, "more": reply["more"]})
    seen += [row["user"] for row in reply["members"]]
    assert sorted(seen) == sorted([*users, "alice"])


async def test_members_are_found_by_prefix_and_role(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "albert")
    await alice.mutate("members.add", room, users=["bob", "al_", "zoe"])
    await alice.mutate("members.role", room, users=[{"user": "zoe", "role": "admin"}])
    assert sorted(await _listed(alice, room, prefix="al")) == ["al_", "albert", "alice"]
    assert await _listed(alice, room, prefix="al_") == ["al_"]  # an underscore is a letter, no wildcard
    assert await _listed(alice, room, prefix="%") == []
    assert await _listed(alice, room, role="admin") == ["zoe"]
    assert await _listed(alice, room, role="owner") == ["alice"]
    assert sorted(await _listed(alice, room, role="member")) == ["al_", "albert", "bob"]


async def test_a_malformed_continuation_of_a_list_is_refused(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    await alice.expect_refusal("bad_cursor", {"type": "members.list", "room": room, "more": "???"})
    await alice.expect_refusal("bad_cursor", {"type": "readers", "room": room, "seq": 1, "more": "???"})


@pytest.mark.parametrize("kind", ["members.add", "members.remove"])
async def test_between_1_and_100_users_change_at_once(clients: Clients, kind: str) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    packet = {"type": kind, "room": room, "key": fresh_key()}
    await alice.expect_refusal("bad_request", {**packet, "users": []})
    await alice.expect_refusal("too_large", {**packet, "users": [f"user{number}" for number in range(101)]})
