"""Decisions on accounts and devices. Synchronous and pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from chatd.core.erasures import reopened
from chatd.core.event_feed import changed_account
from chatd.core.friends import end_pending
from chatd.core.permissions import HOST
from chatd.core.profiles import (
    Card,
    CardChange,
    Whole,
    apply,
    card_of,
    check_pictures,
    hold_pictures,
    put_card,
)
from chatd.core.push_registrations import ChangedRegistration, Dropped
from chatd.core.read_set import ReadSet
from chatd.core.users import Account, DeviceSeen, device_revoked, user_revoked
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.limits import DEVICES_LISTED_MAX
from chatd.protocol.users import DevicesRemove, UserKind


@dataclass(slots=True, frozen=True)
class RecordDevice:
    """Note that a device said hello."""

    device: str
    app: str = ""
    os: str = ""


@dataclass(slots=True, frozen=True)
class RecordLastSeen:
    """Note when the last connections of devices ended: {(user, device): Unix milliseconds}."""

    devices: Mapping[tuple[str, str], int]


@dataclass(slots=True, frozen=True)
class ForgetDevices:
    """Drop the rows of these devices (user, device), unless they are listed or were revoked at `before` or later."""

    devices: Sequence[tuple[str, str]]
    before: int


@dataclass(slots=True, frozen=True)
class Revoke:
    """Refuse tokens issued before now: of one device, or of the whole user when `device` is empty."""

    device: str = ""


@dataclass(slots=True, frozen=True)
class Amend:
    """Change an account and its card; None leaves a value as it is. `revoke`: also refuse tokens issued before now.

    A missing account is added, or refused where `existing` is set. `password` is an argon2id hash; with `replaces`,
    nothing changes unless the account still has that hash. `handle`, `verified` and `page` (as profiles.packed returns
    it) are removed by an empty value, and refused where people are switched off.
    """

    name: str | None = None
    avatar: str | None = None
    handle: str | None = None
    verified: str | None = None
    page: bytes | None = None
    kind: UserKind | None = None
    password: str | None = field(default=None, repr=False)
    disabled: bool | None = None
    revoke: bool = False
    existing: bool = False
    replaces: str | None = field(default=None, repr=False)
    created_at: int | None = None


def device_of(user: str, device: str, reads: ReadSet) -> DeviceSeen:
    return reads.devices.get((user, device)) or DeviceSeen(user, device)


def account_of(user: str, writes: WriteSet, reads: ReadSet) -> Account:
    return reads.accounts.get(user) or Account(user, created_at=writes.now)


def put_account(account: Account, writes: WriteSet, reads: ReadSet) -> None:
    reads.accounts[account.user] = account
    writes.add(account)


def put_device(device: DeviceSeen, writes: WriteSet, reads: ReadSet) -> None:
    reads.devices[device.user, device.device] = device
    writes.add(device)


def record_device(user: str, request: RecordDevice, writes: WriteSet, reads: ReadSet) -> Ok:
    """Note when a device was last seen, and its app and OS."""
    known = device_of(user, request.device, reads)
    if not known.listed:
        if reads.rules.new_account_ms and user not in reads.accounts and not reads.listed.get(user):
            # Seen for the first time: from now on the account has an age.
            put_account(Account(user, created_at=writes.now), writes, reads)
        list_device(user, request.device, writes, reads)
    app, os = request.app or known.app, request.os or known.os
    put_device(replace(known, app=app, os=os, last_seen=writes.now, removed=False), writes, reads)
    return Ok()


def list_device(user: str, device: str, writes: WriteSet, reads: ReadSet) -> None:
    """List `device`; beyond DEVICES_LISTED_MAX the one seen longest ago is unlisted until its next hello."""
    listed = reads.listed.setdefault(user, [])
    listed.append(device)
    while len(listed) > DEVICES_LISTED_MAX:
        oldest = device_of(user, listed.pop(0), reads)
        put_device(replace(oldest, app="", os="", last_seen=0), writes, reads)
        writes.add(ChangedRegistration(Dropped(user, oldest.device)))


def record_last_seen(user: str, request: RecordLastSeen, writes: WriteSet, reads: ReadSet) -> Ok:
    """Note when devices were last seen, unless a later time is known. An unlisted device stays unlisted."""
    for key, left_at in request.devices.items():
        known = reads.devices.get(key)
        if known is not None and known.listed and left_at > known.last_seen:
            put_device(replace(known, last_seen=left_at), writes, reads)
    return Ok()


def forget_devices(user: str, request: ForgetDevices, writes: WriteSet, reads: ReadSet) -> Ok:
    for key in request.devices:
        known = reads.devices.get(key)
        if known is not None and not known.listed and known.revoked_before < request.before:
            put_device(DeviceSeen(*key), writes, reads)
    return Ok()


def remove_device(user: str, request: DevicesRemove, writes: WriteSet, reads: ReadSet) -> Ok:
    """Unlist a device of the user, refuse its earlier tokens and end its connections."""
    known = reads.devices.get((user, request.device))
    if known is None or not known.listed:
        raise Refused("not_found", "no such device", field="device")
    revoke_device(replace(known, removed=True), writes, reads)
    writes.ended.append((user, request.device))
    return Ok()


def revoke(user: str, request: Revoke, writes: WriteSet, reads: ReadSet) -> Ok:
    """Refuse tokens issued before now, from this commit on."""
    if request.device:
        revoke_device(device_of(user, request.device, reads), writes, reads)
    else:
        put_account(user_revoked(account_of(user, writes, reads), writes.now), writes, reads)
        writes.add(ChangedRegistration(Dropped(user)))
    return Ok()


def revoke_device(device: DeviceSeen, writes: WriteSet, reads: ReadSet) -> None:
    account, device = device_revoked(account_of(device.user, writes, reads), device, writes.now)
    put_account(account, writes, reads)
    put_device(device, writes, reads)
    writes.add(ChangedRegistration(Dropped(device.user, device.device)))


def amend(user: str, request: Amend, writes: WriteSet, reads: ReadSet) -> Ok:
    """Change the account as it is now, so that no two changes undo each other."""
    account = reads.accounts.get(user)
    if account is None and request.existing:
        raise Refused("not_found", f"there is no account {user}")
    if request.replaces is not None and (account is None or account.password != request.replaces):
        return Ok()
    known = reopened(account or Account(user, created_at=writes.now), writes, reads)
    wanted = {name: getattr(request, name) for name in ("password", "disabled", "created_at")}
    changes = {name: value for name, value in wanted.items() if value not in (None, getattr(known, name))}
    if changes.get("disabled"):
        end_pending(user, writes, reads)
    if "disabled" in changes:
        writes.add(changed_account(user, "disabled" if changes["disabled"] else "enabled"))
    if changes.get("disabled") or request.revoke:
        writes.add(ChangedRegistration(Dropped(user)))
    changed = amend_card(known, request, writes, reads)
    if changes:
        changed = replace(changed, **changes)
    if request.revoke:
        put_account(user_revoked(changed, writes.now), writes, reads)
    elif changed != account:
        put_account(changed, writes, reads)
    return Ok()


def amend_card(account: Account, request: Amend, writes: WriteSet, reads: ReadSet) -> Account:
    """Change the card as the host wants it; return the account that goes with it, not stored."""
    change = CardChange(**{name: getattr(request, name) for name in CardChange.__slots__})
    if not reads.rules.people.enabled:
        if (change.handle, change.verified, change.page) != (None, None, None):
            raise Refused("not_supported", "people are switched off here")
        wanted = {name: getattr(change, name) for name in ("name", "avatar", "kind")}
        names = {name: value for name, value in wanted.items() if value not in (None, getattr(account, name))}
        if not names:
            return account
        # Phones that cache a profile compare versions.
        renamed = replace(account, version=account.version + 1, **names)
        show_pictures((account, Card(account.user)), (renamed, Card(account.user)), writes, reads)
        writes.add(changed_account(account.user, "profile"))
        return renamed
    card = card_of(account.user, reads)
    changed, new = apply(change, account, card, reads)
    if (changed, new) == (account, card):
        return account
    show_pictures((account, card), (changed, new), writes, reads)
    return put_card(changed, new, writes, reads)


def show_pictures(before: Whole, after: Whole, writes: WriteSet, reads: ReadSet) -> None:
    """Let a card hold the pictures that the host gives it: files of its own, or of the user."""
    check_pictures(before, after, (HOST, before[0].user), reads)
    hold_pictures(before, after, writes, reads)
