import json

import pytest

from chatd.core.room import DECLINED, POLICY, REQUEST, Room
from chatd.protocol.members import Role
from chatd.protocol.push import PushPreferences
from tests.kit import document
from tests.kit.attention import attention
from tests.kit.memory_writer import direct, group

NOW = 1000
USUAL = PushPreferences()
FEW = PushPreferences(messages="none", groups="mentions")


def asked(
    room: Room, preferences: PushPreferences = USUAL, members_all: int = 2, **state: object
) -> tuple[str, int]:
    """The level and the badge of a room with 5 messages, one of which names bob."""
    room.ordinal, room.written = 5, 1
    member = room.members["bob"]
    member.mentions = 1
    for name, value in state.items():
        setattr(member, name, value)
    found = attention(room, member, preferences, members_all, NOW)
    return found.alerts, found.badge(member.unread(room.ordinal), member.mentions)


ALL, MENTIONS, NONE = ("all", 5), ("mentions", 1), ("none", 0)


@pytest.mark.parametrize(("state", "preferences", "expected"), [
    ({}, USUAL, ALL), ({}, FEW, NONE), ({"notify": "all"}, FEW, ALL), ({"notify": "mentions"}, FEW, MENTIONS),
    ({"notify": "none"}, USUAL, NONE), ({"hidden": 100, "notify": "all"}, USUAL, NONE),
    ({"standing": REQUEST, "notify": "all"}, USUAL, NONE), ({"standing": DECLINED}, USUAL, NONE),
    ({"standing": POLICY}, USUAL, ALL), ({"muted_until": 1}, USUAL, MENTIONS),
    ({"muted_until": NOW + 1}, USUAL, MENTIONS), ({"muted_until": NOW}, USUAL, ALL),
    ({"folder": 1}, USUAL, MENTIONS), ({"folder": 2}, USUAL, ALL), ({"unread_mark": True}, USUAL, ALL),
    ({"unread_mark": True}, FEW, ("none", 1)), ({"unread_mark": True, "hidden": 100}, USUAL, NONE),
    ({"unread_mark": True, "standing": REQUEST}, USUAL, NONE),
    ({"muted_until": 1, "notify": "none"}, USUAL, NONE), ({"muted_until": 1, "notify": "all"}, USUAL, MENTIONS),
])  # fmt: skip
def test_a_direct_room(
    state: dict[str, object], preferences: PushPreferences, expected: tuple[str, int]
) -> None:
    assert asked(direct("ann", "bob"), preferences, members_all=1, **state) == expected


@pytest.mark.parametrize(("state", "preferences", "expected"), [
    ({}, USUAL, ALL), ({}, FEW, MENTIONS), ({}, PushPreferences(groups="none"), NONE), ({"notify": "all"}, FEW, ALL),
])  # fmt: skip
def test_a_group(state: dict[str, object], preferences: PushPreferences, expected: tuple[str, int]) -> None:
    assert asked(group(ann="owner", bob="member"), preferences, **state) == expected


@pytest.mark.parametrize(("state", "preferences", "expected"), [
    ({}, USUAL, MENTIONS), ({}, FEW, MENTIONS), ({}, PushPreferences(groups="none"), NONE),
    ({"notify": "all"}, FEW, ALL), ({"notify": "all", "muted_until": 1}, USUAL, MENTIONS),
])  # fmt: skip
def test_a_large_group(
    state: dict[str, object], preferences: PushPreferences, expected: tuple[str, int]
) -> None:
    assert asked(group(ann="owner", bob="member", cat="member"), preferences, **state) == expected


@pytest.mark.parametrize("row", document.section("22.3.1").tables[0], ids=lambda row: row["Example"])
def test_the_examples_of_the_protocol(row: document.Row) -> None:
    summary = json.loads(row["Example"])
    others: dict[str, Role] = {f"u{number}": "member" for number in range(summary.get("members", 0) - 1)}
    room = direct("ann", "bob") if "peer" in summary else group(bob="owner", **others)
    member = room.members["bob"]
    room.ordinal, member.mentions = summary["unread"], summary.get("unread_mentions", 0)
    if "request" in summary:
        member.standing = REQUEST
    for name in {"hidden", "notify", "muted_until", "folder", "unread_mark"} & summary.keys():
        setattr(member, name, room.ordinal + 1 if name == "hidden" else summary[name])
    found = attention(room, member, PushPreferences(**json.loads(row["push"])), 500, 1_763_900_000_000)
    badge = found.badge(member.unread(room.ordinal), member.mentions)
    assert (found.alerts, badge) == (row["Level"], int(row["Badge"]))
