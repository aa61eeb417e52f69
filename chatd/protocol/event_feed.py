"""The entries of the event feed, as the host app gets them (docs/events.md)."""

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType

from chatd.protocol.identifiers import U53, Milliseconds


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}):
    """One entry. `id` is the cursor behind it, which no other entry has. `event`: JSON, in its current state.

    The keys that an entry has besides `id`, `type` and `time` depend on its type. `by`: the id of the API key that
    caused it. `unscreened`: a before-hook failed, and lets pass what it has not seen; `flagged`: a filter or a
    before-hook let it pass and noticed it. `from_` and `to`: the cursors around entries that are not kept any more.
    """

    id: str
    type: str
    time: Milliseconds
    room: str | UnsetType = UNSET
    event: Raw | UnsetType = UNSET
    by: str | UnsetType = UNSET
    unscreened: bool = False
    flagged: bool = False
    user: str | UnsetType = UNSET
    other: str | UnsetType = UNSET
    users: list[str] | UnsetType = UNSET
    change: str | UnsetType = UNSET
    seq: U53 | UnsetType = UNSET
    online: list[str] | UnsetType = UNSET
    offline: list[str] | UnsetType = UNSET
    report: str | UnsetType = UNSET
    filter: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    from_: str | UnsetType = UNSET
    to: str | UnsetType = UNSET


class Events(Struct, frozen=True, kw_only=True):
    """A page of the feed: the entries behind the cursor `after`, up to `next`. `timestamp`: of the page, RFC 3339."""

    type: Literal["events"] = "events"
    timestamp: str
    after: str
    next: str
    events: list[Entry]
