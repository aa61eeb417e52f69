"""Decisions on watermarks and preferences (protocol.md "Read state, receipts, typing, presence")."""

from dataclasses import replace

from msgspec import UNSET, structs

from chatd.core.extras import WALLPAPER, extra, put_extra
from chatd.core.held_files import check_picture, hold, wallpaper_holder
from chatd.core.permissions import authorize
from chatd.core.push_preferences import (
    PREFERENCES,
    is_of_account,
    require_push,
    set_level,
    stored_preferences,
)
from chatd.core.read_set import ReadSet, Tail
from chatd.core.room import Member, Room
from chatd.core.sections import ACCOUNT, ChangedRow, store
from chatd.core.unread_counts import count
from chatd.core.users import Account
from chatd.core.write_set import NewEvent, ReadPosition, RoomReply, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.preferences import PreferencesRow
from chatd.protocol.read_state import Delivered, Read, ReadOk
from chatd.protocol.rooms import Preferences

USUAL = PreferencesRow()
# The keys of a request for a room that are stored as they come.
OF_ROOM = ("muted_until", "pinned", "unread_mark", "folder")


def read(user: str, request: Read, writes: WriteSet, reads: ReadSet) -> ReadOk:
    """Move the read position up, never down; the reply to a lower one has the stored one."""
    room, member = authorize(reads.rooms.get(request.room), user, "view")
    seq = min(request.seq, room.seq)
    moved = seq > member.read
    if moved:
        tail = tail_after(room, user, seq, writes, reads)
        member = writes.touch_member(room, user)
        member.read, member.read_ordinal = seq, tail.ordinal
        member.own_unread, member.mentions = tail.own, tail.mentions
        member.delivered = max(member.delivered, seq)
        publish_watermark(room, member, writes)
    if member.unread_mark:
        writes.touch_member(room, user).unread_mark = False
        writes.refreshed[room.number, user] = room
    writes.read_positions.append(ReadPosition(room, member, moved, writes.origin))
    reply = ReadOk(read=member.read, unread=0, unread_mentions=0)
    writes.room_replies.append(RoomReply(reply, room, user, writes.origin))
    return reply


def tail_after(room: Room, user: str, seq: int, writes: WriteSet, reads: ReadSet) -> Tail:
    """Return the counters of a read up to `seq`, with the messages of this batch, which the store has not yet."""
    if seq == room.seq:
        return Tail(room.ordinal, 0, 0)
    stored = reads.tails[room.number, user, seq]
    fresh = [step for step in writes.steps.get(room.number, ()) if isinstance(step, NewEvent)]
    passed = count((new for new in fresh if new.event.seq <= seq), user)
    left = count((new for new in fresh if new.event.seq > seq), user)
    return Tail(stored.ordinal + passed.messages, stored.own + left.own, stored.mentions + left.mentions)


def publish_watermark(room: Room, member: Member, writes: WriteSet) -> None:
    """Note that a watermark moved; in a direct room it is part of the summary that the peer syncs."""
    if room.direct:
        if room.keeps_marks:
            # Nor does the room change for the other, who would see by it that the user looked.
            return
        writes.touch(room)
    if member.receipts:
        writes.receipts[room.number, member.user] = (room, member)


def delivered(user: str, request: Delivered, writes: WriteSet, reads: ReadSet) -> Ok:
    """Move delivered watermarks up, in direct rooms and small groups; other rooms are skipped."""
    for row in request.rooms:
        try:
            room, member = authorize(reads.rooms.get(row.room), user, "view")
        except ChatError:
            continue
        seq = min(row.seq, room.seq)
        if (
            seq > max(member.delivered, member.first_visible - 1)
            and room.scale <= reads.rules.delivered_members
        ):
            member = writes.touch_member(room, user)
            member.delivered = seq
            publish_watermark(room, member, writes)
    return Ok()


def prefer(user: str, request: Preferences, writes: WriteSet, reads: ReadSet) -> Ok:
    """Set preferences of one room, or of the account; absent keys stay as they are."""
    require_push(request, reads)
    check_folders(request)
    if request.room is not UNSET:
        room, member = authorize(reads.rooms.get(request.room), user, "view")
        wallpaper = request.wallpaper
        sets_wallpaper = wallpaper is not UNSET and wallpaper != (extra(member, WALLPAPER) or "")
        if sets_wallpaper:
            check_picture(wallpaper, "wallpaper", (user,), "wallpaper", reads)
        wanted = {name: getattr(request, name) for name in OF_ROOM}
        if request.hidden is not UNSET and request.hidden != member.is_hidden(room.ordinal):
            wanted["hidden"] = room.ordinal + 1 if request.hidden else 0
        changed = {
            name: value for name, value in wanted.items() if value not in (UNSET, getattr(member, name))
        }
        for name, value in changed.items():
            setattr(writes.touch_member(room, user), name, value)
            writes.refreshed[room.number, user] = room
        if wallpaper is not UNSET and sets_wallpaper:
            hold(wallpaper_holder(user, room), wallpaper, writes, reads)
            put_extra(writes.touch_member(room, user), WALLPAPER, wallpaper)
            writes.refreshed[room.number, user] = room
        set_level(request, room, member, writes)
    if is_of_account(request):
        prefer_everywhere(user, request, writes, reads)
    return Ok()


def prefer_everywhere(user: str, request: Preferences, writes: WriteSet, reads: ReadSet) -> None:
    """Set preferences of the account."""
    account = reads.accounts.get(user) or Account(user, created_at=writes.now)
    chosen = {name: getattr(request, name) for name in ("receipts", "presence")}
    shows = {name: shown for name, shown in chosen.items() if shown not in (UNSET, getattr(account, name))}
    if shows:
        reads.accounts[user] = replace(account, **shows)
        writes.add(reads.accounts[user])
    before = stored_preferences(user, reads)
    others = {name: getattr(request, name) for name in ("push", "credit", "folders")}
    after = structs.replace(before, **{name: value for name, value in others.items() if value is not UNSET})
    if shows or after != before:
        row = {name: getattr(reads.accounts.get(user, account), name) for name in chosen}
        row |= {name: value for name in others if (value := getattr(after, name)) != getattr(USUAL, name)}
        store(ChangedRow(user, ACCOUNT, PREFERENCES, encode(row)), writes, reads)


def check_folders(request: Preferences) -> None:
    """Refuse folders of which two have the same number."""
    if request.folders is UNSET:
        return
    ids = [folder.id for folder in request.folders]
    for place, id in enumerate(ids):
        if id in ids[:place]:
            raise Refused("bad_request", "two folders have this id", field=f"folders[{place}].id")
