"""Two users with two phones each, a host and time do what they like, against a model that shares no code."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import msgpack

from chatd.core.accounts import Amend
from chatd.core.friends import Befriend, ExpireContacts
from chatd.core.read_set import PeopleRules, Rules
from chatd.core.sections import CONTACTS, ChangedRow
from chatd.protocol.errors import ChatError
from chatd.protocol.friends import (
    ContactSet,
    FriendAccept,
    FriendCancel,
    FriendDecline,
    FriendRemove,
    FriendRequest,
)
from tests.kit.memory_writer import MemoryWriter
from tests.kit.soak import scaled

DAY = 86_400_000
USERS = ("ann", "bob")
OTHER = {"ann": "bob", "bob": "ann"}
ACTIONS: dict[str, Any] = {
    "request": FriendRequest,
    "accept": FriendAccept,
    "decline": FriendDecline,
    "cancel": FriendCancel,
    "remove": FriendRemove,
    "block": lambda **keys: ContactSet(blocked=True, **keys),
    "unblock": lambda **keys: ContactSet(blocked=False, **keys),
}


@dataclass
class Model:
    """What is true of ann and bob, in the words of protocol.md. `asked`: by who asked, when it ends."""

    now: int
    friends: bool = False
    asked: dict[str, int] = field(default_factory=dict)
    unheard: set[str] = field(default_factory=set)
    blocks: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    quiet: dict[str, int] = field(default_factory=lambda: dict.fromkeys(USERS, 0))
    tries: dict[str, int] = field(default_factory=lambda: dict.fromkeys(USERS, 0))

    def shown(self, user: str) -> tuple[str, bool]:
        other = OTHER[user]
        state = "none"
        if self.friends:
            state = "friend"
        elif user in self.asked:
            state = "sent"
        elif other in self.asked and other not in self.unheard:
            state = "received"
        return state, user in self.blocks

    def leave_in_peace(self, user: str) -> None:
        self.quiet[user] = self.now + min(7 * DAY * 2 ** self.tries[user], 90 * DAY)
        self.tries[user] += 1

    def become_friends(self) -> None:
        self.friends = True
        self.asked.clear()
        self.unheard.clear()
        for user in USERS:
            self.quiet[user] = self.tries[user] = 0

    def withdraw(self, user: str) -> None:
        self.asked.pop(user, None)
        self.unheard.discard(user)

    def hide(self, user: str) -> None:
        """`user` does not want to see the request of the other."""
        other = OTHER[user]
        if other in self.asked and other not in self.unheard:
            self.unheard.add(other)
            self.leave_in_peace(user)

    def answer(self, user: str, action: str) -> str:
        other = OTHER[user]
        waits = other in self.asked
        if action in ("block", "unblock"):
            return "duplicate" if (user in self.blocks) == (action == "block") else "ok"
        if action == "remove":
            return "ok" if self.friends else "duplicate"
        if self.friends:
            return "conflict" if action in ("decline", "cancel") else "duplicate"
        if action == "cancel":
            return "ok" if user in self.asked else "duplicate"
        if action == "decline":
            return "not_found" if not waits else "duplicate" if other in self.unheard else "ok"
        if action == "accept" and not waits:
            return "not_found"
        if action == "request" and user in self.asked:
            return "duplicate"
        if user in self.blocks:
            return "blocked"
        if action == "request" and not waits and (other in self.blocks or other in self.closed):
            return "refused"
        return "ok"

    def carry_out(self, user: str, action: str) -> None:
        other = OTHER[user]
        if action == "request" and other not in self.asked:
            self.asked[user] = self.now + 30 * DAY
            if self.quiet[other] > self.now:
                self.unheard.add(user)
                self.leave_in_peace(other)
        elif action in ("request", "accept"):
            self.become_friends()
        elif action == "decline":
            self.hide(user)
        elif action == "cancel":
            self.withdraw(user)
        elif action == "remove":
            self.friends = False
            self.leave_in_peace(user)
        elif action == "block":
            self.shut(user)
            self.blocks.add(user)
        else:
            self.blocks.discard(user)

    def shut(self, user: str) -> None:
        self.withdraw(user)
        self.hide(user)

    def expire(self) -> None:
        for user in [user for user, until in self.asked.items() if until <= self.now]:
            if user not in self.unheard:
                self.leave_in_peace(OTHER[user])
            self.withdraw(user)


@dataclass
class Phone:
    """A phone that has taken the first `heard` pushes of its user, and what it sent last."""

    user: str
    heard: int = 0
    stamp: int = 0
    value: bytes | None = None
    last: tuple[str, int] | None = None


class Friends(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.writer = MemoryWriter(rules=Rules(people=PeopleRules(enabled=True)))
        self.model = Model(self.writer.now)
        self.phones = [Phone(user) for user in USERS for _ in range(2)]
        self.pushed: dict[str, list[tuple[int, bytes | None]]] = {user: [] for user in USERS}
        # The commit of the last change that each of them saw, as the model has it.
        self.stamps = dict.fromkeys(USERS, 0)

    def follow(self, before: dict[str, tuple[str, bool]]) -> None:
        """Deliver what was pushed, and note whom the last commit changed something for."""
        for row in self.writer.writes.records_of(ChangedRow):
            if row.section == CONTACTS:
                self.pushed[row.user].append((self.writer.writes.stamp, row.value))
        for user in USERS:
            if self.model.shown(user) != before[user]:
                self.stamps[user] = self.writer.stamp

    def seen(self) -> dict[str, tuple[str, bool]]:
        return {user: self.model.shown(user) for user in USERS}

    def ask(self, phone: Phone, action: str, stamp: int) -> None:
        user, before = phone.user, self.seen()
        if user in self.model.closed:
            return  # they do not get in
        wanted = self.model.answer(user, action)
        nothing = self.model.shown(user) == ("none", False)
        if wanted == "ok" and self.stamps[user] > stamp and not (stamp == 0 and nothing):
            wanted = "conflict"
        phone.last = (action, stamp)
        request = ACTIONS[action](user=OTHER[user], seen=stamp)
        (reply,) = self.writer.batch([(user, request)])
        if isinstance(reply, ChatError):
            assert reply.code == wanted
            return
        assert ("duplicate" if reply.duplicate else "ok") == wanted  # type: ignore[attr-defined]
        if wanted == "ok":
            self.model.carry_out(user, action)
        self.follow(before)

    @rule(number=st.integers(0, 3), action=st.sampled_from(sorted(ACTIONS)))
    def act(self, number: int, action: str) -> None:
        self.listen(number)
        self.ask(self.phones[number], action, self.phones[number].stamp)

    @rule(number=st.integers(0, 3), action=st.sampled_from(sorted(ACTIONS)))
    def act_late(self, number: int, action: str) -> None:
        """The phone has not heard of what happened meanwhile."""
        self.ask(self.phones[number], action, self.phones[number].stamp)

    @rule(number=st.integers(0, 3))
    def retry(self, number: int) -> None:
        """A reply was lost: the phone sends the same again, maybe long after."""
        phone = self.phones[number]
        if phone.last is not None:
            self.ask(phone, *phone.last)

    def listen(self, number: int) -> None:
        phone = self.phones[number]
        for stamp, value in self.pushed[phone.user][phone.heard :]:
            assert stamp > phone.stamp
            phone.stamp, phone.value = stamp, value
        phone.heard = len(self.pushed[phone.user])

    @rule(days=st.sampled_from([1, 6, 8, 15, 29, 31, 100]))
    def wait(self, days: int) -> None:
        before = self.seen()
        self.writer.now += days * DAY
        self.model.now += days * DAY
        due = [place for place, one in self.writer.contacts.items() if 0 < one.expires <= self.writer.now]
        self.writer.ask("", ExpireContacts(tuple(due)))
        self.model.expire()
        self.follow(before)

    @rule(user=st.sampled_from(USERS))
    def close_or_reopen(self, user: str) -> None:
        before = self.seen()
        self.writer.ask(user, Amend(disabled=user not in self.model.closed))
        if user in self.model.closed:
            self.model.closed.discard(user)
        else:
            self.model.closed.add(user)
            self.model.shut(user)
        self.follow(before)

    @precondition(lambda self: not self.model.friends)
    @rule(user=st.sampled_from(USERS))
    def host_befriends(self, user: str) -> None:
        before = self.seen()
        self.writer.ask(user, Befriend(OTHER[user]))
        self.model.become_friends()
        self.follow(before)

    @invariant()
    def each_sees_what_the_model_says(self) -> None:
        for user in USERS:
            stamp, value = self.pushed[user][-1] if self.pushed[user] else (0, None)
            row = {} if value is None else msgpack.decode(value)
            assert (row.get("state", "none"), row.get("blocked", False)) == self.model.shown(user)
            assert stamp == self.stamps[user]

    @invariant()
    def nobody_is_half_a_friend(self) -> None:
        friends = {place for place, contact in self.writer.contacts.items() if contact.is_friend}
        assert friends in (set(), {USERS, (USERS[1], USERS[0])})


Friends.TestCase.settings = settings(
    max_examples=scaled(100, 3000), stateful_step_count=50, deadline=None, print_blob=True
)
TestFriends = Friends.TestCase
