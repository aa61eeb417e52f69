"""The settings of rooms, and the rules of groups: who changes which, and what they allow."""

from typing import Any

import pytest
from msgspec import UNSET, structs

from chatd.core.governance import DEFAULTS, OWNED, joining, rule
from chatd.core.idempotency import digest_of
from chatd.core.policy import NO_DETAILS
from chatd.core.room_summary import summary_of
from chatd.protocol.groups import Policy
from chatd.protocol.members import MembersRemove, RoomJoin
from chatd.protocol.messages import Pin
from chatd.protocol.rooms import RoomCreate, RoomUpdate
from tests.kit.group_requests import add, creation, key, last, outcome, rules, say
from tests.kit.memory_writer import MemoryWriter, direct, group

KEYS = Policy.__struct_fields__
# A value of each rule that is not the default of a group.
OTHERS = {
    "join": "request", "invite": "member", "approve": True, "post": "admin", "slow_s": 5, "mention_all": "admin",
    "info": "member", "pin": "member", "history": "all", "retain_s": 3600, "listed": True, "no_forward": True,
    "hide_members": True,
}  # fmt: skip


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member", dan="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def update(room, **settings):
    return RoomUpdate(room=room.name, key=key(), **settings)


def summary(room, user):
    return summary_of(room, room.members[user], "known")


@pytest.mark.parametrize("name", OTHERS)
def test_a_rule_is_in_force_logged_and_shown(writer, room, name):
    writer.ask("ann", rules(room, **{name: OTHERS[name]}))
    in_force = joining(room) if name == "join" else rule(room, name)
    assert (in_force, last(writer, room).policy) == (OTHERS[name], Policy(**{name: OTHERS[name]}))
    assert summary(room, "cat").policy == Policy(**{name: OTHERS[name]})
    assert {one: rule(room, one) for one in OTHERS if one not in (name, "join")} == {
        one: getattr(DEFAULTS["group"], one) for one in OTHERS if one not in (name, "join")
    }


def test_every_rule_of_a_group_has_a_default_and_a_test():
    assert {*OTHERS} == {*KEYS}
    assert all(getattr(DEFAULTS["group"], name) not in (UNSET, OTHERS[name]) for name in OTHERS)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("user", ["ann", "bob", "cat", ""])
def test_owners_and_the_host_change_all_rules_admins_some_members_none(writer, room, name, user):
    allowed = user in ("ann", "") or (user == "bob" and name not in OWNED)
    code = outcome(writer, user, rules(room, **{name: OTHERS[name]}))
    assert code == (None if allowed else "forbidden")


def test_a_rule_that_is_the_default_again_leaves_a_plain_room(writer, room):
    writer.ask("ann", rules(room, slow_s=5, post="admin"))
    assert room.governed
    writer.ask("ann", rules(room, slow_s=0, post="member"))
    assert room.details is NO_DETAILS
    assert last(writer, room).policy == Policy(slow_s=0, post="member")


def test_a_rule_that_is_in_force_is_a_duplicate(writer, room):
    assert writer.ask("bob", rules(room, slow_s=0)).duplicate


def test_one_forbidden_rule_keeps_all_of_the_update_out(writer, room):
    assert (
        outcome(writer, "bob", update(room, title="new", policy=Policy(slow_s=5, history="all")))
        == "forbidden"
    )
    assert (room.title, room.governed) == ("", False)


def test_texts_and_tags_are_shown_and_go_again(writer, room):
    writer.ask("bob", update(room, about="We ride", tags=["bikes", "旅行"]))
    assert (last(writer, room).about, last(writer, room).tags) == ("We ride", ["bikes", "旅行"])
    shown = summary(room, "cat")
    assert (shown.about, shown.tags, shown.policy) == ("We ride", ["bikes", "旅行"], UNSET)
    writer.ask("bob", update(room, about="", tags=[]))
    assert room.details is NO_DETAILS


def test_a_group_is_created_with_its_rules():
    writer = MemoryWriter()
    made = creation("bob", policy=Policy(join="open", slow_s=5), about="We ride", tags=["bikes"])
    shown = writer.ask("ann", made).summary
    assert (shown.policy, shown.public) == (Policy(join="open", slow_s=5), True)
    assert (shown.about, shown.tags) == ("We ride", ["bikes"])


def test_a_group_is_not_created_with_rules_that_contradict_each_other():
    writer = MemoryWriter()
    made = creation(public=True, policy=Policy(join="closed"))
    assert outcome(writer, "ann", made) == "bad_request"


# --- who may join, in the words of old clients and of new ones


@pytest.mark.parametrize(("join", "public"), [("open", True), ("request", False), ("closed", False)])
def test_who_may_join_is_what_public_says(writer, room, join, public):
    room.public = not public
    writer.ask("ann", rules(room, join=join))
    assert (joining(room), room.public) == (join, public)
    assert last(writer, room).public == public


def test_public_is_for_admins_until_the_owner_says_who_may_join(writer, room):
    writer.ask("bob", update(room, public=True))
    assert (joining(room), room.details) == ("open", NO_DETAILS)
    writer.ask("ann", rules(room, join="closed"))
    assert outcome(writer, "bob", update(room, public=True)) == "forbidden"
    writer.ask("ann", update(room, public=True))
    assert (joining(room), room.details.policy.join, room.public) == ("open", "open", True)


def test_a_group_that_takes_requests_is_not_public_and_stays_so(writer, room):
    writer.ask("ann", rules(room, join="request"))
    assert writer.ask("bob", update(room, public=False)).duplicate
    assert joining(room) == "request"


@pytest.mark.parametrize("public", [True, False])
def test_public_and_join_may_say_the_same_and_nothing_else(writer, room, public):
    join = "open" if public else "request"
    writer.ask("ann", update(room, public=public, policy=Policy(join=join)))
    assert joining(room) == join
    wrong = update(room, public=not public, policy=Policy(join=join))
    assert outcome(writer, "ann", wrong) == "bad_request"


# --- what the roles of a policy allow


@pytest.mark.parametrize(
    ("name", "request_of"),
    [
        ("invite", lambda room, _: add(room, "eve")),
        ("pin", lambda room, seq: Pin(room=room.name, key=key(), target=seq, set=True)),
        ("info", lambda room, _: update(room, title="new")),
    ],
)
@pytest.mark.parametrize("lowest", ["member", "admin", "owner"])
@pytest.mark.parametrize("user", ["ann", "bob", "cat"])
def test_the_lowest_role_may(writer, room, name, request_of, lowest, user):
    seq = writer.ask("ann", say(room)).seq
    writer.ask("ann", rules(room, **{name: lowest}))
    allowed = ["member", "admin", "owner"].index(room.members[user].role) >= [
        "member", "admin", "owner"].index(lowest)  # fmt: skip
    code = outcome(writer, user, request_of(room, seq))
    assert code == (None if allowed else "forbidden")


def test_who_may_change_the_title_changes_neither_rules_nor_data_nor_publicity(writer, room):
    writer.ask("ann", rules(room, info="member"))
    for settings in ({"public": True}, {"data": {"x": 1}}, {"policy": Policy(slow_s=5)}):
        assert outcome(writer, "cat", update(room, **settings)) == "forbidden"
    assert outcome(writer, "cat", update(room, about="We ride")) is None


# --- direct rooms and bounds


@pytest.mark.parametrize("user", ["ann", "bob"])
def test_both_of_a_direct_room_say_how_long_messages_are_kept_and_nothing_else(user):
    room = direct("ann", "bob")
    writer = MemoryWriter(room)
    writer.ask(user, rules(room, retain_s=86_400))
    assert (room.retain_s, summary(room, "bob").policy) == (86_400, Policy(retain_s=86_400))
    writer.ask(user, rules(room, retain_s=0))
    assert (room.retain_s, room.details) == (0, NO_DETAILS)
    for name in OTHERS.keys() - {"retain_s"}:
        assert outcome(writer, user, rules(room, **{name: OTHERS[name]})) == "forbidden"
    assert outcome(writer, user, rules(room, retain_s=86_400, slow_s=5)) == "forbidden"


@pytest.mark.parametrize("values", [{"retain_s": 3599}, {"retain_s": 1}])
def test_a_rule_out_of_bounds_is_refused(writer, room, values):
    assert outcome(writer, "ann", rules(room, **values)) == "bad_request"


def test_requests_of_before_keep_their_digest():
    """These are what the last version without rules made of them."""
    before: list[tuple[Any, int, dict[str, Any]]] = [
        (RoomUpdate(room="g", key=key(), title="new"), 1641190860, {"about": "x"}),
        (RoomCreate(key=key(), kind="group", title="t", users=["bob"]), 3890207210, {"tags": ["x"]}),
        (MembersRemove(room="g", key=key(), users=["bob"]), 1247582551, {"ban": True}),
        (RoomJoin(room="g", key=key()), 4059679308, {"text": "x"}),
    ]
    assert [digest_of(request) for request, _, _ in before] == [digest for _, digest, _ in before]
    assert all(digest_of(structs.replace(request, **other)) != digest for request, digest, other in before)
