import pytest
from msgspec import UNSET, structs

from chatd.core.governance import DEFAULTS, OWNED, changed_policy, details_with, joining, rule
from chatd.core.policy import NO_DETAILS, RoomDetails
from chatd.core.room import CHANNEL, Member, Room
from chatd.protocol.errors import Refused
from chatd.protocol.groups import Policy
from tests.kit.memory_writer import group


def channel(**values):
    room = Room(1, "cAbCdEfGhIj0", CHANNEL, "ann", 0, public=True)
    room.details = RoomDetails(Policy(**values))
    return room


def test_every_rule_has_a_default_in_every_kind_of_room():
    for kind, defaults in DEFAULTS.items():
        assert UNSET not in structs.asdict(defaults).values(), kind


def test_a_rule_is_the_chosen_one_or_the_default_of_its_kind():
    assert [rule(room, "post") for room in (group(ann="owner"), channel(), channel(post="member"))] == [
        "member", "admin", "member"]  # fmt: skip
    assert rule(channel(), "history") == "all"


@pytest.mark.parametrize(
    ("public", "chosen", "joins"),
    [
        (False, UNSET, "closed"),
        (True, UNSET, "open"),
        (False, "request", "request"),
        (False, "closed", "closed"),
    ],
)
def test_who_joins_is_what_the_owner_chose_or_what_public_says(public, chosen, joins):
    room = group(ann="owner")
    room.public, room.details = public, RoomDetails(Policy(join=chosen))
    assert joining(room) == joins


def test_only_what_differs_is_kept_and_only_join_stays_at_its_default():
    room = group(ann="owner")
    room.details = RoomDetails(Policy(slow_s=5, post="admin"))
    assert details_with(room, Policy(slow_s=0)).policy == Policy(post="admin")
    assert details_with(room, Policy(slow_s=0, post="member")) is NO_DETAILS
    assert details_with(room, Policy(slow_s=0, post="member", join="closed")).policy == Policy(join="closed")


@pytest.mark.parametrize(
    ("key", "value"), [("hide_members", False), ("hide_members", True), ("join", "request")]
)
def test_a_channel_always_hides_its_followers(key, value):
    owner = Member("ann", "owner", 1, 1, 0, 0)
    room = channel()
    if key == "hide_members":
        with pytest.raises(Refused) as refused:
            changed_policy(room, Policy(hide_members=value), owner)
        assert (refused.value.code, refused.value.field) == ("bad_request", "policy.hide_members")
    else:
        assert changed_policy(room, Policy(join=value), owner) == Policy(join=value)


def test_the_rules_of_an_owner_are_rules():
    assert set(OWNED) <= set(Policy.__struct_fields__)
