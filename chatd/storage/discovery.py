"""The contract of a store for the directory of groups and channels."""

from typing import NamedTuple, Protocol

from chatd.core.room import Room


class ListedRoom(NamedTuple):
    """A room, without its members, and how many they are."""

    room: Room
    size: int


class DiscoveryViews(Protocol):
    """The rooms that are listed (core/discovery.py), as those who are in none of them are shown them."""

    async def listed_rooms(
        self, title: str, tag: str, least: int, behind: tuple[int, str], limit: int
    ) -> list[ListedRoom]:
        """Return up to `limit` rooms one of whose names begins with `title`, and one is `tag`, each "" for any: those
        with the most members first, then by name.

        `least`: the members from which on a room is shown. `behind`: the members and the name of the last one shown.
        """
