"""The rules of a group or channel in force, and their changes (protocol.md "Governed groups"). Synchronous and pure."""

from typing import Any

from msgspec import UNSET, structs

from chatd.core.policy import NO_DETAILS, RoomDetails
from chatd.core.room import CHANNEL, DIRECT, GROUP, Member, Room
from chatd.protocol.errors import Refused
from chatd.protocol.groups import Joining, Policy
from chatd.protocol.limits import RETAIN_MIN_S
from chatd.protocol.members import Role

RANK: dict[Role, int] = {"member": 0, "admin": 1, "owner": 2}

_GROUP = Policy(
    join="closed",
    invite="admin",
    approve=False,
    post="member",
    slow_s=0,
    mention_all="member",
    info="admin",
    pin="admin",
    history="none",
    retain_s=0,
    listed=False,
    no_forward=False,
    hide_members=False,
)
# What holds where nobody chose, by kind of room. In direct rooms only `retain_s` can be chosen.
DEFAULTS: dict[str, Policy] = {
    GROUP: _GROUP,
    DIRECT: _GROUP,
    CHANNEL: structs.replace(_GROUP, join="open", post="admin", history="all", hide_members=True),
}
# The keys that only the owner changes.
OWNED = frozenset(
    ("join", "invite", "approve", "history", "retain_s", "listed", "no_forward", "hide_members")
)
# What nobody chooses in a channel.
FIXED_IN_CHANNELS = ("hide_members", "slow_s", "mention_all")


def rule(room: Room, key: str) -> Any:
    """Return the rule in force for one key of the policy, but `join`."""
    chosen = getattr(room.details.policy, key)
    return getattr(DEFAULTS[room.kind], key) if chosen is UNSET else chosen


def joining(room: Room) -> Joining:
    """Return who may enter by themselves: `open` is what `public` of old clients says."""
    chosen = room.details.policy.join
    if chosen is not UNSET:
        return chosen
    return "open" if room.public else "closed"


def ranks(member: Member, role: Role) -> bool:
    """Whether `member` has at least this role."""
    return RANK[member.role] >= RANK[role]


def hides_members(room: Room) -> bool:
    """Whether plain members are shown no others of their kind."""
    return room.governed and bool(rule(room, "hide_members"))


def hides_from(room: Room, member: Member) -> bool:
    """Whether `member` is shown no other plain members here."""
    return hides_members(room) and not ranks(member, "admin")


def named(policy: Policy) -> dict[str, Any]:
    """Return the keys that a policy names, with their values."""
    return {key: value for key, value in structs.asdict(policy).items() if value is not UNSET}


def changed_policy(room: Room, wanted: Policy, member: Member) -> Policy:
    """Return those of the `wanted` rules that are not in force; raise Refused unless `member` may change them."""
    values = named(wanted)
    for key, value in values.items():
        check_rule(room, key, value)
        if key in OWNED and not room.direct and not ranks(member, "owner"):
            raise Refused("forbidden", f"only the owner changes {key}", field=f"policy.{key}")
    return Policy(**{key: value for key, value in values.items() if value != known(room, key)})


def known(room: Room, key: str) -> Any:
    """Return the rule in force; UNSET for `join` where nobody chose."""
    chosen = getattr(room.details.policy, key)
    return chosen if chosen is not UNSET or key == "join" else getattr(DEFAULTS[room.kind], key)


def check_rule(room: Room, key: str, value: Any) -> None:
    """Raise Refused when no room of this kind can have this value."""
    if room.direct and key != "retain_s":
        raise Refused("bad_request", "a direct room has no such rule", field=f"policy.{key}")
    if key == "retain_s" and 0 < value < RETAIN_MIN_S:
        raise Refused("bad_request", f"messages are kept {RETAIN_MIN_S} s at least", field="policy.retain_s")
    if key == "post" and value == "member" and room.kind == CHANNEL:
        raise Refused("bad_request", "followers of a channel do not write", field="policy.post")
    if key in FIXED_IN_CHANNELS and room.kind == CHANNEL:
        raise Refused("bad_request", "this rule is none of a channel", field=f"policy.{key}")


def details_with(room: Room, changed: Policy) -> RoomDetails:
    """Return the details of a room with other rules. A rule that is the default of its kind is not kept, but `join`:
    it says that the owner chose.
    """
    values = {**named(room.details.policy), **named(changed)}
    defaults = DEFAULTS[room.kind]
    kept = {key: value for key, value in values.items() if key == "join" or value != getattr(defaults, key)}
    return kept_details(structs.replace(room.details, policy=Policy(**kept)))


def kept_details(details: RoomDetails) -> RoomDetails:
    """Return these details as a room keeps them: NO_DETAILS, the object, when they say nothing."""
    return NO_DETAILS if details == NO_DETAILS else details
