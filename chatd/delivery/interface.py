"""The contract of presence: it knows who is online, and tells those who watch."""

from collections.abc import Collection, Mapping
from typing import Protocol

from chatd.protocol.connection import Mode
from chatd.protocol.presence import State


class Present(Protocol):
    """One live connection, as far as presence needs it."""

    @property
    def user(self) -> str: ...

    @property
    def mode(self) -> Mode: ...


class Presence(Protocol):
    """Who is online. Connections come and go; watchers hear of changes, coalesced."""

    def up(self, session: Present) -> None:
        """`session` is live, or changed its mode."""

    def down(self, session: Present) -> None:
        """`session` is gone; it watches nobody any more."""

    def watch(self, session: Present, users: Collection[str]) -> None:
        """Replace the set of users `session` asks about; it sees none of them before that is judged."""

    def show(self, session: Present, users: Collection[str], known: Collection[str]) -> None:
        """Of `users`, as far as `session` watches them, it sees exactly those in `known` from here on."""

    def shown(self, session: Present) -> list[str]:
        """Those whom `session` watches and may see."""

    def watching(self) -> list[str]:
        """The users who watch somebody."""

    def related(self, user: str) -> list[str]:
        """Those who watch `user`, or whom `user` watches."""

    def update_visibility(
        self, user: str, others: Collection[str], known: Collection[str], last_seen: Mapping[str, int]
    ) -> None:
        """Of `others`, exactly the known see `user` and are seen; who watches is told what that changes."""

    def states(self, users: Collection[str]) -> Mapping[str, State]:
        """State words of those who are not offline."""
