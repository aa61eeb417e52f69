"""Moving in: everything is there, in order, with nothing unread; a second import changes nothing, cut or whole."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chatd.commands.imports import InRoom, Line, Tally, User, Wrong
from chatd.core.audit import Audit
from chatd.core.erasure_steps import Erase
from chatd.core.imports import ImportRoom, ImportUser, PastMember
from chatd.core.past_messages import PastMessage, Ref, key_of
from chatd.protocol.messages import Body
from chatd.storage.views import FeedQuery
from tests.kit.env import START_MS
from tests.kit.inprocess import InProcessServer, in_process

HOUR = 3_600_000
THEN = START_MS - 1000 * HOUR
# Of a second import there is an entry in the audit, and a number of the commit that holds it.
BESIDE = {"audit", "meta", "sqlite_sequence"}


def group(name: str = "general", *members: str, line: int = 1, **options: Any) -> ImportRoom:
    past = [PastMember(line, user, "member", THEN) for user in members]
    return ImportRoom(line, name, "group", THEN, title=name, joining=past, **options)


def message(name: str, user: str = "ann", hours: int = 1, room: str = "general", **options: Any) -> InRoom:
    """Return message `name`, whose text is its name."""
    options = {"line": 1, "body": Body(text=name), **options}
    return InRoom(room, PastMessage(user=user, key=key_of(name), time=THEN + hours * HOUR, **options))


async def run(server: InProcessServer, *lines: Line) -> Tally:
    return await server.app.host.imports.run(
        lines, lambda target: Audit("socket", "POST /v1/import", target, "r")
    )


async def shown(server: InProcessServer, user: str = "ann") -> list[dict[str, Any]]:
    """Return the messages of the first room of a fresh client."""
    client = await server.connect(user)
    reply = await client.request(type="sync")
    return (await client.request(type="history", room=reply["rooms"][0]["room"], limit=100))["events"]


def reasons(notes: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {reason: (noted.count, noted.first) for reason, noted in notes.items()}


async def entries(server: InProcessServer) -> Sequence[dict[str, Any]]:
    page = await server.app.store.feed.page(FeedQuery("", 100, 1 << 20, frozenset(), 0))
    return [structs.asdict(entry) for entry in page.entries]


# Room numbers and names are drawn, and numbers may be skipped: both are told by the name that the room had elsewhere.
BY_NAME = """
CREATE TEMP TABLE told AS
SELECT room, name, 1000 + row_number() OVER (ORDER BY name) AS told FROM imported_rooms;
UPDATE members SET room = (SELECT told FROM told WHERE told.room = members.room);
UPDATE reactions SET room = (SELECT told FROM told WHERE told.room = reactions.room);
UPDATE events SET position = (SELECT told FROM told WHERE told.room = position >> 32) << 32 | (position & 0xffffffff);
UPDATE rooms
SET name = (SELECT name FROM told WHERE told.room = number), number = (SELECT told FROM told WHERE told.room = number);
UPDATE imported_rooms SET room = (SELECT told FROM told WHERE told.room = imported_rooms.room);
"""


def rows(directory: Path) -> dict[str, Sequence[Any]]:
    """Return all rows of all tables but BESIDE, without the numbers of commits, and with rooms BY_NAME."""
    with (
        closing(sqlite3.connect(directory / "chatd.sqlite")) as file,
        closing(sqlite3.connect(":memory:")) as database,
    ):
        file.backup(database)
        database.executescript(BY_NAME)
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {}
        for name in sorted({*names} - BESIDE):
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({name})") if row[1] != "stamp"]
            found[name] = sorted(map(repr, database.execute(f"SELECT {', '.join(columns)} FROM {name}")))
        return found


async def test_a_fresh_client_sees_everything_as_it_was_with_nothing_unread(server: InProcessServer) -> None:
    tally = await run(
        server,
        User("ann", ImportUser(1, "Ann", "https://a/b.png", created_at=THEN)),
        group("general", "ann", "bob", creator="bob"),
        message("one", "ann", 1),
        message("two", "cat", 2, reply_to=Ref("ann", key_of("one")), edited=THEN + 5 * HOUR),
        message(
            "three", "bob", 3, reactions={"\u2764": ("ann", "dan"), ":yes:": ("ann",), "nonsense": ("bob",)}
        ),
        message("four", "bob", 4, recalled=True),
    )
    assert (tally.users, tally.rooms, tally.members, tally.messages) == (1, 1, 2, 4)
    assert reasons(tally.mended) == {"reaction_unknown": (1, 1)}
    client = await server.connect("ann")
    reply = await client.request(type="sync")
    (room,) = reply["rooms"]
    assert (room["title"], room.get("unread", 0), room["time"]) == ("general", 0, THEN + 4 * HOUR)
    events = (await client.request(type="history", room=room["room"]))["events"]
    assert [one["time"] for one in events] == [THEN + hours * HOUR for hours in (1, 2, 3, 4)]
    one, two, three, four = events
    assert [event.get("ordinal") for event in events] == [None] * 4
    assert (two["body"]["reply_to"], two["edited"], two["user"]) == (one["seq"], THEN + 5 * HOUR, "cat")
    assert three["reactions"] == [{"emoji": "\u2764\ufe0f", "count": 2}, {"emoji": ":yes:", "count": 1}]
    assert sorted(three["mine"]) == [":yes:", "\u2764\ufe0f"]
    assert (four["recalled"], "body" in four) == (True, False)
    # What comes now is unread as ever.
    bob = await server.connect("bob")
    await bob.send(room["room"], "live")
    assert (await client.request(type="room.get", room=room["room"]))["summary"]["unread"] == 1


async def test_who_wrote_and_left_is_found_when_they_are_erased_and_does_not_come_back(
    tmp_path: Path,
) -> None:
    lines = (
        group("general", "ann"),
        message("mine", "gone"),
        message("theirs", "ann", 2, reactions={":yes:": ("gone",)}),
    )
    async with in_process(tmp_path) as server:
        await run(server, *lines)
        (place,) = await server.app.store.erasures.rooms("gone", 0, 10)
        assert await server.app.store.erasures.events(place[0], "gone")
        assert await server.app.store.erasures.reactions(place[0], "gone", 10)
        await server.app.writer.submit_and_wait("", Erase("gone"))
        again = await run(server, *lines, message("more", "gone", 3, line=7), User("gone", ImportUser(8)))
        assert reasons(again.left_out) == {"erased": (2, 7)}


async def test_times_go_up_and_end_now_and_the_first_line_is_told(server: InProcessServer) -> None:
    tally = await run(
        server,
        group("general", "ann"),
        message("a", hours=5, line=2),
        message("b", hours=4, line=3),
        message("c", hours=3, line=4),
        message("d", hours=10_000, line=5),
    )
    assert reasons(tally.mended) == {"time_backwards": (2, 3), "time_ahead": (1, 5)}
    times = [one["time"] for one in await shown(server)]
    assert times == [THEN + 5 * HOUR] * 3 + [server.env.now_ms()]


async def test_what_does_not_fit_is_cut_or_left_out(server: InProcessServer) -> None:
    limit = server.config.limits.body_bytes
    tally = await run(
        server,
        Wrong(1, "invalid", "no user"),
        group("general", "ann", line=2),
        message("long", line=3, body=Body(text="\u00e9" * limit)),
        message("large", line=4, body=Body(text="x", data=b"x" * limit)),
        message("empty", line=5, body=Body()),
        message("where", line=6, room="nowhere"),
        message("what", line=7, reply_to=Ref("ann", key_of("unknown"))),
        ImportRoom(8, "alone", "direct", THEN, joining=[PastMember(8, "ann", "member", THEN)]),
    )
    assert reasons(tally.left_out) == {
        "invalid": (1, 1), "body_too_large": (1, 4), "body_empty": (1, 5), "unknown_room": (1, 6),
        "not_of_two": (1, 8),
    }  # fmt: skip
    assert reasons(tally.mended) == {"text_cut": (1, 3), "reply_to_unknown": (1, 7)}
    long, what = await shown(server)
    assert 0 < limit - len(long["body"]["text"].encode()) < 32
    assert "reply_to" not in what["body"]


async def test_a_direct_room_that_is_here_already_takes_the_past(server: InProcessServer) -> None:
    ann = await server.connect("ann")
    room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    members = [PastMember(1, user, "member", THEN) for user in ("bob", "ann")]
    tally = await run(
        server,
        ImportRoom(1, "dm", "direct", THEN, joining=members),
        message("hi", "bob", room="dm"),
        message("hm", "eve", room="dm", line=3),
    )
    assert (tally.duplicates, tally.messages) == (1, 1)
    assert reasons(tally.left_out) == {"not_of_two": (1, 3)}
    # Not before what is here.
    (event,) = (await ann.request(type="history", room=room))["events"]
    assert (event["user"], event["time"]) == ("bob", server.env.now_ms())


async def test_where_people_are_on_names_are_on_cards_and_both_have_accepted_each_other(
    tmp_path: Path,
) -> None:
    async with in_process(tmp_path, people={"enabled": True}) as server:
        members = [PastMember(2, user, "member", THEN) for user in ("bob", "ann")]
        await run(
            server,
            User("ann", ImportUser(1, "Ann", created_at=THEN)),
            ImportRoom(2, "dm", "direct", THEN, joining=members),
            message("hi", "bob", room="dm"),
        )
        ann = await server.connect("ann")
        (room,) = (await ann.request(type="sync"))["rooms"]
        assert "request" not in room
        assert (await ann.send(room["room"], "so"))["type"] == "ok"
        reply = await ann.request(type="users.get", users=["ann"])
        assert reply["users"][0]["name"] == "Ann"
        # A second import leaves what they change.
        await ann.request(type="profile.set", name="Anna")
        tally = await run(server, User("ann", ImportUser(1, "Ann", "https://a/b.png", created_at=THEN)))
        assert tally.duplicates == 1
        profile = (await ann.request(type="users.get", users=["ann"]))["users"][0]
        assert (profile["name"], profile["avatar"]) == ("Anna", "https://a/b.png")


async def test_a_connected_member_is_told(server: InProcessServer) -> None:
    ann = await server.connect("ann")
    await run(server, group("general", "ann"), *(message(f"m{one}", "bob") for one in range(3)))
    await server.wait_idle()
    told = [event for packet in ann.take("event") for event in packet["events"]]
    assert [event["body"]["text"] for event in told if event["kind"] == "message"] == ["m0", "m1", "m2"]


async def test_who_left_since_stays_away(server: InProcessServer) -> None:
    lines = (group("general", "ann", "bob"), InRoom("general", PastMember(2, "cat", "admin", THEN)))
    await run(server, *lines)
    cat = await server.connect("cat")
    (room,) = (await cat.request(type="sync"))["rooms"]
    await cat.request(type="room.leave", room=room["room"], key="leave-it-now")
    tally = await run(server, *lines)
    assert (tally.members, reasons(tally.left_out)) == (0, {"left_since": (1, 2)})


async def test_past_messages_are_no_news_and_members_are(tmp_path: Path) -> None:
    async with in_process(tmp_path, events={"enabled": True}) as server:
        await run(
            server,
            group("general", "ann"),
            InRoom("general", PastMember(2, "bob", "member", THEN)),
            message("a"),
        )
        told = [(entry["type"], entry.get("by")) for entry in await entries(server)]
        assert ("event.created", "socket") in told
        assert ("member", "socket") in told
        assert "event.message" not in {kind for kind, _ in told}


USERS = ("ann", "bob", "cat", "dan")
MESSAGES = st.lists(
    st.tuples(st.sampled_from(USERS), st.integers(0, 12), st.integers(0, 30), st.integers(0, 12)), max_size=25
)


# Each makes two databases.
@settings(max_examples=12)
@given(MESSAGES, st.lists(st.integers(0, 30), max_size=3))
def test_cut_anywhere_and_begun_again_it_is_as_if_it_ran_once(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, int, int]], cuts: list[int]
) -> None:
    lines: list[Line] = [group("general", "ann", "bob"), group("other", "ann")]
    for line, (user, key, hours, named) in enumerate(drawn, 3):
        room = "general" if key % 3 else "other"
        ref = Ref(USERS[named % 4], key_of(f"m{named}"))
        reacted = {":yes:": (USERS[hours % 4],)} if hours % 2 else {}
        lines.append(message(f"m{key}", user, hours, room, line=line, reply_to=ref, reactions=reacted))

    async def kept(*parts: Sequence[Line]) -> dict[str, Sequence[Any]]:
        directory = tmp_path_factory.mktemp("import")
        async with in_process(directory) as server:
            # The names of rooms are drawn: the same for both.
            for part in parts:
                await run(server, *part)
        return rows(directory)

    once = asyncio.run(kept(lines))
    cut = asyncio.run(kept(*(lines[:place] for place in cuts), lines, lines))
    assert len(once["imported_rooms"]) == 2
    assert cut == once
