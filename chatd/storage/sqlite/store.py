"""The `Store` on SQLite: one connection that writes, a few that read. Each method runs one function in a thread."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from chatd.config.model import Storage
from chatd.core.bots import Bot
from chatd.core.card_view import CardPage, CardView
from chatd.core.contacts import Contact, Tally
from chatd.core.friends import Introduction
from chatd.core.graph import GraphFeed
from chatd.core.privacy import Relation, RoomRelations
from chatd.core.profiles import Cards
from chatd.core.read_set import Counted, KeyedEvent, PeopleRules, UnreadSpan
from chatd.core.room import Room
from chatd.core.room_summary import Membership
from chatd.core.sections import ChangedRow
from chatd.core.sync_query import SyncQuery
from chatd.core.users import Account, DeviceSeen
from chatd.core.webhooks import Consumer, Parked
from chatd.core.write_set import WriteSet
from chatd.protocol.messages import Event
from chatd.storage.interface import Store
from chatd.storage.sqlite import bots as bots_rows
from chatd.storage.sqlite import (
    card_views,
    compaction,
    graph,
    history,
    privacy,
    read_set,
    section_rows,
    sections,
    sync,
    webhooks,
)
from chatd.storage.sqlite import contacts as contacts_rows
from chatd.storage.sqlite import profiles as profiles_rows
from chatd.storage.sqlite import push as push_rows
from chatd.storage.sqlite import users as users_rows
from chatd.storage.sqlite.api_reads import ApiReads
from chatd.storage.sqlite.channels import ChannelRows
from chatd.storage.sqlite.chapters import Chapter, built_in
from chatd.storage.sqlite.comments import CommentReads
from chatd.storage.sqlite.connection import open_writer
from chatd.storage.sqlite.directory import Directory, Lock, rewrite
from chatd.storage.sqlite.discovery import DiscoveryReads
from chatd.storage.sqlite.erasures import of_persons
from chatd.storage.sqlite.errors import opening
from chatd.storage.sqlite.feed_rows import FeedRow, FeedRows
from chatd.storage.sqlite.files import FileRows
from chatd.storage.sqlite.graph import GraphReads
from chatd.storage.sqlite.hello import hello
from chatd.storage.sqlite.history import Cut, Span
from chatd.storage.sqlite.inbox import InboxReads
from chatd.storage.sqlite.joining import JoiningRows
from chatd.storage.sqlite.media_reads import FileReads
from chatd.storage.sqlite.media_rows import FileRounds
from chatd.storage.sqlite.member_reads import MemberReads
from chatd.storage.sqlite.meta import mark_closed, stamp_of
from chatd.storage.sqlite.moderation import Reports
from chatd.storage.sqlite.push_store import PushReads
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.sqlite.room_rows import memberships
from chatd.storage.sqlite.scheduled import ScheduledRows
from chatd.storage.sqlite.search import SearchReads
from chatd.storage.sqlite.startup import make_ready, take_over
from chatd.storage.sqlite.write_set import batch_of
from chatd.storage.sqlite.writer import Writer
from chatd.storage.views import (
    EventPage,
    HelloRows,
    MessagePage,
    People,
    SyncRows,
    UserPush,
)
from chatd.telemetry.troubles import Troubles

P = ParamSpec("P")
T = TypeVar("T")


class StoreEnv(Protocol):
    """The part of `Env` that a store needs."""

    def random_bytes(self, count: int) -> bytes: ...

    def monotonic(self) -> float: ...


class SqliteStore(
    ApiReads,
    CommentReads,
    DiscoveryReads,
    FileReads,
    FileRounds,
    GraphReads,
    InboxReads,
    MemberReads,
    SearchReads,
    Store,
):
    """The store in one SQLite file, made by `open`. The contract of every method is in storage/interface.py."""

    def __init__(
        self,
        lock: Lock,
        writer: Writer,
        readers: ReadPool,
        troubles: Troubles,
        found: tuple[str, int],
        chapter: Chapter,
    ) -> None:
        self._lock = lock
        self._writer = writer
        self._read_pool = readers
        self.troubles = troubles
        self.feed = FeedRows(readers, found[0])
        self.file_rows, self.joining = FileRows(readers), JoiningRows(readers)
        self.channels = ChannelRows(readers)
        self.scheduled = ScheduledRows(readers)
        self.push = PushReads(Directory(lock.directory).database, troubles)
        self._writes = {**chapter.writers(), FeedRow: self.feed.add}
        self._section_tables = chapter.sections
        self.erasures, self.files = of_persons(lock.directory, readers, writer, chapter.kept)
        self._epoch, self._last_room = found

    @classmethod
    async def open(cls, config: Storage, env: StoreEnv, chapter: Chapter | None = None) -> "SqliteStore":
        """Open the database in `config.directory`; make it when the directory is new.

        `chapter`: all records and tables, those of this package unless given. Raises StoreError with reason and remedy
        when the file cannot be used; it is never repaired.
        """
        directory = Directory(config.directory)
        directory.prepare()
        lock = Lock.take(directory)
        try:
            # In a thread: checking a large database takes minutes, and signals have to be handled meanwhile.
            chapter = chapter or built_in()
            await asyncio.to_thread(make_ready, directory, env.random_bytes, chapter.migrations)
            troubles = Troubles(env.monotonic, logging.getLogger("chatd.storage").warning)
            return await cls._start(config, directory, lock, troubles, chapter)
        except BaseException:
            lock.release()
            raise

    @classmethod
    async def _start(
        cls, config: Storage, directory: Directory, lock: Lock, troubles: Troubles, chapter: Chapter
    ) -> "SqliteStore":
        path = directory.database
        with opening(path):
            rewrite(directory.wal)
            connection = await open_writer(path)
            try:
                epoch, stamp, last_room = await connection.run(take_over, path, chapter.migrations)
                readers = await ReadPool.open(path, config.readers, troubles)
            except BaseException:
                await connection.close()
                raise
        writer = Writer(path, connection, stamp, config.min_free_bytes, troubles)
        return cls(lock, writer, readers, troubles, (epoch, last_room), chapter)

    @property
    def epoch(self) -> str:
        return self._epoch

    @property
    def stamp(self) -> int:
        return self._writer.stamp

    async def close(self) -> None:
        """Close the readers, then the writer, which checkpoints the write-ahead log; idempotent."""
        try:
            await self.push.close()
            await self._read_pool.close()
            await self._writer.close(mark_closed)
        finally:
            self._lock.release()

    async def probe(self) -> None:
        await self._read_pool.run(stamp_of)

    def watch(self) -> None:
        self._writer.watch()

    @property
    def moderation(self) -> Reports:
        return Reports(self._read_pool)

    # DecisionStore

    async def load_rooms(self, names: Collection[str]) -> dict[str, Room]:
        return await self._read_pool.run(read_set.load_rooms, names)

    async def placed(self, asked: Collection[tuple[str, str, bool]]) -> set[tuple[str, str, bool]]:
        return await self._read_pool.run(read_set.placed, asked)

    async def rooms_of_pairs(self, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        return await self._read_pool.run(read_set.rooms_of_pairs, pairs)

    async def room_of_key(self, creator: str, key: str) -> str | None:
        return await self._read_pool.run(read_set.room_of_key, creator, key)

    async def keyed(self, keys: Collection[tuple[int, str, str]]) -> dict[tuple[int, str, str], KeyedEvent]:
        return await self._read_pool.run(read_set.keyed, keys)

    async def messages_at(self, keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], Event]:
        return await self._read_pool.run(read_set.messages_at, keys)

    async def reactions_set(
        self, asked: Collection[tuple[int, int, str, str]]
    ) -> set[tuple[int, int, str, str]]:
        return await self._read_pool.run(read_set.reactions_set, asked)

    async def counted(self, spans: Collection[UnreadSpan]) -> dict[UnreadSpan, Counted]:
        return await self._read_pool.run(read_set.counted, spans)

    async def next_room_number(self) -> int:
        self._last_room += 1
        return self._last_room

    async def account(self, user: str) -> Account | None:
        return await self._read_pool.run(read_set.account, user)

    async def people(
        self, users: Collection[str], devices: Collection[tuple[str, str]], arriving: Collection[str] = ()
    ) -> People:
        return await self._read_pool.run(read_set.people, users, devices, arriving)

    async def device(self, user: str, device: str) -> DeviceSeen | None:
        return await self._read_pool.run(read_set.device, user, device)

    async def bots(self, users: Collection[str]) -> list[Bot]:
        return await self._read_pool.run(bots_rows.bots, users)

    async def bots_behind(self, after: str, limit: int) -> list[Bot]:
        return await self._read_pool.run(bots_rows.behind, after, limit)

    async def bots_with_hooks(self) -> list[Bot]:
        return await self._read_pool.run(bots_rows.with_hooks)

    async def automated(self) -> set[str]:
        return await self._read_pool.run(bots_rows.automated)

    async def graph_feeds(self) -> list[GraphFeed]:
        return await self._read_pool.run(graph.feeds)

    async def contacts(self, pairs: Collection[tuple[str, str]]) -> list[Contact]:
        return await self._read_pool.run(contacts_rows.contacts, pairs)

    async def relations(
        self, pairs: Collection[tuple[str, str]], rules: PeopleRules
    ) -> dict[tuple[str, str], Relation]:
        return await self._read_pool.run(privacy.relations, pairs, rules)

    async def room_relations(
        self, rooms: Collection[tuple[int, tuple[str, str] | None]], rules: PeopleRules
    ) -> dict[int, RoomRelations]:
        return await self._read_pool.run(privacy.room_relations, rooms, rules)

    async def pending_contacts(self, users: Collection[str]) -> list[tuple[str, str]]:
        return await self._read_pool.run(contacts_rows.pending, users)

    async def tallies(self, users: Collection[str], strangers: int) -> dict[str, Tally]:
        return await self._read_pool.run(contacts_rows.tallies, users, strangers)

    async def introductions(
        self, asked: Collection[tuple[str, str, str]], small_group_members: int
    ) -> dict[tuple[str, str], Introduction]:
        return await self._read_pool.run(contacts_rows.introductions, asked, small_group_members)

    async def account_rows(self, rows: Collection[tuple[str, str]]) -> list[ChangedRow]:
        return await self._read_pool.run(sections.account_rows, rows)

    async def section_rows(self, rows: Collection[tuple[str, str, str]]) -> list[ChangedRow]:
        return await self._read_pool.run(section_rows.section_rows, rows)

    async def rows_of_section(self, users: Collection[str], section: str) -> list[ChangedRow]:
        return await self._read_pool.run(section_rows.rows_of_section, users, section)

    async def read(self, read: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._read_pool.run(read, *args, **kwargs)

    # CommitStore

    async def commit(self, writes: WriteSet) -> None:
        await self._writer.commit(batch_of(writes, self._writes))
        if writes.feed:
            self.feed.on_commit()

    # RoomViews, UserStore, JobStore

    async def memberships(self, user: str, *, everything: bool = True) -> Sequence[Membership]:
        return await self._read_pool.run(memberships, user, everything)

    async def hello(self, device: str, query: SyncQuery) -> HelloRows:
        return await self._read_pool.run(hello, device, query, self._section_tables)

    async def sync(self, query: SyncQuery) -> SyncRows:
        return await self._read_pool.run(sync.sync, query, self._section_tables)

    async def log(self, room: int, low: int, high: int, limit: int, page_bytes: int) -> EventPage:
        return await self._read_pool.run(history.log, Span(room, low, high), Cut(limit, page_bytes))

    async def history(
        self, room: int, low: int, high: int, limit: int, page_bytes: int, *, newest: bool
    ) -> MessagePage:
        return await self._read_pool.run(
            history.history, Span(room, low, high), Cut(limit, page_bytes), newest
        )

    async def changes(self, room: int, low: int, high: int, since: int, page_bytes: int) -> EventPage:
        return await self._read_pool.run(history.changes, Span(room, low, high), since, page_bytes)

    async def messages(self, room: int, seqs: Sequence[int], page_bytes: int) -> list[bytes]:
        return await self._read_pool.run(history.messages, room, seqs, page_bytes)

    async def mine(self, room: int, user: str, seqs: Collection[int]) -> dict[int, list[str]]:
        return await self._read_pool.run(history.mine, room, user, seqs)

    async def watchable(
        self, user: str, others: Collection[str], *, answered: bool, people: PeopleRules | None = None
    ) -> set[str]:
        if people is not None:
            return await self._read_pool.run(privacy.watchable, user, others, people)
        return await self._read_pool.run(users_rows.watchable, user, others, answered)

    async def card_views(self, viewer: str, users: Sequence[str], small: int | None = None) -> list[CardView]:
        return await self._read_pool.run(card_views.card_views, viewer, users, small)

    async def view_of_handle(self, viewer: str, handle: str, small: int) -> CardView:
        return await self._read_pool.run(card_views.view_of_handle, viewer, handle, small)

    async def changed_cards(self, owner: str, since: int, after: str, limit: int) -> CardPage:
        return await self._read_pool.run(card_views.changed_cards, owner, since, after, limit)

    async def shut_out(self, owner: str, viewers: Collection[str]) -> set[str]:
        return await self._read_pool.run(card_views.shut_out, owner, viewers)

    async def devices(self, user: str) -> list[DeviceSeen]:
        return await self._read_pool.run(users_rows.devices, user)

    async def user_push(self, user: str, now_ms: int, members_all: int) -> UserPush:
        return await self._read_pool.run(push_rows.user_push, user, now_ms, members_all)

    async def cards(self, users: Collection[str], handles: Collection[str]) -> Cards:
        return await self._read_pool.run(profiles_rows.cards, users, handles)

    async def listed(self, users: Collection[str]) -> list[DeviceSeen]:
        return await self._read_pool.run(users_rows.listed, users)

    async def unlisted(self, before: int, limit: int) -> list[tuple[str, str]]:
        return await self._read_pool.run(users_rows.unlisted, before, limit)

    async def last_seen(self, users: Collection[str]) -> dict[str, int]:
        return await self._read_pool.run(users_rows.last_seen, users)

    async def accounts(self, after: str, limit: int, prefix: str = "") -> list[Account]:
        return await self._read_pool.run(users_rows.accounts, after, limit, prefix)

    async def restricted(self, now_ms: int, after: str, limit: int) -> list[Account]:
        return await self._read_pool.run(users_rows.restricted, now_ms, after, limit)

    async def excess_requests(self, user: str, rules: PeopleRules) -> list[str]:
        return await self._read_pool.run(privacy.excess_requests, user, rules)

    async def compactable(self, before_ms: int, keep: int, limit: int) -> list[tuple[str, int]]:
        return await self._read_pool.run(compaction.compactable, before_ms, keep, limit)

    async def due_contacts(self, now: int, limit: int) -> list[tuple[str, str]]:
        return await self._read_pool.run(contacts_rows.due, now, limit)

    async def consumers(self) -> list[Consumer]:
        return await self._read_pool.run(webhooks.consumers)

    async def parked(self, consumer: str, limit: int) -> list[Parked]:
        return await self._read_pool.run(webhooks.parked, consumer, limit)

    async def parked_counts(self) -> dict[str, int]:
        return await self._read_pool.run(webhooks.parked_counts)

    async def feed_cursor_at(self, time: int) -> str:
        return await self._read_pool.run(webhooks.cursor_at, self._epoch, time)
