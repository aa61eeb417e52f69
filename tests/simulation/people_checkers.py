"""The checkers of people: pure functions over the history of a run. A finding is a sentence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.simulation.history import Conversation, History, Packet, Row, Truth
from tests.simulation.membership import FOR_EVER, Members
from tests.simulation.people_record import CONTACTS
from tests.simulation.positions import summaries

Findings = Iterator[str]

# Receipts are gathered for a second, so those of before a block may come so much later; a timer is late by some steps
# of the loop.
RECEIPTS_INTERVAL_S = 1.001
# A connection that takes no bytes is sent what was queued for it before a block.
QUEUES = frozenset(("tight",))
# A message can always be taken back, and a person erased.
UNGATED = frozenset(("recall", "erased"))


class Block(NamedTuple):
    """A block of `user` by `owner`, in force from behind the commit `since` to before the commit `until`."""

    owner: str
    user: str
    since: int
    until: int

    def between(self, one: str, other: str) -> bool:
        return {one, other} == {self.owner, self.user}

    def holds_at(self, stamp: int) -> bool:
        return self.since < stamp < self.until


@dataclass(slots=True)
class Acknowledged:
    """A block whose acknowledgement was written at `since`, until somebody asked for its end."""

    epoch: str
    owner: str
    user: str
    since: float
    until: float


def judged(history: History) -> Iterator[tuple[Truth, int]]:
    """Yield the truths of a run with people, each with the commit behind which all its blocks are known."""
    if history.people:
        known = [0, *(truth.kept or 0 for truth in history.truths)]
        yield from zip(history.truths, known, strict=False)


def blocks_of(history: History, epoch: str) -> list[Block]:
    """Return all blocks of an epoch, from the contacts as commits left them."""
    began: dict[tuple[str, str], int] = {}
    found = []
    versions = {(row.stamp, row.user, row.name): row for row in history.versions.get(epoch, ())}
    for (stamp, owner, user), row in sorted(versions.items()):
        if row.section != CONTACTS:
            continue
        blocked = bool(row.value and row.value.get("blocked"))
        if blocked:
            began.setdefault((owner, user), stamp)
        elif (owner, user) in began:
            found.append(Block(owner, user, began.pop((owner, user)), stamp))
    return found + [Block(*pair, since, FOR_EVER) for pair, since in began.items()]


def acknowledged_blocks(history: History) -> list[Acknowledged]:
    """Return the blocks that clients know of, with the times between which nothing may cross."""
    changes = [*changes_of_blocks(history)]
    found = []
    for change in changes:
        if not change.blocked or change.answered is None:
            continue
        # One that was on its way before may have come after.
        ends = [
            end.asked
            for end in changes
            if not end.blocked
            and (end.owner, end.user) == (change.owner, change.user)
            and (end.answered is None or end.answered >= change.answered)
        ]
        found.append(
            Acknowledged(
                change.epoch, change.owner, change.user, change.answered, min(ends, default=float("inf"))
            )
        )
    return found


class Change(NamedTuple):
    """A request that sets or ends a block. `answered`: when the daemon wrote its answer, None for no known answer."""

    epoch: str
    owner: str
    user: str
    blocked: bool
    asked: float
    answered: float | None


def changes_of_blocks(history: History) -> Iterator[Change]:
    for said in history.conversations:
        answers = {received.packet.get("id"): received for received in said.received}
        for at, packet, _ in said.asked:
            if packet["type"] == "contact.set" and "blocked" in packet:
                answer = answers.get(packet["id"])
                if answer is not None and answer.packet["type"] != "ok":
                    continue
                answered = None if answer is None else answer.written
                yield Change(said.epoch, said.user, packet["user"], packet["blocked"], at, answered)


def reciprocity(history: History) -> Findings:
    """No half friend: in every commit the two contacts of a pair fit each other."""
    yield from history.uneven


def contacts_converge(history: History) -> Findings:
    """In the end every device has the contacts of the database."""
    yield from history.apart


def blocked_silence(history: History) -> Findings:
    """A block holds from its acknowledgement: nothing that is committed later crosses."""
    for truth, known in judged(history):
        blocks = blocks_of(history, truth.epoch)
        if blocks:
            yield from crossing_events(truth, known, blocks)
    blocks_told = acknowledged_blocks(history) if history.people else []
    for said in history.conversations if blocks_told else ():
        mine = [b for b in blocks_told if said.user in (b.owner, b.user) and b.epoch == said.epoch]
        if mine:
            yield from crossing_packets(said, mine, history.faults)


def crossing_events(truth: Truth, known: int, blocks: list[Block]) -> Findings:
    """Yield the events of a direct room under a block, and those by which one brings the other into a group."""
    for room, log in truth.rooms.items():
        pair = truth.directs.get(room)
        for seq, row in log.items():
            if row.stamp <= known:
                continue
            author = row.event.get("user", "")
            if pair is not None:
                pairs = [pair] if row.event["kind"] not in UNGATED else []
            elif row.event["kind"] in ("created", "joined"):
                pairs = [(author, user) for user in row.event["users"] if user != author]
            else:
                pairs = []
            for one, other in pairs:
                for block in blocks:
                    if block.between(one, other) and block.holds_at(row.stamp):
                        yield f"{room} {seq} at commit {row.stamp} crosses {block}: {row.event}"


def crossing_packets(said: Conversation, blocks: list[Acknowledged], faults: frozenset[str]) -> Findings:
    """Yield the packets that show one of two users what the other does under a block."""
    requests = {sent.packet["id"]: sent for sent in said.asked if "id" in sent.packet}
    for received in said.received:
        packet = received.packet
        sent = requests.get(packet.get("id", 0))
        if sent is not None:
            from_when = sent.at
        elif faults & QUEUES:
            continue
        else:
            late = RECEIPTS_INTERVAL_S if packet["type"] == "receipts" else 0.0
            from_when = received.written - late
        for user in shown_users(packet):
            for block in blocks:
                pair = {block.owner, block.user}
                if pair == {user, said.user} and block.since < from_when and received.written < block.until:
                    yield f"{said.client} at {received.written:.4f} under {block} is shown {packet}"


def shown_users(packet: Packet) -> list[str]:
    """Return the users whom a packet shows as present, as typing, as readers, or with their page."""
    kind = packet["type"]
    if kind == "typing":
        return [packet["user"]]
    if kind == "receipts":
        return [row["user"] for row in packet["receipts"]]
    users = packet.get("users", ()) if kind in ("presence", "ok") else ()
    shown = [row["user"] for row in users if row.keys() & {"last_seen", "page"} or "state" in row]
    if kind == "ok":
        in_focus = [row for room in packet.get("rooms", ()) for row in room.get("receipts", ())]
        shown += [row["user"] for row in (*packet.get("readers", ()), *in_focus)]
    return shown


def ignored_exactly(history: History) -> Findings:
    """A message counts nothing for exactly those members who block its author when it comes."""
    for truth, known in judged(history):
        blocks = blocks_of(history, truth.epoch)
        for room, log in truth.rooms.items():
            members = Members(row.event for row in log.values())
            joined = joins_of(log)
            for seq, row in log.items():
                if "ordinal" not in row.event or row.stamp <= known:
                    continue
                # protocol.md "Channels": blocking somebody changes nothing there.
                holding = [] if room in truth.channels else blocks
                ours = [block for block in holding if block.user == row.event["user"]]
                due = {block.owner for block in ours if block.holds_at(row.stamp)}
                due = {user for user in due if members.saw(user, seq)}
                # Of the same commit, nothing says which came first.
                unsure = {block.owner for block in ours if row.stamp in (block.since, block.until)}
                unsure |= joined.get(row.stamp, set())
                if due - unsure != row.ignored - unsure:
                    yield f"{room} {seq} is ignored by {sorted(row.ignored)}, should be by {sorted(due)}"


def joins_of(log: dict[int, Row]) -> dict[int, set[str]]:
    """Return the users who came into a room, by commit."""
    found: dict[int, set[str]] = {}
    for row in log.values():
        if row.event["kind"] in ("created", "joined"):
            found.setdefault(row.stamp, set()).update(row.event["users"])
    return found


def silent_requests(history: History) -> Findings:
    """A stranger makes no sound: nothing comes of a room of which a connection was told that it is a request."""
    for said in history.conversations if history.people else ():
        asked: set[str] = set()
        for received in said.received:
            packet = received.packet
            if packet["type"] in ("event", "receipts", "typing") and packet["room"] in asked:
                yield f"{said.client} was asked in {packet['room']}, and is pushed {packet}"
            for summary in summaries(packet) if packet["type"] != "head" else ():
                (asked.add if summary.get("request") else asked.discard)(summary["room"])
            if packet["type"] == "head" and asked & {row["room"] for row in packet["rooms"]}:
                yield f"{said.client} was asked, and is pushed {packet}"
            for room in gone_in(packet):
                asked.discard(room)


def gone_in(packet: Packet) -> list[str]:
    return [packet["room"]] if packet["type"] == "gone" else list(packet.get("sync", packet).get("gone", ()))


PEOPLE_CHECKERS = (reciprocity, contacts_converge, blocked_silence, ignored_exactly, silent_requests)
