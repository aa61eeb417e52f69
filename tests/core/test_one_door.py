"""Nobody enters a group past its rules, the end or the uses of an invite, a ban, or a revocation acknowledged before:
random crowds at one door, against a model of it written once more, and breaks of the door that the model finds.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core import invites, joining
from chatd.core.policy import RoomDetails
from chatd.protocol.errors import ChatError
from chatd.protocol.groups import MembersUnban, Policy
from chatd.protocol.joining import InvitesCreate, InvitesRevoke, InvitesUse, JoinsDecide
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoleOf, RoomJoin, RoomLeave
from tests.kit.group_requests import key
from tests.kit.memory_writer import MemoryWriter, group

CROWD = [f"u{number}" for number in range(6)]
EVERYBODY = ["ann", "bob", "cat", *CROWD]
RANKS = {"member": 0, "admin": 1, "owner": 2}


@dataclass
class Invite:
    maker: str
    left: int  # negative: any number
    asks: bool
    revoked: bool = False


@dataclass
class Door:
    """The group as it should be: who is in with which role, who waits, who is shut out, and which invites there are."""

    join: str
    approve: bool
    invite: str
    roles: dict[str, str] = field(default_factory=lambda: {"ann": "owner", "bob": "admin", "cat": "member"})
    waiting: set[str] = field(default_factory=set)
    # They have not heard of it, and wait in vain for a day.
    declined: set[str] = field(default_factory=set)
    banned: set[str] = field(default_factory=set)
    invites: dict[str, Invite] = field(default_factory=dict)

    def may(self, user: str, role: str) -> bool:
        return user in self.roles and RANKS[self.roles[user]] >= RANKS[role]

    def enter(self, user: str, *, asks: bool) -> None:
        if user in self.roles or user in self.banned:
            return
        if asks:
            self.waiting.add(user)
        else:
            self.roles[user] = "member"
            self.waiting.discard(user)
        self.declined.discard(user)

    def note(self, user: str, request: Any, reply: Any) -> None:
        """Do what a request that was acknowledged has to do, and nothing for one that was not."""
        done = not isinstance(reply, ChatError)
        if isinstance(request, RoomJoin) and self.join != "closed":
            if self.join == "open" or user not in self.declined:
                self.enter(user, asks=self.join == "request")
        elif isinstance(request, InvitesUse):
            self.use(user, request.invite)
        elif isinstance(request, InvitesCreate) and done:
            left = request.uses_max or -1
            self.invites.setdefault(reply.invite.invite, Invite(user, left, request.approve))
        elif isinstance(request, InvitesRevoke) and self.may(user, self.invite):
            for invite in self.invites.values():
                invite.revoked |= self.may(user, "admin") or invite.maker == user
        elif isinstance(request, MembersAdd) and self.may(user, self.invite):
            for other in request.users:
                self.enter(other, asks=self.approve and not self.may(user, "admin"))
        elif isinstance(request, JoinsDecide) and self.may(user, "admin"):
            for other in self.waiting & set(request.users):
                self.waiting.discard(other)
                if request.accept:
                    self.enter(other, asks=False)
                else:
                    self.declined.add(other)
        elif isinstance(request, MembersRemove | RoomLeave | MembersUnban | MembersRole) and done:
            self.change(user, request)

    def use(self, user: str, name: str) -> None:
        invite = self.invites[name]
        works = not invite.revoked and invite.left != 0 and self.may(invite.maker, self.invite)
        asks = invite.asks or (self.approve and not self.may(invite.maker, "admin"))
        if (
            works
            and user not in self.roles | dict.fromkeys(self.banned)
            and not (asks and user in self.waiting | self.declined)
        ):
            invite.left -= 1
            self.enter(user, asks=asks)

    def change(self, user: str, request: Any) -> None:
        users = [user] if isinstance(request, RoomLeave) else request.users
        for one in users:
            if isinstance(request, MembersRole):
                self.roles[one.user] = one.role
            elif isinstance(request, MembersUnban):
                self.banned.discard(one)
            else:
                self.roles.pop(one, None)
                self.waiting.discard(one)
                if isinstance(request, MembersRemove):
                    self.declined.discard(one)
                if getattr(request, "ban", False):
                    self.banned.add(one)


def drawn(chance: random.Random, room: str, names: list[str]) -> tuple[str, Any]:
    """Return somebody and what they ask."""
    somebody, other = chance.choice(EVERYBODY), chance.choice(CROWD)
    keys = {"room": room, "key": key()}
    # Most of a crowd pushes at the door; the staff does the rest.
    staff = chance.choice(["ann", "bob", "bob", "cat"])
    asked: list[tuple[str, Any]] = [
        (other, RoomJoin(**keys)),
        (staff, InvitesCreate(**keys, uses_max=chance.choice([0, 1, 2]), approve=chance.random() < 0.3)),
        (staff, InvitesRevoke(**keys)),
        (staff, MembersAdd(**keys, users=[other])),
        (staff, JoinsDecide(**keys, users=CROWD, accept=chance.random() < 0.7)),
        (staff, MembersRemove(**keys, users=[other], ban=chance.random() < 0.5)),
        (staff, MembersUnban(**keys, users=[other])),
        ("ann", MembersRole(**keys, users=[RoleOf("bob", chance.choice(["member", "admin"]))])),
        (other, RoomLeave(**keys)),
    ]
    if names:
        asked += [(other, InvitesUse(invite=chance.choice(names), key=key())) for _ in range(8)]
    return chance.choice(asked) if somebody else asked[0]


def crowd(seed: int) -> Iterator[str]:
    """Yield how the group and the model of it differ after each of some batches."""
    chance = random.Random(seed)
    door = Door(
        chance.choice(["closed", "request", "open"]),
        chance.random() < 0.5,
        chance.choice(["member", "admin"]),
    )
    room = group(ann="owner", bob="admin", cat="member")
    room.details = RoomDetails(policy=Policy(join=door.join, approve=door.approve, invite=door.invite))  # type: ignore[arg-type]
    writer = MemoryWriter(room)
    for _ in range(12):
        asked = [drawn(chance, room.name, [*writer.invites]) for _ in range(chance.randint(1, 5))]
        for (user, request), reply in zip(asked, writer.batch(asked), strict=True):
            door.note(user, request, reply)
        inside = {user: member.role for user, member in room.members.items()}
        if inside != door.roles:
            yield f"seed {seed}: {inside} are in, and it should be {door.roles}"
            return


@given(st.integers(0, 1 << 32))
def test_nobody_enters_past_the_rules(seed: int) -> None:
    assert list(crowd(seed)) == []


def uses_checked_early() -> Any:
    """Look at the uses as they were before the batch, as a server that reads them first does."""
    real, seen = invites.found_invite, dict[str, int]()

    def early(invite: str, reads: Any) -> Any:
        known, room = real(invite, reads)
        # One object a batch.
        uses = seen.setdefault(f"{invite} {id(reads)}", known.uses)
        return invites.replace(known, uses=uses), room

    return patch.object(invites, "found_invite", early)


BREAKS = {
    "uses-checked-early": uses_checked_early,
    "maker-unchecked": lambda: patch.object(invites, "may_invite", lambda room, user: True),
    "revocation-forgotten": lambda: patch.object(
        invites.IssuedInvite, "is_spent", lambda invite, now: 0 < invite.uses_max <= invite.uses
    ),
    "ban-forgotten": lambda: patch.object(joining, "ban_holds", lambda member, now: False),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_door_that_stands_open_is_found_out(name: str) -> None:
    with BREAKS[name]():
        assert any(finding for seed in range(300) for finding in crowd(seed))
