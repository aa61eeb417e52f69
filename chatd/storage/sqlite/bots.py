"""The settings of bots as rows, who is a bot, and the part of the event feed that a bot is told."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from msgspec import UNSET

from chatd.core.bots import Bot, DeletedBot, Hook, consumer_of, hears
from chatd.core.event_feed import StoredEntry
from chatd.core.own_view import View, view_of
from chatd.core.visibility import text_of
from chatd.protocol.bots import Told, decode_commands, decode_greeting, decode_told
from chatd.protocol.codec import encode
from chatd.storage.sqlite import event_feed
from chatd.storage.sqlite.records import WriteRecords
from chatd.storage.sqlite.rows import Row, position
from chatd.storage.views import FeedPage, FeedQuery

BOTS = """
SELECT bot, commands, welcome, sees, hook, secret FROM bots WHERE bot IN (SELECT value FROM json_each(?))
"""
BEHIND = "SELECT bot, commands, welcome, sees, hook, secret FROM bots WHERE bot > ? ORDER BY bot LIMIT ?"
HOOKS = "SELECT bot, commands, welcome, sees, hook, secret FROM bots WHERE hook <> ''"
PUT = """
INSERT INTO bots (bot, commands, welcome, sees, hook, secret) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (bot) DO UPDATE
SET commands = excluded.commands, welcome = excluded.welcome, sees = excluded.sees, hook = excluded.hook,
    secret = excluded.secret
"""
DELETE = "DELETE FROM bots WHERE bot = ?"
DELETE_CONSUMER = "DELETE FROM consumers WHERE name = ?"
DELETE_PARKED = "DELETE FROM parked WHERE consumer = ?"
AUTOMATED = "SELECT user FROM users WHERE kind > 0"

# A bot that only follows a channel hears nothing of it.
SEATS = """
SELECT m.room, r.kind = 'direct', m.first_visible, m.extras,
       m.gone IS NULL AND (r.kind <> 'channel' OR m.role <> 'member')
FROM json_each(:rooms) asked JOIN members m ON m.room = asked.value AND m.user = :bot JOIN rooms r ON r.number = m.room
"""
EVENTS = "SELECT position, blob FROM events WHERE position IN (SELECT value FROM json_each(?))"
AUTHORS = "SELECT position, user FROM events WHERE position IN (SELECT value FROM json_each(?))"
AMONG = "SELECT user FROM users WHERE user IN (SELECT value FROM json_each(?)) AND kind > 0"
# What a bot is told of those who follow it or make it a friend; a block is nobody's business.
TIES_TOLD = ("followed", "unfollowed", "friends", "ended")


class Seat(NamedTuple):
    """A bot in a room. `present`: whether it is a member now."""

    direct: bool
    first_visible: int
    extras: bytes
    present: bool


def bots(connection: sqlite3.Connection, users: Collection[str]) -> list[Bot]:
    """Return the settings of those of these users that are bots."""
    return [bot_of(row) for row in connection.execute(BOTS, (json.dumps([*users]),))]


def behind(connection: sqlite3.Connection, after: str, limit: int) -> list[Bot]:
    """Return bots in order of user id."""
    return [bot_of(row) for row in connection.execute(BEHIND, (after, limit))]


def with_hooks(connection: sqlite3.Connection) -> list[Bot]:
    """Return all bots that have a hook."""
    return [bot_of(row) for row in connection.execute(HOOKS)]


def automated(connection: sqlite3.Connection) -> set[str]:
    """Return all bots and official accounts."""
    return {user for (user,) in connection.execute(AUTOMATED)}


def page(connection: sqlite3.Connection, epoch: str, query: FeedQuery, bot: Bot) -> FeedPage:
    """Return one page of the event feed as `bot` is told of it."""
    return event_feed.page(connection, epoch, query, partial(heard, connection, bot))


def heard(connection: sqlite3.Connection, bot: Bot, entries: Sequence[StoredEntry]) -> list[bool]:
    """Return of each entry whether `bot` is told of it: events of rooms it is in, and what concerns itself."""
    seats = seats_of(connection, bot, {entry.room for entry in entries if entry.room})
    places = [place_of(entry) for entry in entries if entry.seq and entry.room in seats]
    events = {place: decode_told(blob) for place, blob in connection.execute(EVENTS, (json.dumps(places),))}
    replies = {
        place: place - event.seq + reply for place, event in events.items() if (reply := reply_of(event))
    }
    authors = (
        dict(connection.execute(AUTHORS, (json.dumps([*replies.values()]),)).fetchall()) if replies else {}
    )
    speaking = json.dumps([*{event.user for event in events.values() if event.user is not UNSET}])
    bots = {user for (user,) in connection.execute(AMONG, (speaking,))} if events else set()

    def hears_of(entry: StoredEntry) -> bool:
        if not entry.seq:
            return concerns(bot.user, entry)
        seat, event = seats.get(entry.room), events.get(place_of(entry))
        if seat is None or event is None or not shows(view_of(seat), event):
            return False
        if not seat.present:
            return event.users is not UNSET and bot.user in event.users
        answered = authors.get(replies.get(place_of(entry))) or ""
        return hears(bot, event, direct=seat.direct, answered=answered, bots=bots)

    return [hears_of(entry) for entry in entries]


def shows(view: View, event: Told) -> bool:
    """Whether a view has an event, and the message whose text it carries."""
    target = text_of(event)
    return view.shows(event.seq) and (target is None or view.shows(target))


def seats_of(connection: sqlite3.Connection, bot: Bot, rooms: Collection[int]) -> dict[int, Seat]:
    """Return the seats of a bot in those of these rooms that it is or was in."""
    found = connection.execute(SEATS, {"rooms": json.dumps([*rooms]), "bot": bot.user})
    return {
        room: Seat(direct == 1, first, extras, present == 1) for room, direct, first, extras, present in found
    }


def place_of(entry: StoredEntry) -> int:
    return position(entry.room, entry.seq)


def reply_of(event: Told) -> int:
    """Return the number of the message that an event replies to, 0 for none."""
    return 0 if event.body is UNSET else event.body.reply_to or 0


def concerns(user: str, entry: StoredEntry) -> bool:
    """Whether an entry without an event is about a user: they join or leave a large room, or somebody follows them."""
    if entry.type == "friend":
        return entry.keys["change"] in TIES_TOLD and user in (entry.keys["user"], entry.keys["other"])
    return entry.type == "member" and user in entry.keys["users"]


def bot_of(row: Row) -> Bot:
    user, commands, welcome, sees, url, secret = row
    return Bot(
        user,
        tuple(decode_commands(commands)),
        decode_greeting(welcome) if welcome else None,
        sees,
        Hook(url, secret) if url else None,
    )


def write_bots(connection: sqlite3.Connection, changed: Sequence[Bot], stamp: int) -> None:
    for bot in changed:
        hook = ("", "") if bot.hook is None else (bot.hook.url, bot.hook.secret)
        welcome = b"" if bot.welcome is None else encode(bot.welcome)
        connection.execute(PUT, (bot.user, encode(bot.commands), welcome, bot.sees, *hook))


def delete_bots(connection: sqlite3.Connection, deleted: Sequence[DeletedBot], stamp: int) -> None:
    for bot in deleted:
        # A hook has a cursor, and events that were set aside; both would name the bot.
        connection.execute(DELETE, (bot.user,))
        connection.execute(DELETE_CONSUMER, (consumer_of(bot.user),))
        connection.execute(DELETE_PARKED, (consumer_of(bot.user),))


WRITES: Mapping[type, WriteRecords] = {DeletedBot: delete_bots, Bot: write_bots}
