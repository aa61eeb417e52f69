"""Accounts, devices and revocations.

A revocation is a mark: its time in Unix milliseconds, or one more than the mark before where that is higher. So a
token can be compared with it that says when it was issued, and one that says at which mark.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal

from chatd.protocol.errors import Refused
from chatd.protocol.users import UserKind

ALL_THE_SAME = (
    "Check the spelling; for one of the host app who is yet to come leave `seen` out (chatd user: --unseen)"
)


# In place of a time: for ever. The first millisecond of 1970 has long passed.
FOR_EVER = 1

Restrained = Literal["ban", "mute", "limit"]


@dataclass(slots=True, frozen=True)
class Restriction:
    """What keeps a user from using the chat for a while (protocol.md "Restrictions"). Nobody else sees it.

    `until`: Unix milliseconds, or FOR_EVER. `reason`: a word of the moderators.
    """

    what: Restrained
    until: int
    reason: str = ""

    def holds(self, now_ms: int) -> bool:
        """Whether it is in force. It ends by itself, without a change."""
        return self.until == FOR_EVER or now_ms < self.until

    def left_ms(self, now_ms: int) -> int | None:
        """Return the milliseconds until it ends; None if it never does."""
        return None if self.until == FOR_EVER else self.until - now_ms


@dataclass(slots=True, frozen=True)
class Account:
    """One user. `password` is an argon2id hash, None for users of the host app.

    `revoked_before`: the mark before which all tokens are refused. `generation`: the last mark of the user or of one of
    their devices, before which tokens that are bound to no device are refused; 0 for none.
    """

    user: str
    name: str = ""
    avatar: str = ""
    version: int = 0
    receipts: bool = True
    presence: bool = True
    disabled: bool = False
    generation: int = 0
    revoked_before: int = 0
    password: str | None = field(default=None, repr=False)
    created_at: int = 0
    kind: UserKind = "person"
    restriction: Restriction | None = None

    @property
    def is_automated(self) -> bool:
        """Whether a program speaks here: a bot, or an official account of the host."""
        return self.kind != "person"


@dataclass(slots=True, frozen=True)
class DeviceSeen:
    """One install of one user. `revoked_before`: the mark before which tokens are refused on it; 0 for none."""

    user: str
    device: str
    app: str = ""
    os: str = ""
    last_seen: int = 0
    revoked_before: int = 0
    # Not listed any more; the row stays while its revocation matters.
    removed: bool = False

    @property
    def listed(self) -> bool:
        """Whether the user sees it among their devices: it was connected (a revocation alone adds a row, too) and is
        not removed.
        """
        return self.last_seen > 0 and not self.removed

    @property
    def matters(self) -> bool:
        """Whether its row is kept: it is listed or revoked."""
        return self.listed or self.revoked_before > 0


def require_seen(user: str, device: str, account: Account | None, devices: Collection[DeviceSeen]) -> None:
    """Raise Refused("not_found") for a user without account and devices, or without this `device` when it is given.

    A user of the host app needs no account here; only their devices show that they exist.
    """
    if device and device not in {known.device for known in devices}:
        raise Refused("not_found", f"{user} was never seen here with that device. {ALL_THE_SAME}")
    if account is None and not devices:
        raise Refused("not_found", f"nobody called {user} was ever seen here. {ALL_THE_SAME}")


def user_revoked(account: Account, now_ms: int) -> Account:
    """Return the account with every token issued until now refused."""
    mark = _next_mark(account, now_ms)
    return replace(account, generation=mark, revoked_before=mark)


def device_revoked(account: Account, device: DeviceSeen, now_ms: int) -> tuple[Account, DeviceSeen]:
    """Return account and device with every token refused that was issued until now and works on the device.

    That includes tokens bound to no device: somebody who holds the device could name another id with them.
    """
    mark = _next_mark(account, now_ms)
    return replace(account, generation=mark), replace(device, revoked_before=mark)


def _next_mark(account: Account, now_ms: int) -> int:
    return max(account.generation + 1, now_ms)
