"""Decisions without a daemon: rooms and their log in memory, batches as the writer makes them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from msgspec import convert, structs

from chatd.core.allowances import Allowances
from chatd.core.bans import RecentMessages
from chatd.core.bots import Bot, DeletedBot
from chatd.core.contact_settings import ClearedCircle
from chatd.core.contacts import Contact, State, Tally
from chatd.core.decisions import DECISIONS
from chatd.core.erasures import Erasure
from chatd.core.exports import DroppedExport, Export
from chatd.core.friends import Introduction
from chatd.core.graph import GraphFeed
from chatd.core.invites import FreshInvite, IssuedInvite
from chatd.core.joining import Join
from chatd.core.privacy import NO_TIE, Relation, Side
from chatd.core.privacy_settings import PRIVACY
from chatd.core.profiles import Card, Holder
from chatd.core.read_set import DAY_MS, DirectPair, KeyedEvent, ReadSet, Rules, Tail
from chatd.core.room import DIRECT, GROUP, Member, Room
from chatd.core.room_summary import complete_room_replies
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import Message, NewEvent, Reaction, WriteSet
from chatd.protocol.codec import decode_event, decode_tree, encode
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError
from chatd.protocol.identifiers import room_name
from chatd.protocol.members import MembersRemove, Role
from chatd.protocol.messages import EVERYBODY, MESSAGE, Event
from chatd.protocol.privacy import Audience, Capability, Privacy
from tests.kit.env import START_MS

Asked = tuple[str, Any]


def group(number: int = 1, **roles: Role) -> Room:
    """Return a group as it is after its creation: event 1 is `created`, every member sees everything."""
    room = Room(number, room_name("g", number), GROUP, next(iter(roles), "nobody"), START_MS, seq=1)
    for user, role in roles.items():
        room.members[user] = Member(user, role, START_MS, first_visible=1, read=0, read_ordinal=0)
    return room


def direct(a: str, b: str, number: int = 1) -> Room:
    """Return a direct room as it is after its creation."""
    room = Room(number, room_name("d", number), DIRECT, a, START_MS, seq=1)
    for user in (a, b):
        room.members[user] = Member(user, "member", START_MS, first_visible=1, read=0, read_ordinal=0)
    return room


class MemoryWriter:
    """A writer that decides batches and keeps their outcome in the log from which it builds read sets."""

    def __init__(self, *rooms: Room, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.rooms = {room.name: room for room in rooms}
        self.now = START_MS
        self.stamp = 0
        self.log: dict[tuple[int, int], NewEvent] = {}
        self.messages: dict[tuple[int, int], bytes] = {}
        self.keyed: dict[tuple[int, str, str], KeyedEvent] = {}
        self.reactions: set[tuple[int, int, str, str]] = set()
        self.accounts: dict[str, Account] = {}
        self.devices: dict[tuple[str, str], DeviceSeen] = {}
        self.contacts: dict[tuple[str, str], Contact] = {}
        self.feeds: dict[str, GraphFeed] = {}
        self.rows: dict[tuple[str, str, str], ChangedRow] = {}
        self.joins: dict[tuple[int, str], Join] = {}
        self.invites: dict[str, IssuedInvite] = {}
        self.introduction = Introduction(know=False, share_room=False)
        # Users whom the host does not know.
        self.unknown: set[str] = set()
        self.cards: dict[str, Card] = {}
        self.erasures: dict[str, Erasure] = {}
        self.exports: dict[str, Export] = {}
        self.bots: dict[str, Bot] = {}
        self.created: dict[tuple[str, str], Room] = {}
        self.pairs: dict[tuple[str, str], Room] = {}
        self.pace = Allowances()
        # The write set of the last batch.
        self.writes = WriteSet(now=self.now, stamp=0)

    def ask(self, user: str, request: Any) -> Any:
        """Decide one request and keep its outcome; return the reply, or raise the refusal."""
        (reply,) = self.batch([(user, request)])
        if isinstance(reply, ChatError):
            raise reply
        return reply

    def batch(self, asked: Iterable[Asked]) -> list[Ok | ChatError]:
        """Decide several requests in one WriteSet and keep its outcome; return replies and refusals in order."""
        replies = self.decide(asked)
        self.commit()
        return replies

    def decide(self, asked: Iterable[Asked]) -> list[Ok | ChatError]:
        """Decide without keeping anything: `writes` waits for `commit` or a rollback."""
        asked = list(asked)
        reads = self.gather(asked)
        self.writes = WriteSet(now=self.now, stamp=self.stamp + 1)
        replies = [self._one(user, request, reads) for user, request in asked]
        complete_room_replies(self.writes, self.rules.shown_to)
        return replies

    def _one(self, user: str, request: Any, reads: ReadSet) -> Ok | ChatError:
        try:
            return DECISIONS[type(request)](user, request, self.writes, reads)
        except ChatError as refusal:
            return refusal

    def gather(self, asked: list[Asked]) -> ReadSet:
        """Return what the writer would have read, as copies."""
        reads = ReadSet(self.rules, self.rooms)
        for (number, seq), blob in self.messages.items():
            mine = {(u, emoji) for room, at, u, emoji in self.reactions if (room, at) == (number, seq)}
            reads.messages[number, seq] = Message(self.room(number), decode_event(blob), mine)
        reads.keyed = dict(self.keyed)
        reads.created, reads.pairs = dict(self.created), dict(self.pairs)
        reads.accounts, reads.devices = dict(self.accounts), dict(self.devices)
        reads.records_of(Card).update(self.cards)
        reads.records_of(Erasure).update(self.erasures)
        reads.records_of(Export).update(self.exports)
        reads.records_of(Bot).update(self.bots)
        reads.records_of(Holder).update({card.handle: Holder(user) for user, card in self.cards.items()})
        reads.memberships = Counter(user for room in self.rooms.values() for user in room.members)
        for device in sorted(self.devices.values(), key=lambda device: device.last_seen):
            if device.listed:
                reads.listed.setdefault(device.user, []).append(device.device)
        self.gather_people(asked, reads)
        reads.records_of(Join).update(self.joins)
        reads.records_of(IssuedInvite).update(self.invites)
        names = [f"{len(self.invites) + step:022}" for step in range(len(asked))]
        reads.records_of(FreshInvite).update({name: FreshInvite(name) for name in names})
        self.gather_recent(asked, reads)
        reads.allowances, reads.now_s = self.pace, (self.now - START_MS) / 1000
        highest = max((room.number for room in self.rooms.values()), default=0)
        reads.fresh = [(highest + step, highest + step) for step in range(len(asked) + 1, 0, -1)]
        for user, request in asked:
            room = self.rooms.get(getattr(request, "room", ""))
            if room is not None and hasattr(request, "seq"):
                reads.tails[room.number, user, request.seq] = self.tail(room, user, request.seq)
        return reads

    def gather_recent(self, asked: list[Asked], reads: ReadSet) -> None:
        """Read what users wrote in a day who are removed with their messages."""
        for _, request in asked:
            if not isinstance(request, MembersRemove) or not request.recall or request.room not in self.rooms:
                continue
            room = self.rooms[request.room]
            for user in request.users:
                seqs = [
                    seq
                    for (number, seq), message in sorted(reads.messages.items())
                    if number == room.number
                    and message.event.user == user
                    and isinstance(message.event.time, int)
                    and message.event.time > self.now - DAY_MS
                ]
                if seqs:
                    reads.records_of(RecentMessages)[room.number, user] = RecentMessages(seqs, room.seq)

    def gather_people(self, asked: list[Asked], reads: ReadSet) -> None:
        reads.records_of(Contact).update(self.contacts)
        reads.records_of(GraphFeed).update(self.feeds)
        reads.records_of(ChangedRow).update(self.rows)
        for owner in {owner for owner, _ in self.contacts}:
            tally = reads.records_of(Tally)[owner] = Tally()
            mine = [contact for (of, _), contact in self.contacts.items() if of == owner]
            for contact in sorted(mine, key=lambda contact: contact.since):
                tally.count(contact, 1)
                if contact.state is State.RECEIVED and not contact.known:
                    tally.strangers.append(contact.user)
        for user, request in asked:
            reads.records_of(Introduction)[user, getattr(request, "user", "")] = self.introduction
            for other in (getattr(request, "user", ""), *getattr(request, "users", ())):
                if isinstance(other, str):
                    sides = self.side(user, other), self.side(other, user)
                    is_known = other not in self.unknown
                    reads.records_of(Relation)[user, other] = Relation(*sides, is_known=is_known)

    def side(self, user: str, other: str) -> Side:
        account = self.accounts.get(user) or Account(user)
        tie, rules = self.contacts.get((user, other), NO_TIE), self.rules_of(user)
        return Side(user, tie, rules, account.disabled, account.is_automated)

    def rules_of(self, user: str) -> Mapping[Capability, Audience]:
        """Return the rules of privacy that a user chose."""
        row = self.rows.get((user, ACCOUNT, PRIVACY))
        return {} if row is None or row.value is None else convert(decode_tree(row.value), Privacy).rules

    def room(self, number: int) -> Room:
        return next(room for room in self.rooms.values() if room.number == number)

    def tail(self, room: Room, user: str, seq: int) -> Tail:
        """Return the end of the log, counted as a store counts."""
        counted = [
            new for (number, _), new in self.log.items() if number == room.number and is_counted(new.event)
        ]
        after = [new for new in counted if new.event.seq > seq]
        return Tail(
            ordinal=len(counted) - len(after),
            own=sum(new.event.user == user for new in after),
            mentions=sum(
                new.event.user != user and (user in new.mentions or EVERYBODY in new.mentions)
                for new in after
            ),
        )

    def commit(self) -> None:
        """Keep the outcome of the open WriteSet."""
        writes = self.writes
        for steps in writes.steps.values():
            for step in steps:
                if isinstance(step, NewEvent):
                    self._keep(step)
        for room in writes.created:
            self.rooms[room.name] = room
            if room.client_key is not None:
                self.created[room.creator, room.client_key] = room
        for made in writes.records_of(DirectPair):
            self.pairs[made.lower, made.higher] = self.room(made.room)
        for place, message in writes.messages.items():
            self.messages[place] = encode(message.event)
        for row in writes.records_of(Reaction):
            place_of = (row.room, row.seq, row.user, row.emoji)
            (self.reactions.add if row.set else self.reactions.discard)(place_of)
        for account in writes.records_of(Account):
            self.accounts[account.user] = account
        for card in writes.records_of(Card):
            self.cards[card.user] = card
        for bot in writes.records_of(Bot):
            self.bots[bot.user] = bot
        for deleted in writes.records_of(DeletedBot):
            self.bots.pop(deleted.user, None)
        self.erasures.update({erasure.user: erasure for erasure in writes.records_of(Erasure)})
        for dropped in writes.records_of(DroppedExport):
            self.exports.pop(dropped.user, None)
        self.exports.update({export.user: export for export in writes.records_of(Export)})
        for device in writes.records_of(DeviceSeen):
            self.devices[device.user, device.device] = device
        for cleared in writes.records_of(ClearedCircle):
            for pair, contact in self.contacts.items():
                if contact.owner == cleared.owner:
                    left = contact.circles & ~(1 << cleared.number)
                    self.contacts[pair] = structs.replace(contact, circles=left)
        for contact in writes.records_of(Contact):
            self.contacts[contact.owner, contact.user] = contact
        for feed in writes.records_of(GraphFeed):
            self.feeds[feed.feed] = feed
        for join in writes.records_of(Join):
            self.joins[join.room, join.user] = join
        self.invites.update({invite.invite: invite for invite in writes.records_of(IssuedInvite)})
        for changed in writes.records_of(ChangedRow):
            self.rows[changed.user, changed.section, changed.name] = changed
        writes.mark_durable()
        self.pace.charge(writes, (self.now - START_MS) / 1000)
        self.stamp = writes.stamp

    def _keep(self, new: NewEvent) -> None:
        event = new.event
        place = (new.room.number, event.seq)
        self.log[place] = new
        if event.kind == MESSAGE:
            self.messages[place] = encode(event)
        if new.key is not None:
            assert isinstance(event.time, int)
            author = event.user if isinstance(event.user, str) else ""
            stored = KeyedEvent(decode_event(new.blob), event.time, new.digest)
            self.keyed[new.room.number, author, new.key] = stored

    def events(self, room: Room) -> list[Event]:
        """Return the log of a room, as stored."""
        return [
            decode_event(new.blob) for (number, _), new in sorted(self.log.items()) if number == room.number
        ]

    def message(self, room: Room, seq: int) -> Event:
        """Return a message in its current state."""
        return decode_event(self.messages[room.number, seq])

    def snapshot(self) -> Any:
        """Return everything that a rollback has to restore, as an independent copy."""
        return deepcopy(self.rooms)


def is_counted(event: Event) -> bool:
    return isinstance(event.ordinal, int)
