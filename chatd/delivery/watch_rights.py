"""Who is shown to whom (protocol.md "presence"): judged when somebody is watched, and when what that rests on changed.

Two users see each other or neither sees the other. So a judgement is about pairs: one user, and others who watch them
or whom they watch.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from chatd.core.room import Room
from chatd.core.users import Account
from chatd.core.visibility import ShownTo
from chatd.core.write_set import Arrival, Departure, Work
from chatd.ports import Presence, Store
from chatd.protocol.errors import ChatError

LOOK_MAX = 200  # pairs in one read, some 2 ms: behind it others get their turn


@dataclass(slots=True, eq=False)
class Look:
    """Whom of `others` this user may see: `known`, with when they and the user were last seen.

    Not to be believed of those `doubted` since it was read: they are judged again.
    """

    user: str
    others: Collection[str]
    known: set[str] = field(default_factory=set)
    last_seen: Mapping[str, int] = field(default_factory=dict)
    doubted: set[str] = field(default_factory=set)


class Watching:
    """Decides who sees whom. `keep` holds on to the task that judges again."""

    def __init__(
        self,
        store: Store,
        presence: Presence,
        keep: Callable[["asyncio.Future[None]"], object],
        shown_to: ShownTo,
    ) -> None:
        self._store = store
        self._presence = presence
        self._keep = keep
        self._shown_to = shown_to
        self._looks: list[Look] = []
        self._doubted: dict[str, dict[str, None] | None] = {}  # by user: with whom, None for everybody
        self._judging = False

    def reconfigure(self, shown_to: ShownTo) -> None:
        """Judge everybody again when the operator says something else."""
        if shown_to != self._shown_to:
            self._shown_to = shown_to
            for look in self._looks:
                look.doubted.update(look.others)
            self._judge_again(dict.fromkeys(self._presence.watching()))

    def noticed(self, work: Work) -> None:
        """After a commit: who came, left, answered or changed their preference may see others, or others them."""
        for room in work.answered:
            self._doubt(room.creator, room)
        if work.moves:
            for step in (step for steps in work.steps.values() for step in steps):
                if isinstance(step, Arrival | Departure):
                    self._doubt(step.user, step.room)
        for change in work.accounts:
            if isinstance(change, Account):
                if not change.presence:
                    self._presence.judge(change.user, self._presence.related(change.user), (), {})
                self._doubt(change.user)

    async def look(self, user: str, others: Collection[str]) -> Look:
        """Read whom of `others` this user may see, and note who comes in doubt meanwhile."""
        look = Look(user, others)
        if self._shown_to == "nobody" or not others:
            return look
        self._looks.append(look)
        try:
            look.known = await self._store.watchable(user, others, answered=self._shown_to == "known")
            look.last_seen = await self._store.last_seen([user, *look.known]) if look.known else {}
        finally:
            self._looks.remove(look)
        return look

    def _doubt(self, user: str, room: Room | None = None) -> None:
        """Judge `user` again, with everybody, or with those who are or were in `room`."""
        others = self._presence.related(user)
        if room is not None:
            others = [other for other in others if other in room.members or other in room.former]
        for look in self._looks:
            if look.user == user:
                look.doubted.update(others)
            elif look.user in others:
                look.doubted.add(user)
        before = self._doubted.get(user, {})
        if others:
            everybody = room is None or before is None
            self._judge_again({user: None if everybody else {**(before or {}), **dict.fromkeys(others)}})

    def _judge_again(self, doubted: Mapping[str, dict[str, None] | None]) -> None:
        self._doubted.update(doubted)
        if self._doubted and not self._judging:
            self._judging = True
            self._keep(asyncio.ensure_future(self._judge_all()))

    async def _judge_all(self) -> None:
        try:
            while self._doubted:
                user = next(iter(self._doubted))
                with_whom = self._doubted.pop(user)
                others = self._presence.related(user) if with_whom is None else list(with_whom)
                for start in range(0, len(others), LOOK_MAX):
                    await self._judge(user, others[start : start + LOOK_MAX])
                    await asyncio.sleep(0)
        finally:
            self._judging = False

    async def _judge(self, user: str, others: Collection[str]) -> None:
        try:
            look = await self.look(user, others)
        except ChatError:  # whom we cannot ask about is not shown
            look = Look(user, others)
        certain = [other for other in others if other not in look.doubted]
        self._presence.judge(user, certain, look.known, look.last_seen)
