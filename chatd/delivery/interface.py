"""The contract of presence: the states of users, and pushes to those who watch them."""

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
    """The states of users. Changes are pushed to watchers, coalesced."""

    def up(self, session: Present) -> None:
        """Note that `session` is live, or changed its mode."""

    def down(self, session: Present) -> None:
        """Note that `session` ended; it watches nobody any more."""

    def watch(self, session: Present, users: Collection[str]) -> None:
        """Replace the set of users that `session` watches; it sees none of them until `show` says which."""

    def show(self, session: Present, users: Collection[str], known: Collection[str]) -> None:
        """Let `session` see exactly those of `users` that it watches and that are in `known`."""

    def watchers(self, user: str) -> list[Present]:
        """Return the sessions that watch `user`, whether they may see them or not."""

    def shown(self, session: Present) -> list[str]:
        """Return the users that `session` watches and may see."""

    def watching(self) -> list[str]:
        """Return the users who watch somebody."""

    def related(self, user: str) -> list[str]:
        """Return the users who watch `user`, or whom `user` watches."""

    def update_visibility(
        self, user: str, others: Collection[str], known: Collection[str], last_seen: Mapping[str, int]
    ) -> None:
        """Let exactly the `known` of `others` see `user` and be seen by them; changes are pushed to watchers.

        `last_seen`: Unix milliseconds by user.
        """

    def states(self, users: Collection[str]) -> Mapping[str, State]:
        """Return the states of those of `users` who are not offline."""
