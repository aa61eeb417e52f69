"""The settings of bots as rows, and the accounts that are no person's."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from msgspec.msgpack import Decoder

from chatd.core.bots import Bot, DeletedBot, Hook
from chatd.protocol.bots import BotCommand
from chatd.protocol.codec import encode
from chatd.protocol.messages import Body
from chatd.storage.sqlite.records import WriteRecords
from chatd.storage.sqlite.rows import Row

BOTS = """
SELECT bot, commands, welcome, sees, hook, secret FROM bots WHERE bot IN (SELECT value FROM json_each(?))
"""
HOOKS = "SELECT bot, commands, welcome, sees, hook, secret FROM bots WHERE hook <> ''"
PUT = """
INSERT INTO bots (bot, commands, welcome, sees, hook, secret) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (bot) DO UPDATE
SET commands = excluded.commands, welcome = excluded.welcome, sees = excluded.sees, hook = excluded.hook,
    secret = excluded.secret
"""
DELETE = "DELETE FROM bots WHERE bot = ?"
AUTOMATED = "SELECT user FROM users WHERE kind > 0"

_commands = Decoder(list[BotCommand])
_welcome = Decoder(Body)


def bots(connection: sqlite3.Connection, users: Collection[str]) -> list[Bot]:
    """Return the settings of those of these users that are bots."""
    return [bot_of(row) for row in connection.execute(BOTS, (json.dumps([*users]),))]


def with_hooks(connection: sqlite3.Connection) -> list[Bot]:
    """Return all bots that have a hook."""
    return [bot_of(row) for row in connection.execute(HOOKS)]


def automated(connection: sqlite3.Connection) -> set[str]:
    """Return all bots and official accounts."""
    return {user for (user,) in connection.execute(AUTOMATED)}


def bot_of(row: Row) -> Bot:
    user, commands, welcome, sees, url, secret = row
    return Bot(
        user,
        tuple(_commands.decode(commands)),
        _welcome.decode(welcome) if welcome else None,
        sees,
        Hook(url, secret) if url else None,
    )


def write_bots(connection: sqlite3.Connection, changed: Sequence[Bot], stamp: int) -> None:
    for bot in changed:
        hook = ("", "") if bot.hook is None else (bot.hook.url, bot.hook.secret)
        welcome = b"" if bot.welcome is None else encode(bot.welcome)
        connection.execute(PUT, (bot.user, encode(bot.commands), welcome, bot.sees, *hook))


def delete_bots(connection: sqlite3.Connection, deleted: Sequence[DeletedBot], stamp: int) -> None:
    connection.executemany(DELETE, [(bot.user,) for bot in deleted])


WRITES: Mapping[type, WriteRecords] = {DeletedBot: delete_bots, Bot: write_bots}
