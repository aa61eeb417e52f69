"""The question for one page of an account's rooms and rows (protocol.md "SyncPage" and "sync")."""

from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.read_set import PeopleRules
from chatd.core.sections import CONTACTS, PEOPLE
from chatd.core.visibility import ShownTo


class BadgeRule(NamedTuple):
    """The moment in Unix ms, and the members up to which a group alerts them all."""

    now_ms: int
    members_all: int


@dataclass(slots=True, frozen=True)
class SyncQuery:
    """One page of an account's rooms.

    `since`: a commit number; the page has rooms whose row or member row has a later stamp; None: all rooms.
    `previews`: None for "in a full round". `after`: the sort key of the last row of the page before, None on the first
    page. `first_stamp`: the commit number of the first page, 0 on that page; the round ends with the rooms that changed
    since, on pages of their own when they do not fit on the last one. `page_bytes` bounds the page, `events_bytes`
    within it the events, which are as the user may see them. `shown_to`: whose marks they see.
    `sections`: bits of the sections whose account rows end the round (core/sections.py), `full_sections` of those that
    are walked from their beginning; all of them are when `since` is None.
    `people`: the rules where people are switched on, else None, and every room is listed. `requests`: whether rooms are
    named in which the user was asked, and `all_requests`: whether all of them, changed or not.
    `badge`: with push, how the number on the icon is counted, else None.
    """

    user: str
    since: int | None
    limit: int
    previews: bool | None = False
    events: int = 0
    events_bytes: int = 0
    page_bytes: int = 262_144
    after: tuple[int, int, int] | None = None
    first_stamp: int = 0
    shown_to: ShownTo = "known"
    sections: int = 0
    full_sections: int = 0
    people: PeopleRules | None = None
    badge: BadgeRule | None = None

    @property
    def requests(self) -> bool:
        return bool(self.sections >> PEOPLE[CONTACTS].bit & 1)

    @property
    def all_requests(self) -> bool:
        return self.requests and (self.since is None or bool(self.full_sections >> PEOPLE[CONTACTS].bit & 1))
