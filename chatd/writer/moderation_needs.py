"""The needs of reports and of what moderators do about them."""

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from chatd.core.moderation import AskedReport, Filed, LastNumber, Neighbourhood
from chatd.core.read_set import ReadSet, pair
from chatd.core.report_actions import Action, AmendReport, Restrain, TakeBack, Warn, WarnUser
from chatd.core.restrictions import Restrict
from chatd.core.write_set import Message
from chatd.protocol.moderation import Report
from chatd.writer.file_needs import read_held
from chatd.writer.needs import people, read_direct_rooms
from chatd.writer.sources import Need, Sources, Submitted


async def reports(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read earlier reports of the same key or target, the reported messages with their neighbours, and users."""
    known = await sources.store.moderation.known([asked_report(asked, reads) for asked in batch])
    reads.records_of(Filed).update({filed.number: filed for filed in known.reports})
    reads.records_of(Neighbourhood).update(known.around)
    reads.records_of(LastNumber)["last"] = LastNumber(known.last)
    users = {asked.request.user for asked in batch if asked.request.user is not UNSET}
    reads.accounts.update((await sources.store.people(users, ())).accounts if users else {})


def asked_report(asked: Submitted, reads: ReadSet) -> AskedReport:
    """Return what is looked for. Strangers to a room are shown no message of it, so none is read for them."""
    request: Report = asked.request
    room = None if request.room is UNSET else reads.rooms.get(request.room)
    member = None if room is None else room.member(asked.user)
    number, first_visible = (0, 0) if room is None or member is None else (room.number, member.first_visible)
    return AskedReport(
        reporter=asked.user,
        key=request.key,
        user="" if request.user is UNSET else request.user,
        room="" if request.room is UNSET else request.room,
        seq=0 if request.seq is UNSET else request.seq,
        number=number,
        first_visible=first_visible,
    )


async def amended(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the reports that are about to change, and the messages that are about to be taken back."""
    numbers = {asked.request.number for asked in batch}
    found = await sources.store.moderation.at(numbers)
    reads.records_of(Filed).update({filed.number: filed for filed in found})
    targets = {
        (room.number, action.seq): room
        for asked in batch
        if (room := reads.rooms.get(asked.request.room)) is not None
        for action in asked.request.actions
        if isinstance(action, TakeBack)
    }
    for place, event in (await sources.store.messages_at(targets.keys()) if targets else {}).items():
        reads.messages[place] = Message(targets[place], event)
    await read_held(sources, targets, reads)


async def warned(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the accounts of users who are about to be warned or restricted, their direct rooms with who warns them, and
    whether that was done before.
    """
    warnings = [pair_and_key for asked in batch for pair_and_key in warnings_of(asked)]
    users = {user for (actor, user), _ in warnings for user in (actor, user)}
    restrained = {
        action.user for asked in batch for action in actions_of(asked) if isinstance(action, Restrain)
    }
    known = await sources.store.people(users | restrained, (), users)
    reads.accounts.update(known.accounts)
    reads.memberships.update(known.memberships)
    await read_direct_rooms(sources, {pair(*both) for both, _ in warnings}, reads)
    keys = {
        (room.number, actor, key)
        for (actor, user), key in warnings
        if key and (room := reads.pairs.get(pair(actor, user))) is not None
    }
    reads.keyed.update(await sources.store.keyed(keys) if keys else {})
    for _ in warnings:
        reads.fresh.append(
            (await sources.store.next_room_number(), int.from_bytes(sources.env.random_bytes(8), "big"))
        )


def actions_of(asked: Submitted) -> Sequence[Action]:
    return asked.request.actions if isinstance(asked.request, AmendReport) else ()


def warnings_of(asked: Submitted) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield who is about to warn whom; and with which key, if it was sent by the host."""
    if isinstance(asked.request, Warn):
        yield (asked.user, asked.request.user), asked.request.key
    for action in actions_of(asked):
        if isinstance(action, WarnUser):
            yield (asked.request.actor, action.user), ""


NEEDS: dict[type, tuple[Need, ...]] = {
    Restrict: (people,),
    Report: (reports,),
    AmendReport: (amended, warned),
    Warn: (warned,),
}
