"""Between rows and the plain objects of core: one tuple of columns a table, one function each way."""

from collections.abc import Iterable
from typing import Any

from chatd.core.room import Member, Room
from chatd.core.users import Account, DeviceSeen

Row = tuple[Any, ...]

SEQ_BITS = 32  # a position is room number << 32 | seq
SEQ_MASK = (1 << SEQ_BITS) - 1
SEPARATOR = "\x1f"  # cannot occur in a user id
EVERYBODY = "*"


def in_one(columns: str) -> str:
    """What selects all rows as one JSON text, an array of arrays; a BLOB among `columns` has to be `hex(...)`.

    sqlite3 lets the interpreter go at each row, and where others run meanwhile every row is a change of thread.
    """
    return f"json_group_array(json_array({columns}))"


def position(room: int, seq: int) -> int:
    """The key of event `seq` of room number `room`; a `seq` beyond 32 bits stands for the last possible."""
    return room << SEQ_BITS | min(max(seq, 0), SEQ_MASK)


def mentions_column(mentions: Iterable[str]) -> str | None:
    """Whom a message counted for, as text that `instr` can search.

    >>> mentions_column(["u1", "u2"])
    '\\x1fu1\\x1fu2\\x1f'
    """
    named = tuple(mentions)
    if not named:
        return None
    return EVERYBODY if EVERYBODY in named else f"{SEPARATOR}{SEPARATOR.join(named)}{SEPARATOR}"


def new_room_row(room: Room, last_message: int, stamp: int) -> Row:
    return (
        room.number,
        room.name,
        room.kind,
        room.creator,
        room.created_at,
        room.client_key,
        room.client_digest,
        *changed_room_row(room, last_message, stamp)[:-1],
    )


def changed_room_row(room: Room, last_message: int, stamp: int) -> Row:
    """What of a room can change, its number last. `last_message`: the newest in this batch, 0 for none."""
    return (
        room.seq,
        room.ordinal,
        room.time,
        room.log_floor,
        last_message,
        room.size,
        room.title,
        room.avatar,
        room.public,
        room.data,
        room.deleted_by,
        room.uncounted,
        room.written,
        stamp,
        room.number,
    )


def member_row(room: int, member: Member, stamp: int) -> Row:
    return (
        member.user,
        room,
        member.role,
        member.joined_at,
        member.first_visible,
        member.read,
        member.read_ordinal,
        member.own_unread,
        member.mentions,
        member.delivered,
        member.muted_until,
        member.pinned,
        member.hidden,
        member.gone,
        stamp,
        member.extras,
    )


def account_row(account: Account) -> Row:
    return (
        account.user,
        account.name,
        account.avatar,
        account.version,
        account.receipts,
        account.presence,
        account.disabled,
        account.generation,
        account.revoked_before,
        account.password,
        account.created_at,
    )


def account_of(row: Row) -> Account:
    user, name, avatar, version, receipts, presence, disabled, generation, revoked_before, *rest = row
    generation = max(generation, revoked_before)  # rows from before every revocation was a generation
    shows = bool(receipts), bool(presence)
    return Account(user, name, avatar, version, *shows, bool(disabled), generation, revoked_before, *rest)


def device_row(device: DeviceSeen) -> Row:
    return (
        device.user,
        device.device,
        device.app,
        device.os,
        device.last_seen,
        device.revoked_before,
        device.removed,
    )


def device_of(row: Row) -> DeviceSeen:
    user, device, app, os, last_seen, revoked_before, removed = row
    return DeviceSeen(user, device, app, os, last_seen, revoked_before, bool(removed))
