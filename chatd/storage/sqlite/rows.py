"""The conversion between rows and the objects of core: for each table one function each way."""

from collections.abc import Iterable
from typing import Any, get_args

from msgspec import UNSET

from chatd.core.extras import BANNED_UNTIL, NICKNAME, SILENCED
from chatd.core.policy import NO_DETAILS
from chatd.core.room import Member, Room
from chatd.core.users import FOR_EVER, Account, DeviceSeen, Restriction
from chatd.protocol.codec import decode_tree, encode
from chatd.protocol.members import MemberRow
from chatd.protocol.users import UserKind

Row = tuple[Any, ...]

# A position is room number << 32 | seq.
SEQ_BITS = 32
SEQ_MASK = (1 << SEQ_BITS) - 1
# Cannot occur in a user id.
SEPARATOR = "\x1f"
EVERYBODY = "*"
# By number.
KINDS: tuple[UserKind, ...] = get_args(UserKind)


def in_one(columns: str, others: str, usual: str) -> str:
    """Return an expression that selects all rows as one JSON text, an array of arrays; a BLOB has to be `hex(...)`.

    `others`: the last columns, left out in rows that are `usual`: these are nearly all, and each column costs.
    sqlite3 releases the interpreter lock at each row, so with other busy threads every row is a change of thread.
    """
    row, whole = f"json_array({columns})", f"json_array({columns}, {others})"
    return f"json_group_array(CASE WHEN {usual} THEN {row} ELSE {whole} END)"


def position(room: int, seq: int) -> int:
    """Return the key of event `seq` of room number `room`; a `seq` beyond 32 bits stands for the last possible one."""
    return room << SEQ_BITS | min(max(seq, 0), SEQ_MASK)


def mentions_column(mentions: Iterable[str]) -> str | None:
    """Return users, as of those for whom a mention counted, as text that `instr` can search.

    >>> mentions_column(["u1", "u2"])
    '\\x1fu1\\x1fu2\\x1f'
    """
    named = tuple(mentions)
    if not named:
        return None
    return EVERYBODY if EVERYBODY in named else f"{SEPARATOR}{SEPARATOR.join(named)}{SEPARATOR}"


# Flags and members of enumerations are written as numbers: sqlite3 searches for an adapter of any other type, which
# costs more than all else of a value.


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
        *altered_room_row(room)[:-1],
    )


def changed_room_row(room: Room, last_message: int, stamp: int) -> Row:
    """Return the columns of a room that a message changes, its number last. `last_message`: of this batch, 0 for
    none.
    """
    return (
        room.seq,
        room.ordinal,
        room.time,
        last_message,
        room.uncounted,
        room.written,
        stamp,
        room.number,
    )


def altered_room_row(room: Room) -> Row:
    """Return the other columns of a room that can change, its number last."""
    return (
        room.log_floor,
        room.size,
        room.title,
        room.avatar,
        1 if room.public else 0,
        room.data,
        room.deleted_by,
        encode(room.details) if room.details is not NO_DETAILS else b"",
        room.retain_s,
        room.purged,
        room.purged_ordinal,
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
        int(member.pinned),
        member.hidden,
        member.gone,
        stamp,
        member.extras,
        int(member.standing),
        member.notify,
        member.folder,
        int(member.unread_mark),
    )


def member_row_of(row: Row, now_ms: int) -> MemberRow:
    """Return a member as lists show them, from the user, the role, the time and the extras. A silence that is over is
    none.
    """
    user, role, joined_at, extras = row
    shown = MemberRow(user, role, joined_at)
    if extras:
        values = decode_tree(extras)
        shown.nickname = values.get(NICKNAME, UNSET)
        until: int = values.get(SILENCED, 0)
        shown.silenced_until = until if until == FOR_EVER or until > now_ms else 0
        shown.banned_until = values.get(BANNED_UNTIL, 0)
    return shown


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
        KINDS.index(account.kind),
        *restriction_row(account.restriction),
    )


def restriction_row(restriction: Restriction | None) -> Row:
    return ("", 0, "") if restriction is None else (restriction.what, restriction.until, restriction.reason)


def account_of(row: Row) -> Account:
    user, name, avatar, version, receipts, presence, disabled, generation, revoked_before, *rest = row
    password, created_at, kind, *restriction = rest
    # In old rows a revocation of the user did not raise the generation.
    marks = max(generation, revoked_before), revoked_before
    shows = bool(receipts), bool(presence), bool(disabled)
    restrained = Restriction(*restriction) if restriction[0] else None
    return Account(user, name, avatar, version, *shows, *marks, password, created_at, KINDS[kind], restrained)


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
