"""The personal part of the database is known table by table, handed out whole, and taken away."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatd.config.people import Bounds
from chatd.core.accounts import Amend, RecordDevice, Revoke
from chatd.core.erasure_steps import Erase
from chatd.core.friends import Befriend
from chatd.core.sync_query import SyncQuery
from chatd.core.users import Account
from chatd.protocol.codec import decode_tree
from chatd.protocol.drafts import Draft, DraftBody, Schedule
from chatd.protocol.friends import CircleSet, ContactSet, FriendRequest
from chatd.protocol.groups import Policy
from chatd.protocol.joining import InvitesCreate, InvitesUse
from chatd.protocol.media import Place
from chatd.protocol.members import MembersAdd, RoomJoin
from chatd.protocol.messages import React, Send, SentAttachment, SentBody
from chatd.protocol.privacy import Audience, PrivacySet
from chatd.protocol.rooms import Preferences, RoomCreate, RoomDirect
from chatd.protocol.users import ProfileSet
from chatd.server.capability import Capability, combined
from chatd.storage.sqlite import schema
from chatd.storage.sqlite.connection import open_file
from chatd.storage.sqlite.erasure import TABLES, count_left, export
from chatd.storage.sqlite.startup import inspect
from tests.kit.adapters import sqlite
from tests.kit.bookmarks import BOOKMARKS
from tests.kit.files import Files
from tests.kit.inprocess import device_of, in_process, new_key
from tests.kit.notes import NOTES
from tests.kit.random_workload import SECTIONS

USER_COLUMNS = {
    "ignored",
    "user",
    "reporter",
    "owner",
    "creator",
    "deleted_by",
    "a",
    "b",
    "mentions",
    "target",
    "entries",
    "author",
    "acted_as",
    "holder",
    "account",
    "bot",
    "by",
}
NUMBERS = {("members", "mentions"), ("events", "target")}  # called like one, and hold none
OPEN = Bounds(default="everyone")
SETTINGS = SECTIONS | {
    "people": {"enabled": True, "privacy": {"add": OPEN, "write": OPEN}},
    "media": {"enabled": True},
}
ALL = {"recall": 1, "drop_reports": 1}
ANN = "ann-of-whom-all-is-kept"


def columns(connection: sqlite3.Connection) -> dict[str, list[str]]:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    info = "SELECT name FROM pragma_table_info(?)"
    return {table: [name for (name,) in connection.execute(info, (table,))] for (table,) in tables}


@pytest.mark.parametrize("capabilities", [[], [BOOKMARKS, NOTES]])
def test_every_table_says_what_it_keeps_of_a_person(tmp_path: Path, capabilities: list[Capability]) -> None:
    chapter = combined(capabilities).sqlite
    with closing(open_file(tmp_path / "x", mode="rwc")) as connection:
        schema.up(connection, chapter.migrations, tmp_path)
        found = columns(connection)
    assert found.keys() == chapter.kept.keys()
    for table, kept in chapter.kept.items():
        named = [name for name in found[table] if name in USER_COLUMNS and (table, name) not in NUMBERS]
        assert sorted(kept.users) == sorted(named), table
        assert (kept.export and kept.left) or kept.why, (
            f"{table}: neither an eraser, an exporter nor a reason"
        )
        assert kept.left or not kept.erase, f"{table}: an erasure does not know when it is done"


async def uploads(files: Files, room: str) -> None:
    """ann has a file in a message, one that bob forwarded, a cover, a wallpaper, and two that they have not sent."""
    name = "Ann Miller.pdf"
    sent = await files.ready(ANN, name=name)
    message = SentBody(attachments=[SentAttachment(f"media:{sent}", "x/x")])
    sent_at = await files.ask(Send(room=room, key=new_key(), body=message), ANN)
    forward = SentAttachment(f"media:{sent}", "x/x", name="a.pdf", from_=Place(room, sent_at.seq))
    await files.ask(Send(room=room, key=new_key(), body=SentBody(attachments=[forward])), "bob")
    cover = await files.ready(ANN, "picture", purpose="cover", name=name)
    await files.ask(ProfileSet(cover=f"media:{cover}"), ANN)
    wallpaper = await files.ready(ANN, "picture", purpose="wallpaper", name=name)
    await files.ask(Preferences(room=room, wallpaper=f"media:{wallpaper}"), ANN)
    await files.ready(ANN, name=name)
    await files.begin(ANN, name=name)
    await files.check()


async def enters(submit_and_wait: Any, room: str) -> None:
    """ann asks to join a group, makes an invite to hers by which ivy asks, and offers hers to uma."""
    rules = Policy(join="request")
    other = RoomCreate(key=new_key(), kind="group", title="Chess", policy=rules)
    chess = (await submit_and_wait("hal", other)).summary.room
    await submit_and_wait(ANN, RoomJoin(room=chess, key=new_key(), text="Ann Miller here"))
    made = await submit_and_wait(
        ANN, InvitesCreate(room=room, key=new_key(), approve=True, label="Ann Miller")
    )
    await submit_and_wait("ivy", InvitesUse(invite=made.invite.invite, key=new_key()))
    nobody = PrivacySet(rules={"add": Audience("friends")})
    await submit_and_wait("uma", nobody)
    await submit_and_wait(ANN, MembersAdd(room=room, key=new_key(), users=["uma"]))


async def unsent(files: Files, room: str) -> None:
    """ann has typed something, and something else with a file is to be sent later."""
    await files.ask(Draft(room=room, key=new_key(), body=DraftBody(text="I, Ann Miller")), ANN)
    held = SentAttachment(f"media:{await files.ready(ANN, name='Ann Miller.pdf')}", "x/x")
    body = SentBody(text="Ann Miller's birthday", attachments=[held])
    at = files.server.env.now_ms() + 1000
    await files.ask(Schedule(room=room, key=new_key(), at=at, body=body), ANN)


async def lives(directory: Path) -> None:
    """ann leaves something in every table, others little in some."""
    async with in_process(directory, **SETTINGS) as server:
        submit_and_wait = server.app.writer.submit_and_wait
        await submit_and_wait(ANN, Amend(name="Ann Miller", avatar="a.png", password="$argon2id$x"))
        await submit_and_wait(ANN, ProfileSet(handle="ann.miller", bio="Ann Miller lives here"))
        await submit_and_wait("bob", Amend(name="Bob"))
        for number in (1, 2):
            await submit_and_wait(ANN, RecordDevice(device_of(number), app="app", os="os"))
        await submit_and_wait(ANN, Revoke(device_of(2)))
        others = ["bob", "eve", "joe", "kim", "lee"]
        for other in others:
            await submit_and_wait(ANN, Befriend(other))
        await submit_and_wait(ANN, CircleSet(name="Ann Miller's kin"))
        await submit_and_wait(ANN, ContactSet(user="bob", remark="Ann Miller's son", circles=[1]))
        await submit_and_wait("bob", ContactSet(user=ANN, remark="Ann Miller, mother"))
        await submit_and_wait(ANN, FriendRequest(user="ned", note="I am Ann Miller"))
        await submit_and_wait("zoe", FriendRequest(user=ANN))
        made = await submit_and_wait(ANN, RoomCreate(key=new_key(), kind="group", title="Tea", users=others))
        room = made.summary.room
        await submit_and_wait("eve", ContactSet(user=ANN, blocked=True))
        await submit_and_wait(ANN, ContactSet(user="lee", blocked=True))
        await submit_and_wait(ANN, RoomDirect(user="bob"))
        body = SentBody(text="hello", mentions=[ANN])
        await submit_and_wait(ANN, Send(room=room, key=new_key(), body=SentBody(text="secret")))
        await submit_and_wait("bob", Send(room=room, key=new_key(), body=body))
        await submit_and_wait("lee", Send(room=room, key=new_key(), body=body))
        await submit_and_wait(ANN, React(room=room, key=new_key(), target=2, emoji="👍", set=True))
        await submit_and_wait(ANN, Preferences(room=room, pinned=True, muted_until=1))
        await submit_and_wait("bob", Preferences(room=room, pinned=True))
        await submit_and_wait(ANN, Preferences(receipts=False))
        await enters(submit_and_wait, room)
        await uploads(Files(server), room)
        await unsent(Files(server), room)
    with closing(open_file(directory / "chatd.sqlite", mode="rw")) as connection:
        connection.execute(
            "INSERT INTO bots VALUES (?, x'90', x'', 'all', '', 'Ann Miller is a bot')", (ANN,)
        )
        place = (ANN, device_of(1), "alert", "apns", "", "", "secret", b"", b"", b"", 0, "")
        connection.execute(f"INSERT INTO push_tokens VALUES ({', '.join('?' * len(place))})", place)
        alerts = [(1, ANN, "friend", "bob", 9), (1, "bob", "friend", ANN, 9)]
        connection.executemany("INSERT INTO push_alerts VALUES (NULL, ?, ?, ?, ?, ?, 0)", alerts)
        for number, subject, reporter in ((1, "bob", ANN), (2, ANN, "bob")):
            connection.execute("INSERT INTO report_subjects VALUES (?, ?, '', 1)", (number, subject))
            said = ("abuse", "Ann Miller", subject, "", 0, 9, 9, "", "", b"", b"secret")
            row = (number, number, "open", reporter, "key", *said)
            connection.execute(f"INSERT INTO reports VALUES ({', '.join('?' * len(row))})", row)


def naming(connection: sqlite3.Connection, text: str) -> set[tuple[str, str]]:
    """The columns in which a text stands."""
    return {
        (table, name)
        for table, names in columns(connection).items()
        for name in names
        if connection.execute(f"SELECT 1 FROM {table} WHERE instr({name}, ?)", (text,)).fetchone()
    }


async def test_the_columns_that_name_a_user_are_known(directory: Path) -> None:
    await lives(directory)
    with closing(sqlite3.connect(directory / "chatd.sqlite")) as connection:
        found = {(table, name) for table, name in naming(connection, ANN) if name != "blob"}
    # An offer names who makes it, and goes with its row in `joins`.
    found -= {("section_rows", "body")}
    known = {(table, name) for table, kept in TABLES.items() for name in kept.users}
    assert found <= known
    unused = {("erasures", "user"), ("exports", "user"), ("direct", "b"), ("rooms", "deleted_by")}
    unused |= {("audit", "target"), ("audit", "acted_as"), ("events", "ignored"), ("event_feed", "entries")}
    assert known - found <= unused


async def test_all_that_is_kept_of_a_user_is_exported_and_nothing_of_others(directory: Path) -> None:
    await lives(directory)
    with closing(sqlite3.connect(directory / "chatd.sqlite")) as connection:
        rows = list(export(connection, ANN))
    assert Counter(table for table, _ in rows) == {
        "users": 1, "devices": 2, "members": 2, "rooms": 2, "account_rows": 3, "section_rows": 3, "contacts": 7,
        "pages": 1, "events": 2, "reactions": 1, "bots": 1, "reports": 1,
        "push_tokens": 1, "files": 5, "joins": 1, "invites": 1,
    }  # fmt: skip
    texts = [row["event"]["body"].get("text") for table, row in rows if table == "events"]
    assert texts == ["secret", None]
    assert "Bob" not in str(rows)
    assert "argon2" not in str(rows)


def of_others(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    tables = ("users", "devices", "members", "reactions", "unlogged", "account_rows", "pages")
    return {
        table: connection.execute(f"SELECT * FROM {table} WHERE user <> ?", (ANN,)).fetchall()
        for table in tables
    } | {"direct": connection.execute("SELECT * FROM direct").fetchall()}


SECRETS = ("Ann Miller", "ann.miller", "a.png", "argon2", "secret", device_of(1))


@pytest.mark.parametrize("times", [1, 2])
async def test_what_is_kept_of_a_user_is_taken_away(directory: Path, times: int) -> None:
    await lives(directory)
    path = directory / "chatd.sqlite"
    with closing(open_file(path, mode="rw")) as connection:
        before = of_others(connection)
        assert all(count_left(connection, ANN, ALL).values()), "ann has left nothing somewhere"
    async with in_process(directory, **SETTINGS) as server:
        for time in range(times):
            await server.app.writer.submit_and_wait("", Erase(ANN, reports="drop", asked=time + 1))
            await server.app.persons.erasures.carry_out_due()
        (erasure,) = await server.app.store.erasures.of([ANN])
    assert erasure.done
    with closing(open_file(path, mode="rw")) as connection:
        assert not any(count_left(connection, ANN, ALL).values())
        after = of_others(connection)
        # Who leaves a group makes way for another owner.
        assert {name: rows for name, rows in after.items() if name != "members"} == {
            name: rows for name, rows in before.items() if name != "members"
        }
        for text in SECRETS:
            # What bob showed of another is evidence.
            evidence = {("reports", "evidence")} if text == "secret" else set()
            assert naming(connection, text) == evidence
        rows = list(export(connection, ANN))
    assert {table for table, _ in rows} == {
        "users",
        "members",
        "rooms",
        "events",
        "contacts",
        "pages",
        "reports",
    }
    if times == 1:
        erased = {place.place: place.erased for place in erasure.receipt}
        assert (
            erased.items()
            >= {"users": 1, "devices": 2, "events": 2, "files": 6, "held": 3, "contacts": 7}.items()
        )
    inspect(path)
    store = await sqlite(directory)
    account = await store.account(ANN)
    assert isinstance(account, Account)
    assert account.generation > 0, "a revoked token would be good again"
    assert account.disabled
    await store.close()


async def test_others_hear_that_they_have_nothing_of_an_erased_user_any_more(directory: Path) -> None:
    """Also on devices that were up to date; whoever blocks them still does."""
    await lives(directory)
    async with in_process(directory, **SETTINGS) as server:
        store = server.app.store
        stamp = store.stamp
        await server.app.writer.submit_and_wait("", Erase(ANN))
        await server.app.persons.erasures.carry_out_due()
        told = {}
        for user in ("bob", "eve", "ned", "zoe", ANN):
            page = await store.sync(SyncQuery(user=user, since=stamp, limit=10, sections=0b10))
            told[user] = {
                row.name: decode_tree(row.value) if row.value else None for row in page.sections["contacts"]
            }
    gone = {ANN: None}
    assert told.pop(ANN) == dict.fromkeys(("bob", "eve", "joe", "kim", "lee", "ned", "zoe"))
    assert told == {"bob": gone, "eve": {ANN: {"blocked": True}}, "ned": gone, "zoe": gone}
