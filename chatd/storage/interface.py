"""The contract of a store, in parts by who uses it: the writer, decisions, readers, accounts, jobs."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from chatd.core.api_keys import ApiKey
from chatd.core.audit import Audit
from chatd.core.bots import Bot
from chatd.core.card_view import CardPage, CardView
from chatd.core.contacts import Contact, Tally
from chatd.core.filters import Filter
from chatd.core.friends import Introduction
from chatd.core.graph import GraphFeed
from chatd.core.moderation import AskedReport, Filed, KnownReports, Place, State
from chatd.core.past_messages import KnownLog
from chatd.core.privacy import Relation, RoomRelations
from chatd.core.profiles import Cards
from chatd.core.read_set import Counted, KeyedEvent, PeopleRules, UnreadSpan
from chatd.core.room import Room
from chatd.core.room_summary import Membership
from chatd.core.sections import ChangedRow
from chatd.core.sync_query import SyncQuery
from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Unavailable
from chatd.protocol.messages import Event
from chatd.storage.channels import ChannelStore
from chatd.storage.comments import CommentViews
from chatd.storage.discovery import DiscoveryViews
from chatd.storage.erasing import ErasureStore, PersonFiles
from chatd.storage.feeds import FeedStore, WebhookStore
from chatd.storage.files import FileStore
from chatd.storage.graph import GraphStore
from chatd.storage.inbox import InboxViews
from chatd.storage.joining import JoiningStore
from chatd.storage.media import FileRounds, FileViews
from chatd.storage.members import MemberViews
from chatd.storage.push import PushStore
from chatd.storage.scheduled import ScheduledStore
from chatd.storage.search import SearchViews
from chatd.storage.views import (
    EventPage,
    HelloRows,
    HostRoom,
    MessagePage,
    People,
    SyncRows,
    UserPush,
    UserRoom,
)
from chatd.telemetry.troubles import Troubles

P = ParamSpec("P")
T = TypeVar("T")


class StoreLost(Unavailable):
    """A commit of which this process cannot find out whether the disk holds it.

    Nothing more may be committed or acknowledged; everything acknowledged before is durable. A new process can go on.
    """


class Commits(Protocol):
    """The position of a store."""

    @property
    def epoch(self) -> str:
        """The name of the history, another one when it may have moved backwards. Up to 16 characters."""

    @property
    def stamp(self) -> int:
        """The number of the last commit."""


class CommitStore(Commits, Protocol):
    """The write path: one writer calls it, one batch at a time."""

    async def commit(self, writes: WriteSet) -> None:
        """Make the batch durable, whole or not at all, and advance `stamp` to `writes.stamp`.

        Raises KeyTaken when a (room, user, key), a pair or a creation key exists already; the batch has to be decided
        again with it in the read set. Raises Unavailable("overloaded") when the disk is full, StoreLost when it is not
        known what the disk holds, and Unavailable("internal") on any other failure. Except with StoreLost, nothing was
        written.
        """


class ModerationStore(Protocol):
    """The reports of a store."""

    async def known(self, asked: Collection[AskedReport]) -> KnownReports:
        """Return what decisions on these reports look at, as of one commit."""

    async def at(self, numbers: Collection[int]) -> list[Filed]:
        """Return the reports with these numbers; unknown ones are left out."""

    async def queue(self, state: State, after: Place | None, limit: int) -> list[tuple[Filed, Place]]:
        """Return up to `limit` reports behind a place, each with its own: those on whom most have reported something
        first, closed ones the newest first.
        """

    async def oldest(self) -> int:
        """Return when the report was changed that nobody has for longest, in Unix milliseconds; 0 without any."""


class DecisionStore(Protocol):
    """The state of the last commit, for decisions. `erasures`: what is kept of a person."""

    erasures: ErasureStore
    file_rows: FileStore
    joining: JoiningStore
    channels: ChannelStore

    async def load_rooms(self, names: Collection[str]) -> dict[str, Room]:
        """Return the rooms of these names with all their members, of channels the staff; unknown names are left out.

        `Member.receipts` is the preference of the member's account.
        """

    async def placed(self, asked: Collection[tuple[str, str, bool]]) -> set[tuple[str, str, bool]]:
        """Return those of (user, room name, joins) whose user is, was or waits to be a member, or joins an open one.

        A missing room takes the same time as a room of others, however large, so that time does not tell them apart.
        """

    async def rooms_of_pairs(self, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the names of the direct rooms of these pairs of users, each in any order; without those of none."""

    async def room_of_key(self, creator: str, key: str) -> str | None:
        """Return the name of the room that `creator` created with this idempotency key."""

    async def keyed(self, keys: Collection[tuple[int, str, str]]) -> dict[tuple[int, str, str], KeyedEvent]:
        """Return the first use of each of these (room, user, key); unused ones are left out."""

    async def messages_at(self, keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], Event]:
        """Return the messages at these (room, seq), in current state; other events and holes are left out."""

    async def recent_messages(
        self, room: int, users: Collection[str], since_ms: int, limit: int
    ) -> list[tuple[str, int]]:
        """Return the newest messages of these users, as (user, seq), newest first, up to one that is older."""

    async def reactions_set(
        self, asked: Collection[tuple[int, int, str, str]]
    ) -> set[tuple[int, int, str, str]]:
        """Return those of (room, seq, user, emoji) that are set."""

    async def counted(self, spans: Collection[UnreadSpan]) -> dict[UnreadSpan, Counted]:
        """Count these spans. The time it takes grows with their length."""

    async def next_room_number(self) -> int:
        """Return a room number that was never used; each call returns a higher one."""

    async def imported_rooms(self, names: Collection[str]) -> dict[str, str]:
        """Return the rooms that an import made, by the names that they have elsewhere."""

    async def known_log(self, room: int, keys: Collection[tuple[str, str]]) -> KnownLog:
        """Return where messages of these (author, key) are in the log of a room, and its end."""

    async def people(
        self, users: Collection[str], devices: Collection[tuple[str, str]], arriving: Collection[str] = ()
    ) -> People:
        """Return, of one commit, known accounts and `devices` (user, device), and numbers of rooms of `arriving`."""

    async def cards(self, users: Collection[str], handles: Collection[str]) -> Cards:
        """Return the known ones of the cards of `users`, and who has the `handles`."""

    async def listed(self, users: Collection[str]) -> list[DeviceSeen]:
        """Return the listed devices of all these users, those seen longest ago first."""

    async def api_keys(self) -> list[ApiKey]:
        """Return all keys of the host's API, in order of their names."""

    async def filters(self) -> list[Filter]:
        """Return all filters, in order of their names."""

    async def bots(self, users: Collection[str]) -> list[Bot]:
        """Return the settings of those of these users that are bots."""

    async def bots_behind(self, after: str, limit: int) -> list[Bot]:
        """Return up to `limit` bots behind `after`, in order of user id."""

    async def bots_with_hooks(self) -> list[Bot]:
        """Return the settings of all bots that have a hook."""

    async def automated(self) -> set[str]:
        """Return all bots and official accounts."""

    async def graph_feeds(self) -> list[GraphFeed]:
        """Return the feeds of the host with their numbers."""

    async def contacts(self, pairs: Collection[tuple[str, str]]) -> list[Contact]:
        """Return the contacts of these (owner, user); those that have none are left out."""

    async def relations(
        self, pairs: Collection[tuple[str, str]], rules: PeopleRules
    ) -> dict[tuple[str, str], Relation]:
        """Return how each viewer stands to each owner, by (viewer, owner)."""

    async def room_relations(
        self, rooms: Collection[tuple[int, tuple[str, str] | None]], rules: PeopleRules
    ) -> dict[int, RoomRelations]:
        """Return the people of rooms by number; with each number its two users if it is a direct room."""

    async def pending_contacts(self, users: Collection[str]) -> list[tuple[str, str]]:
        """Return the contacts (owner, user) of these users in which a friend request waits, of either side."""

    async def tallies(self, users: Collection[str], strangers: int) -> dict[str, Tally]:
        """Return the tallies of these users, each with up to `strangers` of the oldest requests by strangers."""

    async def introductions(
        self, asked: Collection[tuple[str, str, str]], small_group_members: int
    ) -> dict[tuple[str, str], Introduction]:
        """Return by (asker, user) what the two have in common, for (asker, user, name of a room or "").

        Groups of up to `small_group_members` count as something in common.
        """

    @property
    def moderation(self) -> ModerationStore:
        """The reports."""

    async def account_rows(self, rows: Collection[tuple[str, str]]) -> list[ChangedRow]:
        """Return the rows of the section `account` with these (user, name), also tombstones."""

    async def section_rows(self, rows: Collection[tuple[str, str, str]]) -> list[ChangedRow]:
        """Return the rows of joins, drafts, scheduled with these (user, section, name), also tombstones."""

    async def rows_of_section(self, users: Collection[str], section: str) -> list[ChangedRow]:
        """Return the rows of these users in joins, drafts or scheduled that are no tombstones."""

    async def read(self, read: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `read(connection, ...)` as of one commit, in a thread: for chapters with statements of their own."""


class RoomViews(CommentViews, DiscoveryViews, SearchViews, InboxViews, MemberViews, Commits, Protocol):
    """The rooms as members are shown them: committed state only."""

    async def memberships(self, user: str, *, everything: bool = True) -> Sequence[Membership]:
        """Return all rooms of which `user` is a member; without `everything` those that are in their list."""

    async def hello(self, device: str, query: SyncQuery) -> HelloRows:
        """Return the account of `query.user`, their `device`, all their rooms and the first page, as of one commit."""

    async def sync(self, query: SyncQuery) -> SyncRows:
        """Return one page of room summaries: pinned rooms first, then the latest message first."""

    async def log(self, room: int, low: int, high: int, limit: int, page_bytes: int) -> EventPage:
        """Return all events of low..high."""

    async def history(
        self, room: int, low: int, high: int, limit: int, page_bytes: int, *, newest: bool
    ) -> MessagePage:
        """Return up to `limit` messages of low..high, from its newest or from its oldest end."""

    async def changes(self, room: int, low: int, high: int, since: int, page_bytes: int) -> EventPage:
        """Return the messages of low..high that changed after `since`; `next` is the `low` to continue with."""

    async def messages(self, room: int, seqs: Sequence[int], page_bytes: int) -> list[bytes]:
        """Return the messages among these numbers, ascending."""

    async def mine(self, room: int, user: str, seqs: Collection[int]) -> dict[int, list[str]]:
        """Return the reactions of `user` on these messages."""


class UserStore(FileViews, Protocol):
    """Accounts and devices, and which users share rooms."""

    async def account(self, user: str) -> Account | None: ...

    async def device(self, user: str, device: str) -> DeviceSeen | None: ...

    async def devices(self, user: str) -> list[DeviceSeen]:
        """Return the listed devices of `user`, in order of their ids."""

    async def user_push(self, user: str, now_ms: int, members_all: int) -> UserPush:
        """Return what is kept of a user for push. `members_all`: above it, a group alerts who is named."""

    async def card_views(self, viewer: str, users: Sequence[str], small: int | None = None) -> list[CardView]:
        """Return the cards of `users`, in their order; with `small`, the size of small groups, what pages need, too."""

    async def view_of_handle(self, viewer: str, handle: str, small: int) -> CardView:
        """Return the card of the user with this handle, an empty one after the same work when nobody has it."""

    async def changed_cards(self, owner: str, since: int, after: str, limit: int) -> CardPage:
        """Return the plates of mutual contacts of `owner` whose cards changed after commit `since`."""

    async def shut_out(self, owner: str, viewers: Collection[str]) -> set[str]:
        """Return those of `viewers` whom `owner` blocks; all of them when the account is closed or unknown."""

    async def accounts(self, after: str, limit: int, prefix: str = "") -> list[Account]:
        """Return up to `limit` accounts behind `after`, in order of user id; `prefix`: those whose ids begin so."""

    async def restricted(self, now_ms: int, after: str, limit: int) -> list[Account]:
        """Return up to `limit` accounts behind `after` with a restriction in force, in order of user id."""

    async def user_rooms(self, user: str, after: int, limit: int) -> list[UserRoom]:
        """Return up to `limit` rooms of `user` behind room number `after`, the oldest first."""

    async def host_room(self, name: str) -> HostRoom | None:
        """Return a room as the host sees it; None when there is none, or it was deleted."""

    async def audit(self, target: str, below: int, limit: int, acted_as: str = "") -> list[Audit]:
        """Return up to `limit` entries below number `below`, the newest first; of one target, and in the place of one
        user, unless these are empty.
        """

    async def last_seen(self, users: Collection[str]) -> dict[str, int]:
        """Return the latest `last_seen` of any device of each of these users, in Unix milliseconds."""

    async def watchable(
        self, user: str, others: Collection[str], *, answered: bool, people: PeopleRules | None = None
    ) -> set[str]:
        """Return those of `others` who share a room with `user`, if both show their presence.

        With `answered`, a direct room counts only when both have written in it. With `people`, those instead who let
        `user` see their presence, and whom `user` lets see theirs.
        """


class JobStore(FileRounds, Protocol):
    """The rows that jobs look for."""

    @property
    def moderation(self) -> ModerationStore:
        """The reports."""

    async def unlisted(self, before: int, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` devices (user, device) that are unlisted and were revoked before this time (Unix ms)."""

    async def oldest_audit(self) -> int:
        """Return the time of the oldest entry of the audit, in Unix milliseconds; 0 when there is none."""

    async def excess_requests(self, user: str, rules: PeopleRules) -> list[str]:
        """Return the rooms in which `user` was asked beyond `rules.message_requests_max`.

        First those of people with whom they share neither a friend nor a small group, then the oldest.
        """

    async def compactable(self, before_ms: int, keep: int, limit: int) -> list[tuple[str, int]]:
        """Return up to `limit` rooms (name, floor): what is below is older than `before_ms` and the last `keep`."""

    async def rooms_listing_due(self, limit: int) -> list[str]:
        """Return up to `limit` rooms that were listed before there was a directory, and are not in it yet."""

    async def due_contacts(self, now: int, limit: int) -> list[tuple[str, str]]:
        """Return up to `limit` contacts (owner, user) of which something has run out by this time (Unix ms)."""


class Store(CommitStore, DecisionStore, RoomViews, UserStore, GraphStore, WebhookStore, JobStore, Protocol):
    """The whole store, for the code that puts the daemon together; all other code needs one of its parts.

    Bounds of ranges are inclusive unless said otherwise. A commit that has begun finishes even when its caller is
    cancelled. Room numbers are the store's keys, room names the public ones. `files`: those beside it that hold
    something of a person. `push` is opened when push is switched on.
    """

    troubles: Troubles
    files: PersonFiles
    feed: FeedStore
    push: PushStore
    scheduled: ScheduledStore

    async def probe(self) -> None:
        """Read something; raise Unavailable when nothing can be read."""

    def watch(self) -> None:
        """Report faults of the disk that no request has met yet."""

    async def close(self) -> None:
        """Close the store; idempotent."""


class KeyTaken(Exception):
    """A commit met an idempotency key that is already stored; nothing was written."""
