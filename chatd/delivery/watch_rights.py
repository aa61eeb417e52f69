"""The right to see somebody's presence (protocol.md "presence"): checked when a watch begins, and again when rooms or
preferences change.

Two users see each other, or neither sees the other. So a check is about pairs: one user, and others who watch them or
whom they watch.
"""

import asyncio
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field

from chatd.core.contact_settings import ClearedCircle
from chatd.core.read_set import PeopleRules
from chatd.core.room import Room
from chatd.core.room_steps import MemberJoined, MemberLeft, outgrown
from chatd.core.users import Account
from chatd.core.visibility import ShownTo
from chatd.core.write_set import WriteSet
from chatd.delivery.interface import Presence
from chatd.protocol.errors import ChatError
from chatd.storage.interface import UserStore

# Pairs in one read, some 2 ms; the loop does other work between two of them.
CHECKED_AT_ONCE = 200


@dataclass(slots=True, eq=False)
class VisibilityCheck:
    """The result of a check: the `known` of `others` that this user may see, and when they and the user were last seen.

    `last_seen`: Unix milliseconds by user. `outdated`: users for whom it does not hold any more.
    """

    user: str
    others: Collection[str]
    known: set[str] = field(default_factory=set)
    last_seen: Mapping[str, int] = field(default_factory=dict)
    outdated: set[str] = field(default_factory=set)


class RoomUsers:
    """Whoever is or was in a room."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def __contains__(self, user: object) -> bool:
        return isinstance(user, str) and self._room.known(user) is not None


class WatchRights:
    """The checks of who sees whom. `keep_task` holds on to the task that checks again. `people`: the rules where people
    are switched on; then privacy decides, and not the rooms that two users share.
    """

    def __init__(
        self,
        store: UserStore,
        presence: Presence,
        keep_task: Callable[["asyncio.Future[None]"], object],
        shown_to: ShownTo,
        people: PeopleRules,
    ) -> None:
        self._store = store
        self._people = people
        self._presence = presence
        self._keep_task = keep_task
        self._shown_to = shown_to
        self._checks: list[VisibilityCheck] = []
        # The pairs to check again, by user: with whom, None for everybody.
        self._dirty: dict[str, dict[str, None] | None] = {}
        self._rechecking = False

    def reconfigure(self, shown_to: ShownTo, people: PeopleRules) -> None:
        """Put other rules in force, and check everybody again if they differ."""
        if (shown_to, people) != (self._shown_to, self._people):
            self._shown_to, self._people = shown_to, people
            for check in self._checks:
                check.outdated.update(check.others)
            self._recheck(dict.fromkeys(self._presence.watching()))

    def on_commit(self, writes: WriteSet) -> None:
        """Check again the users who joined, left, answered or changed their preference. A commit hook."""
        for room in writes.answered:
            self._mark_dirty(room.creator, RoomUsers(room))
        if writes.moves:
            for step in (step for steps in writes.steps.values() for step in steps):
                if isinstance(step, MemberJoined | MemberLeft) and not step.room.is_channel:
                    self._mark_dirty(step.user, RoomUsers(step.room))
        for account in writes.records_of(Account):
            if not account.presence or (account.disabled and self._people.enabled):
                self._hide(account.user)
            self._mark_dirty(account.user)
        if self._people.enabled:
            self._on_people(writes)

    def _on_people(self, writes: WriteSet) -> None:
        """Check again whom contacts and privacy concern. Who is blocked or a friend no more is hidden before that.

        Nothing else hides anybody who may still be seen: to be gone for a moment would tell them of a request that was
        declined, or of a circle.
        """
        for (owner, user), (before, after) in (writes.ties or {}).items():
            if user in self._presence.related(owner):
                if after.blocked or (before.is_friend and not after.is_friend):
                    self._presence.update_visibility(owner, (user,), (), {})
                self._mark_dirty(owner, {user})
        for steps in writes.steps.values() if writes.moves else ():
            if room := outgrown(steps, self._people.small_group_members):
                for user in room.users:
                    self._mark_dirty(user, RoomUsers(room))
        for cleared in writes.records_of(ClearedCircle):
            self._mark_dirty(cleared.owner)
        for user, capabilities in writes.rules_changed.items():
            if "presence" in capabilities:
                self._hide(user)
                self._mark_dirty(user)

    def _hide(self, user: str) -> None:
        """Show a user to nobody, and nobody to them, until they are checked."""
        self._presence.update_visibility(user, self._presence.related(user), (), {})

    async def check(self, user: str, others: Collection[str]) -> VisibilityCheck:
        """Read which of `others` this user may see; commits during the read mark users as outdated."""
        check = VisibilityCheck(user, others)
        if self._shown_to == "nobody" or not others:
            return check
        self._checks.append(check)
        try:
            answered = self._shown_to == "known"
            check.known = await self._store.watchable(
                user, others, answered=answered, people=self._people if self._people.enabled else None
            )
            check.last_seen = await self._store.last_seen([user, *check.known]) if check.known else {}
        finally:
            self._checks.remove(check)
        return check

    def _mark_dirty(self, user: str, among: Container[str] | None = None) -> None:
        """Check `user` again, with everybody, or with those `among` these users."""
        others = self._presence.related(user)
        if among is not None:
            others = [other for other in others if other in among]
        for check in self._checks:
            if check.user == user:
                check.outdated.update(others)
            elif check.user in others:
                check.outdated.add(user)
        before = self._dirty.get(user, {})
        if others:
            everybody = among is None or before is None
            self._recheck({user: None if everybody else {**(before or {}), **dict.fromkeys(others)}})

    def _recheck(self, outdated: Mapping[str, dict[str, None] | None]) -> None:
        self._dirty.update(outdated)
        if self._dirty and not self._rechecking:
            self._rechecking = True
            self._keep_task(asyncio.ensure_future(self._recheck_all()))

    async def _recheck_all(self) -> None:
        try:
            while self._dirty:
                user = next(iter(self._dirty))
                with_whom = self._dirty.pop(user)
                others = self._presence.related(user) if with_whom is None else list(with_whom)
                for start in range(0, len(others), CHECKED_AT_ONCE):
                    await self._recheck_one(user, others[start : start + CHECKED_AT_ONCE])
                    await asyncio.sleep(0)
        finally:
            self._rechecking = False

    async def _recheck_one(self, user: str, others: Collection[str]) -> None:
        try:
            check = await self.check(user, others)
        except ChatError:
            # A user whose rights cannot be read is not shown.
            check = VisibilityCheck(user, others)
        certain = [other for other in others if other not in check.outdated]
        self._presence.update_visibility(user, certain, check.known, check.last_seen)
