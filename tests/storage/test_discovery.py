"""sqlite/discovery.py against a plain walk over all rooms, where few and where many have a name."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatd.core.discovery import Bar, Listing, beginning, names, tag_name
from chatd.storage.sqlite import discovery, schema
from chatd.storage.sqlite.discovery import LAST, listed_rooms, write_listings
from tests.kit.inprocess import in_process, new_key

WORDS = ["bike", "tour", "club", "北京", "骑行", "music"]
ADD = """
INSERT INTO rooms (number, name, kind, creator, created_at, seq, ordinal, time, log_floor, last_message, members,
                   title, avatar, public, data, deleted_by, uncounted, stamp)
VALUES (?, ?, 'group', 'ann', 0, 1, 0, 0, 1, 0, ?, ?, '', 1, x'', NULL, 0, 1)
"""


@pytest.mark.parametrize("few", [1, 20, 1000])
def test_the_largest_are_found_however_many_there_are(
    few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "FEW", few)
    chance = random.Random(few)
    connection = sqlite3.connect(tmp_path / "rooms.sqlite")
    for migration in schema.shipped():
        connection.executescript(migration.sql)
    rooms = [
        (number, f"g{number:011}", chance.randrange(1, 30), " ".join(chance.choices(WORDS, k=2)))
        for number in range(1, 200)
    ]
    connection.executemany(ADD, rooms)
    known = {number: names(title) | {tag_name(chance.choice(WORDS))} for number, _, _, title in rooms}
    write_listings(connection, [Listing(number, found) for number, found in known.items()], 1)
    write_listings(connection, [Listing(7, frozenset())], 2)
    for text, tag in (("bike", ""), ("b", ""), ("行", ""), ("", "北京"), ("tour", "music"), ("tours", "")):
        title, word = beginning(text), tag_name(tag) if tag else ""
        expected = sorted(
            (-members, name)
            for number, name, members, _ in rooms
            if number != 7
            and members >= 3
            and (not title or any(one.startswith(title) for one in known[number]))
            and (not word or word in known[number])
        )
        bounds = [(title, title + LAST)] if title else []
        bounds += [(word, word)] if word else []
        found: list[tuple[int, str]] = []
        behind = (1 << 53, "")
        while page := listed_rooms(connection, bounds, 3, behind, 7):
            found += [(-one.size, one.room.name) for one in page]
            behind = (page[-1].size, page[-1].room.name)
        assert found == expected, (text, tag)
    connection.close()


async def test_rooms_that_were_listed_before_there_was_a_directory_are_put_into_it(tmp_path: Path) -> None:
    async with in_process(tmp_path, discovery={"enabled": True, "members_min": 1}) as server:
        ann = await server.connect("ann")
        rooms = []
        for title in ("Bikes", "Boats", "Books"):
            policy = {"join": "open", "listed": title != "Books"}
            creation = {"type": "room.create", "kind": "group", "title": title, "policy": policy}
            reply = await ann.request(**creation, key=new_key(), about="Nothing is listed here, perhaps")
            rooms.append(reply["summary"]["room"])
        await server.app.writer.submit_and_wait("", Bar(rooms[1], True))
        (migration,) = [one for one in schema.shipped() if one.name.startswith("0025")]
        with closing(sqlite3.connect(tmp_path / "chatd.sqlite")) as other, other:
            other.execute("DELETE FROM listed")
            other.execute("UPDATE rooms SET listed = 0")
            other.execute(migration.sql.partition(";")[0])
        assert (await ann.request(type="rooms.find", text="b"))["rooms"] == []
        for _ in range(2):
            await server.app.maintenance.list_rooms()
        found = await ann.request(type="rooms.find", text="b")
        assert [card["title"] for card in found["rooms"]] == ["Bikes"]
        assert await server.store.rooms_listing_due(10) == []
