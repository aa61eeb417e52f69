"""The state that decisions need besides their room: one function reads one need, for all requests that have it.

A need is called once for all requests of a batch that have it, and reads for them together. It finds the rooms they
name in `reads.rooms`. A new chapter keeps its records in `reads.records_of(ItsType)`.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

from chatd.core import accounts, api_keys, friends, maintenance, restrictions
from chatd.core.bots import Bot, DeleteBot, PutBot
from chatd.core.channels import RemoveFollowers
from chatd.core.contacts import Contact, Tally
from chatd.core.entering import SetMembers
from chatd.core.forwarding import JudgedForward
from chatd.core.friends import GROUP_VIA, Introduction
from chatd.core.graph import ChangeGraph, GraphFeed, pairs_of
from chatd.core.joins import EndJoins, EraseJoins
from chatd.core.privacy_settings import SetByHost
from chatd.core.read_set import ReadSet, Tail, UnreadSpan, pair
from chatd.core.room import Member, Room
from chatd.core.rooms import OpenDirect
from chatd.core.scheduled import EndScheduled, SendScheduled
from chatd.core.unread_counts import COUNTED_EVENTS_MAX, span_of_read, tail_of
from chatd.core.write_set import Message
from chatd.protocol.drafts import Draft, Schedule
from chatd.protocol.emoji import normal_form
from chatd.protocol.friends import (
    CircleDelete,
    CircleSet,
    ContactSet,
    FriendAccept,
    FriendCancel,
    FriendDecline,
    FriendRemove,
    FriendRequest,
)
from chatd.protocol.groups import Announce, MembersNickname, MembersSilence, MembersUnban
from chatd.protocol.inbox import Clear
from chatd.protocol.joining import InvitesCreate, InvitesLook, InvitesRevoke, InvitesUse, JoinsDecide
from chatd.protocol.media import Played
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoomJoin, RoomLeave
from chatd.protocol.messages import Edit, Forward, Pin, React, Recall, Send
from chatd.protocol.privacy import PrivacySet
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import Preferences, RoomCreate, RoomDecline, RoomDelete, RoomDirect, RoomUpdate
from chatd.protocol.users import DevicesRemove, ProfileSet
from chatd.writer.account_needs import cards, circles, keys_of_api, preferences, privacy
from chatd.writer.channel_needs import followed, linked
from chatd.writer.erasure_needs import NEEDS_OF_ERASURES, erasures_of_users
from chatd.writer.file_needs import NEEDS_OF_FILES, forwarded, heard, pictures, read_held, sent
from chatd.writer.group_needs import bans, recent_messages
from chatd.writer.import_needs import NEEDS_OF_IMPORTS
from chatd.writer.joining_needs import asking, ending, invited, joining, of_group, relations
from chatd.writer.sources import Need, Sources, Submitted
from chatd.writer.unsent_needs import drafts, held, scheduled, senders, waiting

AccountBound = (
    Preferences,
    ProfileSet,
    DevicesRemove,
    MembersAdd,
    InvitesCreate,
    accounts.Amend,
    accounts.Revoke,
    restrictions.Restrict,
    PutBot,
)
DeviceBound = (DevicesRemove, accounts.RecordDevice, accounts.Revoke)


async def messages(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the messages that operations act on, with the reactions they name."""
    targets: dict[tuple[int, int], Room] = {}
    reactions: set[tuple[int, int, str, str]] = set()
    # Those that may lose files.
    losing: list[tuple[int, int]] = []
    for asked in batch:
        request = asked.request
        room = reads.rooms.get(request.room)
        if room is not None and is_or_was_member(asked.user, room):
            targets[room.number, request.target] = room
            if isinstance(request, Edit | Recall):
                losing.append((room.number, request.target))
            if isinstance(request, React):
                for emoji in {request.emoji, normal_form(request.emoji) or request.emoji}:
                    reactions.add((room.number, request.target, asked.user, emoji))
    if not targets:
        return
    for place, event in (await sources.store.messages_at(targets.keys())).items():
        reads.messages[place] = Message(targets[place], event)
    for number, seq, user, emoji in await sources.store.reactions_set(reactions) if reactions else ():
        if (number, seq) in reads.messages:
            reads.messages[number, seq].mine.add((user, emoji))
    if losing:
        await read_held(sources, losing, reads)


async def used_keys(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read which of the idempotency keys were used before."""
    wanted = set()
    for asked in batch:
        room = reads.rooms.get(asked.request.room)
        if room is not None and is_or_was_member(asked.user, room):
            wanted.add((room.number, asked.user, asked.request.key))
    if wanted:
        reads.keyed.update(await sources.store.keyed(wanted))


async def tails(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Count what lies behind read positions that stop short of the newest event, as far as one batch may count."""
    wanted: dict[UnreadSpan, tuple[Room, Member, int]] = {}
    left = COUNTED_EVENTS_MAX
    for asked in batch:
        request = asked.request
        room = reads.rooms.get(request.room)
        if room is None:
            continue
        seq, member = request.seq, room.members.get(asked.user)
        if seq >= room.seq:
            # Also for a user who is no member yet: they may become one in this batch.
            reads.tails[room.number, asked.user, seq] = Tail(room.ordinal, 0, 0)
        elif member is not None and seq > member.read:
            span = span_of_read(room, member, seq)
            if asked.counted is not None and asked.counted[0][2:] == (member.read, seq):
                reads.tails[room.number, asked.user, seq] = tail_of(room, member, *asked.counted)
            elif span in wanted or span.events <= left:
                left -= 0 if span in wanted else span.events
                wanted[span] = (room, member, seq)
            else:
                reads.postponed.append(asked)
    for span, counted in (await sources.store.counted(wanted.keys()) if wanted else {}).items():
        room, member, seq = wanted[span]
        reads.tails[room.number, member.user, seq] = tail_of(room, member, span, counted)


async def new_rooms(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the rooms that creations would repeat, and draw numbers and names for those they make."""
    for asked in batch:
        request = asked.request
        if isinstance(request, RoomCreate):
            name = await sources.store.room_of_key(asked.user, request.key)
            room = await sources.rooms.get(name) if name is not None else None
            if room is not None:
                reads.created[asked.user, request.key] = room
        else:
            one, other = joining(asked)
            await read_direct_rooms(sources, [pair(one, other)], reads)
        chance = int.from_bytes(sources.env.random_bytes(8), "big")
        reads.fresh.append((await sources.store.next_room_number(), chance))


async def people(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the accounts and devices that are about to change, and the accounts of users about to join a room."""
    newcomers = {user for asked in batch for user in joining(asked)}
    bound = (*AccountBound, accounts.RecordDevice) if reads.rules.new_account_ms else AccountBound
    users = newcomers | {asked.user for asked in batch if isinstance(asked.request, bound)}
    devices = {place for asked in batch for place in devices_of(asked)}
    if users or devices:
        known = await sources.store.people(users, devices, newcomers)
        reads.accounts.update(known.accounts)
        reads.devices, reads.memberships = known.devices, known.memberships
    await other_devices(sources, batch, reads)


async def contacts(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read both contacts of each user who asks and the `user` they name."""
    await read_contacts(
        sources, {pair for asked in batch for pair in both(asked.user, asked.request.user)}, reads
    )


async def read_contacts(sources: Sources, pairs: Collection[tuple[str, str]], reads: ReadSet) -> None:
    """Read the contacts of these (owner, user) that are not read yet."""
    known = reads.records_of(Contact)
    missing = [pair for pair in pairs if pair not in known]
    for contact in await sources.store.contacts(missing) if missing else ():
        known[contact.owner, contact.user] = contact


async def tallies(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Count the contacts of the users who ask and of those they name, where a limit of either decides."""
    users = {user for asked in batch for user in (asked.user, asked.request.user)}
    strangers = sum(isinstance(asked.request, FriendRequest) for asked in batch)
    found = await sources.store.tallies(users, strangers)
    reads.records_of(Tally).update(found)
    # Requests of strangers that may have to give way.
    full = [user for user in found if found[user].received + strangers > reads.rules.people.inbox_max]
    await read_contacts(
        sources, {(user, stranger) for user in full for stranger in found[user].strangers}, reads
    )


async def introductions(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read what users have in common with those whom they ask to be friends, and the accounts of these."""
    asked = {(one.user, one.request.user, group_of(one.request.via)) for one in batch}
    small = reads.rules.people.small_group_members
    reads.records_of(Introduction).update(await sources.store.introductions(asked, small))
    known = await sources.store.people({user for _, user, _ in asked}, ())
    reads.accounts.update(known.accounts)


async def expiring(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read both contacts of the pairs in which something has run out."""
    pairs = {pair for asked in batch for one in asked.request.pairs for pair in both(*one)}
    await read_contacts(sources, pairs, reads)


async def pending(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the contacts in which requests wait, of accounts that are about to be disabled."""
    users = {asked.user for asked in batch if asked.request.disabled}
    found = await sources.store.pending_contacts(users) if users and reads.rules.people.enabled else ()
    await read_contacts(sources, {pair for one in found for pair in both(*one)}, reads)


def both(a: str, b: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the keys of the two contacts of a pair."""
    return (a, b), (b, a)


async def direct_rooms(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the direct room of each user who asks and the `user` they name, if there is one."""
    await read_direct_rooms(sources, {pair(asked.user, asked.request.user) for asked in batch}, reads)


async def read_direct_rooms(sources: Sources, pairs: Iterable[tuple[str, str]], reads: ReadSet) -> None:
    """Read the direct rooms of these pairs; those that have none are left out."""
    names = await sources.store.rooms_of_pairs([*pairs])
    if len(names) > 1:
        await sources.rooms.load([*names.values()])
    for place, name in names.items():
        room = await sources.rooms.get(name)
        if room is not None:
            reads.pairs[place] = room


async def rooms_of_blocked(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the direct rooms with users who are about to be blocked: a message request of theirs ends."""
    blocking = [asked for asked in batch if asked.request.blocked is True]
    await read_direct_rooms(sources, {pair(asked.user, asked.request.user) for asked in blocking}, reads)


async def graph(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the feeds of the host, both contacts of the pairs that it changes, and their direct rooms."""
    if any(asked.request.feed for asked in batch):
        reads.records_of(GraphFeed).update({feed.feed: feed for feed in await sources.store.graph_feeds()})
    wanted = pairs_of(one for asked in batch for one in asked.request.changes)
    # Both at once: the store takes them together.
    rooms = {pair(*place) for place in wanted}
    await asyncio.gather(read_contacts(sources, wanted, reads), read_direct_rooms(sources, rooms, reads))


async def blocked_askers(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the contacts of users who block the one who asked them in a direct room."""
    pairs = {
        (asked.user, room.peer(asked.user))
        for asked in batch
        if asked.request.block
        and (room := reads.rooms.get(asked.request.room)) is not None
        and room.direct
        and asked.user in room.members
    }
    if pairs:
        await read_contacts(sources, {place for one in pairs for place in both(*one)}, reads)
        reads.records_of(Tally).update(await sources.store.tallies({user for user, _ in pairs}, 0))


async def other_devices(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the listed devices of users who are about to list another one: the oldest may have to go."""
    seen = {
        (asked.user, asked.request.device)
        for asked in batch
        if isinstance(asked.request, accounts.RecordDevice)
    }
    fresh = {place[0] for place in seen if place not in reads.devices or not reads.devices[place].listed}
    for device in await sources.store.listed(fresh) if fresh else ():
        reads.devices[device.user, device.device] = device
        reads.listed.setdefault(device.user, []).append(device.device)


async def bots(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the settings of bots that are about to change, or to greet somebody."""
    users = {user for asked in batch for user in (asked.user, *joining(asked))}
    found = await sources.store.bots(users) if reads.rules.bots else ()
    reads.records_of(Bot).update({bot.user: bot for bot in found})


def is_or_was_member(user: str, room: Room) -> bool:
    """Whether `user` is or was a member. For strangers nothing is read: they used no key here, and see no message.

    Maintenance asks with an empty user.
    """
    return not user or user in room.members or user in room.former


def devices_of(asked: Submitted) -> Iterable[tuple[str, str]]:
    """Return the devices, as (user, device), that this submission is about."""
    request = asked.request
    if isinstance(request, accounts.RecordLastSeen | accounts.ForgetDevices):
        return request.devices
    return [(asked.user, request.device)] if isinstance(request, DeviceBound) else ()


def group_of(via: str) -> str:
    """Return the name of the room in `via` of a friend request, "" without one."""
    return via.removeprefix(GROUP_VIA) if via.startswith(GROUP_VIA) else ""


NEEDS: Mapping[type, tuple[Need, ...]] = {
    Send: (used_keys, sent, linked),
    Edit: (messages, used_keys, sent),
    Recall: (messages, used_keys),
    React: (messages, used_keys),
    Pin: (messages, used_keys),
    Forward: (forwarded, used_keys),
    JudgedForward: (forwarded, used_keys),
    maintenance.SummariseReactions: (messages,),
    maintenance.PostNotice: (used_keys,),
    Read: (tails,),
    Played: (heard,),
    RoomCreate: (new_rooms, people, relations, pictures),
    RoomDirect: (new_rooms, people, relations, bots),
    OpenDirect: (new_rooms, people),
    RoomUpdate: (used_keys, pictures, linked),
    RoomDelete: (used_keys, pictures, linked),
    RemoveFollowers: (pictures,),
    RoomJoin: (used_keys, people, followed, asking, linked),
    RoomLeave: (used_keys, pictures, asking),
    MembersAdd: (used_keys, people, relations, followed, asking),
    MembersRemove: (used_keys, pictures, recent_messages, asking, bans),
    MembersUnban: (used_keys,),
    MembersSilence: (used_keys,),
    MembersNickname: (used_keys,),
    Announce: (messages, used_keys),
    MembersRole: (used_keys,),
    SetMembers: (used_keys, people, relations, followed, asking),
    InvitesCreate: (used_keys, people, of_group),
    InvitesRevoke: (used_keys, of_group),
    InvitesLook: (invited,),
    InvitesUse: (invited, people),
    JoinsDecide: (used_keys, people, followed, asking, bans),
    Clear: (tails,),
    Draft: (used_keys, drafts),
    Schedule: (used_keys, waiting, sent, held),
    SendScheduled: (used_keys, scheduled, sent, held, senders),
    EndScheduled: (used_keys, scheduled, held),
    Preferences: (people, preferences, pictures),
    PrivacySet: (privacy,),
    SetByHost: (privacy,),
    RoomDecline: (blocked_askers,),
    ProfileSet: (people, cards, pictures),
    DevicesRemove: (people,),
    FriendRequest: (contacts, direct_rooms, tallies, introductions, relations),
    FriendAccept: (contacts, direct_rooms, tallies),
    FriendDecline: (contacts,),
    FriendCancel: (contacts,),
    FriendRemove: (contacts, direct_rooms),
    ContactSet: (contacts, rooms_of_blocked, tallies, circles),
    CircleSet: (circles,),
    CircleDelete: (privacy,),
    ChangeGraph: (graph,),
    friends.Befriend: (contacts, direct_rooms),
    friends.ExpireContacts: (expiring,),
    accounts.Amend: (people, cards, pending, erasures_of_users, pictures),
    accounts.Revoke: (people,),
    accounts.RecordDevice: (people,),
    accounts.RecordLastSeen: (people,),
    accounts.ForgetDevices: (people,),
    **NEEDS_OF_ERASURES,
    **NEEDS_OF_IMPORTS,
    **NEEDS_OF_FILES,
    EndJoins: (ending,),
    EraseJoins: (ending,),
    PutBot: (people, cards, bots),
    DeleteBot: (bots,),
    api_keys.AddKey: (keys_of_api,),
    api_keys.RotateKey: (keys_of_api,),
    api_keys.DeleteKey: (keys_of_api,),
}
"""The needs of each type of request. One that is not here needs its room and nothing else."""
