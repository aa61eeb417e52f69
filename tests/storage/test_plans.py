"""The query plans of SQLite: no table is scanned where a room, a user or a position is given."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from chatd.core.write_set import WriteSet
from chatd.storage.sqlite import (
    bots,
    channels,
    commit,
    compaction,
    contacts,
    event_feed,
    feed_rows,
    files,
    graph,
    history,
    joining,
    media_reads,
    media_rows,
    member_reads,
    privacy,
    push,
    push_reading,
    read_set,
    room_rows,
    room_summaries,
    schema,
    section_rows,
    sections,
    sync,
    users,
    webhooks,
)
from chatd.storage.sqlite.connection import open_file
from chatd.storage.sqlite.write_set import batch_of
from tests.kit.history_builder import HistoryBuilder
from tests.kit.memory_writer import group

MODULES: tuple[ModuleType, ...] = (
    bots,
    channels,
    commit,
    contacts,
    event_feed,
    feed_rows,
    files,
    graph,
    read_set,
    compaction,
    history,
    joining,
    media_reads,
    media_rows,
    member_reads,
    users,
    room_rows,
    section_rows,
    sections,
    room_summaries,
    sync,
    privacy,
    push,
    webhooks,
)
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")
WHOLE_TABLES = {
    "joining.ENDED",  # the rooms that were deleted in the last month
    "compaction.LONG_ROOMS",  # upkeep once in a while
    "files.OF_REPORTS",  # the 500 reports that were found by their index
    # What an operator asks for: all of it.
    "media_rows.STORED",
    "media_rows.MISCOUNTED",
    "media_rows.TOTALS",
    "media_rows.KINDS",
    # Deleted channels that somebody still follows: a partial index, empty but for minutes.
    "channels.DELETED",
    "sync.LEFT",
    # At the start, all rows of a small table or index.
    "bots.HOOKS",
    "bots.AUTOMATED",
    # A row for each of a few receivers, and what they refused: rarely anything.
    "webhooks.CONSUMERS",
    "webhooks.COUNTS",
    "webhooks.SET_ASIDE",
    # A digest on demand, and the few feeds.
    "graph.FRIENDS",
    "graph.FOLLOWS",
    "graph.BLOCKS",
    "graph.FEEDS",
}
OF_SOME_ROWS = {  # what must not walk the rows that the others want
    "room_rows.MEMBERSHIP_ROWS": "members_of_user",
    "media_rows.DUE": "files_due",
    "media_rows.FREE": "objects_free",
    "users.ACQUAINTANCES": "members_of_user",
    "sync.LISTED": "members_of_user",
    "sync.MOVED": "members_of_user",
    "sync.GONE": "members_gone",
    "sync.NOT_SHOWN": "members_requests",
    "sync.EMPTY": "members_unlisted",
    "privacy.REQUESTS": "members_requests",
    "privacy.BLOCKS_INSIDE": "contacts_blocked",
    "users.UNLISTED": "devices_unlisted",
    "sections.WALK": "account_rows_news",
    "sections.FORGET": "account_rows_tombstones",
    "section_rows.WALK": "section_rows_news",
    "section_rows.FORGET": "section_rows_tombstones",
    "contacts.FORGET": "contacts_tombstones",
    "contacts.OF_STAMP": "contacts_news",
    "contacts.LATER": "contacts_news",
    "contacts.STATES": "contacts_states",
    "contacts.PENDING": "contacts_states",
    "contacts.STRANGERS": "contacts_inbox",
    "contacts.DUE": "contacts_expiry",
    "contacts.FOLLOWING": "contacts_followed",
    "contacts.BLOCKED": "contacts_blocked",
    "sync.FRIEND_REQUESTS": "contacts_inbox",
    "graph.FRIENDS": "COVERING INDEX contacts_states",
    "graph.FOLLOWS": "contacts_followed",
    "graph.BLOCKS": "contacts_blocked",
    "graph.FRIENDS_OF": "contacts_states",
    "graph.FOLLOWS_OF": "contacts_followed",
    "graph.BLOCKS_OF": "contacts_blocked",
    "graph.OWNERS": "COVERING INDEX",
    "graph.CONTACTS_OF": "contacts_pair",
    "bots.AUTOMATED": "users_automated",
    "push.TAKE": "push_tokens_digest",
    "push.RELOCATE": "push_tokens_digest",
    "push.BADGES": "members_of_user",
    "push.FORGET_ALERTS": "push_alerts_stamp",
    # Of a channel with a million followers.
    "read_set.STAFF": "members_staff",
    "member_reads.MEMBERS.staff": "members_staff",
    "member_reads.BANNED": "members_banned",
    "member_reads.BANNED_COUNT": "members_banned",
    "sync.LEFT": "rooms_left",
}


def statements_of(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield the values of a module by name, and those that only its maps have, by name and key."""
    for name, value in vars(module).items():
        yield name, value
        if isinstance(value, dict):
            others = ((key, text) for key, text in value.items() if text not in vars(module).values())
            yield from ((f"{name}.{key}", text) for key, text in others)


SMALL = ("VIRTUAL TABLE", "subquery", "CONSTANT ROW")  # a list in a parameter; rows that were limited before
STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": text
    for module in MODULES
    for name, text in statements_of(module)
    if isinstance(text, str) and text.split()[:1] and text.split()[0] in VERBS and "{" not in text
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("plans") / "chatd.sqlite"
    with closing(open_file(path, mode="rwc")) as connection:
        schema.up(connection, schema.shipped(), path)
        yield connection


def plan(connection: sqlite3.Connection, text: str) -> list[str]:
    names = re.findall(r":(\w+)", text)
    values = dict.fromkeys(names, 0) if names else (0,) * text.count("?")
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]


def test_the_statements_are_found() -> None:
    assert len(STATEMENTS) > 30


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_scans_a_table(database: sqlite3.Connection, name: str) -> None:
    steps = plan(database, STATEMENTS[name])
    scans = [step for step in steps if step.startswith("SCAN") and not any(word in step for word in SMALL)]
    assert scans == [] or name in WHOLE_TABLES, steps


@pytest.mark.parametrize(("name", "index"), OF_SOME_ROWS.items())
def test_members_who_are_gone_are_passed_by(database: sqlite3.Connection, name: str, index: str) -> None:
    assert any(index in step for step in plan(database, STATEMENTS[name])), plan(database, STATEMENTS[name])


def test_who_asked_for_everything_is_found_among_thousands(database: sqlite3.Connection) -> None:
    assert any("members_notify_all" in step for step in plan(database, push_reading.OF_LARGE_ROOM))


def test_reading_a_room_in_order_never_sorts(database: sqlite3.Connection) -> None:
    for name in ("history.LOG", "history.NEWEST", "history.OLDEST", "room_summaries.NEWEST"):
        assert not any("TEMP B-TREE" in step for step in plan(database, STATEMENTS[name])), name
    for name in ("member_reads.MEMBERS.all", "member_reads.READERS"):
        assert not any("TEMP B-TREE" in step for step in plan(database, STATEMENTS[name])), name


def test_what_a_message_changes_of_a_room_is_in_no_index(database: sqlite3.Connection) -> None:
    room, writes = group(ann="owner", bob="member"), WriteSet(now=1, stamp=1)
    HistoryBuilder(None).say(writes, room, "ann")  # type: ignore[arg-type]
    statements: list[str] = []
    database.set_trace_callback(statements.append)
    commit.commit(database, batch_of(writes))
    database.set_trace_callback(None)
    changes = [text for text in statements if text.lstrip().startswith("UPDATE rooms")]
    opened = [row[1] for text in changes for row in database.execute(f"EXPLAIN {text}")]
    assert opened.count("OpenWrite") == 1
