"""Decisions nobody makes over the socket: devices seen, revocation, accounts, notices, upkeep of rooms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from chatd.core import messages
from chatd.core.read_set import Facts
from chatd.core.users import Account, DeviceSeen, device_revoked, user_revoked
from chatd.core.write_set import Answer, Work
from chatd.protocol.errors import Refused
from chatd.protocol.limits import DEVICES_LISTED_MAX
from chatd.protocol.objects import Body, Event
from chatd.protocol.replies import Ok, SummaryOk, WriteOk
from chatd.protocol.requests import DevicesRemove


@dataclass(slots=True, frozen=True)
class SeeDevice:
    """A device said hello."""

    device: str
    app: str = ""
    os: str = ""


@dataclass(slots=True, frozen=True)
class SeeLeft:
    """Connections of devices ended: {(user, device): Unix milliseconds}."""

    devices: Mapping[tuple[str, str], int]


@dataclass(slots=True, frozen=True)
class ForgetDevices:
    """Drop the rows of these devices (user, device), unless they are listed or were revoked at `before` or later."""

    devices: Sequence[tuple[str, str]]
    before: int


@dataclass(slots=True, frozen=True)
class Settle:
    """Nothing: whoever waits for its outcome knows that everything asked before is durable."""


@dataclass(slots=True, frozen=True)
class Retell:
    """Bring summaries that the user read from the store up to the last commit, as far as their rooms are loaded.

    What changed since they were read is.
    """

    rooms: Sequence[SummaryOk]


@dataclass(slots=True, frozen=True)
class Revoke:
    """Refuse tokens issued before now: of one device, or of the whole user when `device` is empty."""

    device: str = ""


@dataclass(slots=True, frozen=True)
class Amend:
    """Change an account; None leaves a value as it is. `revoke`: refuse its earlier tokens, too.

    An account that is not there is added, unless it has to be (`existing`). `password` is an argon2id hash; with
    `replaces`, nothing changes unless the account still has that one.
    """

    name: str | None = None
    avatar: str | None = None
    password: str | None = field(default=None, repr=False)
    disabled: bool | None = None
    revoke: bool = False
    existing: bool = False
    replaces: str | None = field(default=None, repr=False)


@dataclass(slots=True, frozen=True)
class Notify:
    """A text of the host app in a room's log."""

    room: str
    body: Body


@dataclass(slots=True, frozen=True)
class SummariseReactions:
    """Tell a large room the reactions of one message."""

    room: str
    target: int


@dataclass(slots=True, frozen=True)
class Fold:
    """Drop the operations below `floor`; messages stay."""

    room: str
    floor: int


@dataclass(slots=True, frozen=True)
class ForgetKeys:
    """Forget keys of requests that logged nothing, used before this time (Unix ms)."""

    before: int


def forget_keys(user: str, request: ForgetKeys, work: Work, facts: Facts) -> Ok:
    work.forget_keys = request.before
    return Ok()


def settle(user: str, request: Settle, work: Work, facts: Facts) -> Ok:
    return Ok()


def retell(user: str, request: Retell, work: Work, facts: Facts) -> Ok:
    for reply in request.rooms:
        room = facts.rooms.get(reply.summary.room)
        if room is not None and user in room.members:
            work.answers.append(Answer(reply, room, user))
    return Ok()


def device_of(user: str, device: str, facts: Facts) -> DeviceSeen:
    return facts.devices.get((user, device)) or DeviceSeen(user, device)


def account_of(user: str, work: Work, facts: Facts) -> Account:
    return facts.accounts.get(user) or Account(user, created_at=work.now)


def put_account(account: Account, work: Work, facts: Facts) -> None:
    facts.accounts[account.user] = account
    work.accounts.append(account)


def put_device(device: DeviceSeen, work: Work, facts: Facts) -> None:
    facts.devices[device.user, device.device] = device
    work.accounts.append(device)


def see_device(user: str, request: SeeDevice, work: Work, facts: Facts) -> Ok:
    """Note when a device was last seen, and what it runs; one more than are listed takes the place of the oldest."""
    known = device_of(user, request.device, facts)
    if not known.listed:
        make_place(user, request.device, work, facts)
    app, os = request.app or known.app, request.os or known.os
    put_device(replace(known, app=app, os=os, last_seen=work.now, removed=False), work, facts)
    return Ok()


def make_place(user: str, device: str, work: Work, facts: Facts) -> None:
    """List `device`; of more than DEVICES_LISTED_MAX the one seen longest ago is not any more, and may come back."""
    listed = facts.listed.setdefault(user, [])
    listed.append(device)
    while len(listed) > DEVICES_LISTED_MAX:
        oldest = device_of(user, listed.pop(0), facts)
        put_device(replace(oldest, app="", os="", last_seen=0), work, facts)


def see_left(user: str, request: SeeLeft, work: Work, facts: Facts) -> Ok:
    """Note when devices were last seen, unless something later is known. One that is not listed stays so."""
    for place, left_at in request.devices.items():
        known = facts.devices.get(place)
        if known is not None and known.listed and left_at > known.last_seen:
            put_device(replace(known, last_seen=left_at), work, facts)
    return Ok()


def forget_devices(user: str, request: ForgetDevices, work: Work, facts: Facts) -> Ok:
    for place in request.devices:
        known = facts.devices.get(place)
        if known is not None and not known.listed and known.revoked_before < request.before:
            put_device(DeviceSeen(*place), work, facts)
    return Ok()


def remove_device(user: str, request: DevicesRemove, work: Work, facts: Facts) -> Ok:
    """Forget an own device and refuse its earlier tokens."""
    known = facts.devices.get((user, request.device))
    if known is None or not known.listed:
        raise Refused("not_found", "no such device", field="device")
    revoke_device(replace(known, removed=True), work, facts)
    work.ended.append((user, request.device))
    return Ok()


def revoke(user: str, request: Revoke, work: Work, facts: Facts) -> Ok:
    """Refuse earlier tokens from this commit on."""
    if request.device:
        revoke_device(device_of(user, request.device, facts), work, facts)
    else:
        put_account(user_revoked(account_of(user, work, facts), work.now), work, facts)
    return Ok()


def revoke_device(device: DeviceSeen, work: Work, facts: Facts) -> None:
    account, device = device_revoked(account_of(device.user, work, facts), device, work.now)
    put_account(account, work, facts)
    put_device(device, work, facts)


def amend(user: str, request: Amend, work: Work, facts: Facts) -> Ok:
    """Decided on the account as it is now, so that no two changes undo each other."""
    account = facts.accounts.get(user)
    if account is None and request.existing:
        raise Refused("not_found", f"there is no account {user}")
    if request.replaces is not None and (account is None or account.password != request.replaces):
        return Ok()
    known = account or Account(user, created_at=work.now)
    asked = {name: getattr(request, name) for name in ("name", "avatar", "password", "disabled")}
    changes = {name: value for name, value in asked.items() if value not in (None, getattr(known, name))}
    if "name" in changes or "avatar" in changes:  # phones that cache it compare versions
        changes["version"] = known.version + 1
    if request.revoke:
        put_account(user_revoked(replace(known, **changes), work.now), work, facts)
    elif account is None or changes:
        put_account(replace(known, **changes), work, facts)
    return Ok()


def notify(user: str, request: Notify, work: Work, facts: Facts) -> WriteOk:
    """Log a notice; it has no author and counts nowhere."""
    messages.check_body(request.body, facts.rules.body_bytes)
    room = facts.rooms.get(request.room)
    if room is None or room.deleted_by is not None:
        raise Refused("not_found", "no such room")
    event = work.append(room, Event(seq=0, kind="notice", body=request.body))
    return WriteOk(seq=event.seq, time=event.time)


def summarise_reactions(user: str, request: SummariseReactions, work: Work, facts: Facts) -> Ok:
    room = facts.rooms.get(request.room)
    message = facts.messages.get((room.number, request.target)) if room is not None else None
    if room is not None and message is not None and message.event.recalled is not True:
        messages.summarise_reactions(room, message, work)
    return Ok()


def fold(user: str, request: Fold, work: Work, facts: Facts) -> Ok:
    room = facts.rooms.get(request.room)
    if room is not None and request.floor > room.log_floor:
        work.touch(room).log_floor = request.floor
        work.folds.append((room.number, request.floor))
    return Ok()
