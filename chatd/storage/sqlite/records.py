"""The records of chapters as rows: changes of a batch other than to logs and rooms.

Each type of record has one function, here or in the chapter that defines it (`Chapter`). It is called in the
transaction, after the statements of the log, when there are such records.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatd.core.api_keys import ApiKey, DeletedKey
from chatd.core.audit import Audit, ForgottenAudit
from chatd.core.maintenance import ForgottenKeys
from chatd.core.profiles import Card
from chatd.core.read_set import DirectPair
from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import Reaction
from chatd.storage.sqlite import api, removal
from chatd.storage.sqlite.profiles import write_cards
from chatd.storage.sqlite.rows import account_row, device_row

WriteRecords = Callable[[sqlite3.Connection, Sequence[Any], int], None]
"""Writes records of one type; the last argument is the stamp of the commit."""

ADD_PAIR = "INSERT INTO direct (room, a, b) VALUES (?, ?, ?)"

SET_REACTION = "INSERT INTO reactions (room, seq, user, emoji) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
CLEAR_REACTION = "DELETE FROM reactions WHERE room = ? AND seq = ? AND user = ? AND emoji = ?"

PUT_ACCOUNT = """
INSERT INTO users (user, name, avatar, version, receipts, presence, disabled, generation, revoked_before,
                   password, created_at, kind, restriction, restricted_until, restricted_reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user) DO UPDATE
SET name = excluded.name, avatar = excluded.avatar, version = excluded.version, receipts = excluded.receipts,
    presence = excluded.presence, disabled = excluded.disabled, generation = excluded.generation,
    revoked_before = excluded.revoked_before, password = excluded.password, created_at = excluded.created_at,
    kind = excluded.kind, restriction = excluded.restriction, restricted_until = excluded.restricted_until,
    restricted_reason = excluded.restricted_reason
"""

PUT_DEVICE = """
INSERT INTO devices (user, device, app, os, last_seen, revoked_before, removed) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user, device) DO UPDATE
SET app = excluded.app, os = excluded.os, last_seen = excluded.last_seen,
    revoked_before = excluded.revoked_before, removed = excluded.removed
"""
FORGET_DEVICE = "DELETE FROM devices WHERE user = ? AND device = ?"

FORGET_UNLOGGED = "DELETE FROM unlogged WHERE time < ?"


def write_pairs(connection: sqlite3.Connection, pairs: Sequence[DirectPair], stamp: int) -> None:
    connection.executemany(ADD_PAIR, [(pair.room, pair.lower, pair.higher) for pair in pairs])


def write_reactions(connection: sqlite3.Connection, reactions: Sequence[Reaction], stamp: int) -> None:
    for reaction in reactions:
        row = (reaction.room, reaction.seq, reaction.user, reaction.emoji)
        connection.execute(SET_REACTION if reaction.set else CLEAR_REACTION, row)


def write_accounts(connection: sqlite3.Connection, accounts: Sequence[Account], stamp: int) -> None:
    connection.executemany(PUT_ACCOUNT, map(account_row, accounts))


def write_devices(connection: sqlite3.Connection, devices: Sequence[DeviceSeen], stamp: int) -> None:
    """Write the last change of each device; delete the row of one that is neither listed nor revoked."""
    last = {(device.user, device.device): device for device in devices}
    connection.executemany(PUT_DEVICE, [device_row(device) for device in last.values() if device.matters])
    connection.executemany(FORGET_DEVICE, [key for key, device in last.items() if not device.matters])


def forget_unlogged(connection: sqlite3.Connection, forgotten: Sequence[ForgottenKeys], stamp: int) -> None:
    connection.executemany(FORGET_UNLOGGED, [(keys.before,) for keys in forgotten])


WRITES: Mapping[type, WriteRecords] = {
    DirectPair: write_pairs,
    Reaction: write_reactions,
    **removal.WRITES,
    Account: write_accounts,
    Card: write_cards,
    DeviceSeen: write_devices,
    ForgottenKeys: forget_unlogged,
    ApiKey: api.write_keys,
    DeletedKey: api.delete_keys,
    Audit: api.add_audit,
    ForgottenAudit: api.forget_audit,
}
