"""Accounts, devices and revocations: what the daemon knows of a user besides rooms. Pure rows.

Revocations are marks: the moment in Unix milliseconds, raised above the mark before when the clock says less. So they
are a time, for tokens that say when they were issued, and a count, for those that say at which mark they were.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from chatd.protocol.errors import Refused

ALL_THE_SAME = "Check the spelling; --unseen is for one of the host app who has not come yet"


@dataclass(slots=True, frozen=True)
class Account:
    """One user. `password` is an argon2id hash, None for users of the host app.

    `revoked_before`: the mark before which all tokens are refused. `generation`: the last mark of any kind, of the user
    or of a device, before which those are refused that are bound to no device; 0 for none.
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


@dataclass(slots=True, frozen=True)
class DeviceSeen:
    """One install of one user. `revoked_before`: the mark before which tokens are refused on it; 0 for none."""

    user: str
    device: str
    app: str = ""
    os: str = ""
    last_seen: int = 0
    revoked_before: int = 0
    removed: bool = False  # not listed any more; the row stays while its revocation matters

    @property
    def listed(self) -> bool:
        """Whether it is one of the user's own: it was connected, as no revocation asks, and is not removed."""
        return self.last_seen > 0 and not self.removed

    @property
    def matters(self) -> bool:
        """Whether its row says anything: one that is neither listed nor revoked is not kept."""
        return self.listed or self.revoked_before > 0


def require_seen(user: str, device: str, account: Account | None, devices: Collection[DeviceSeen]) -> None:
    """Refused("not_found") for a user without an account or a device, or with a `device` given, not this one.

    Users of the host app need no account here: only their devices tell that they exist.
    """
    if device and device not in {one.device for one in devices}:
        raise Refused("not_found", f"{user} was never seen here with that device. {ALL_THE_SAME}")
    if account is None and not devices:
        raise Refused("not_found", f"nobody called {user} was ever seen here. {ALL_THE_SAME}")


def user_revoked(account: Account, now_ms: int) -> Account:
    """The account when every token issued until now is refused."""
    mark = _next_mark(account, now_ms)
    return replace(account, generation=mark, revoked_before=mark)


def device_revoked(account: Account, device: DeviceSeen, now_ms: int) -> tuple[Account, DeviceSeen]:
    """Account and device when every token issued until now that may be used on the device is refused.

    That is every one bound to no device, too: whoever has the device needs only name another.
    """
    mark = _next_mark(account, now_ms)
    return replace(account, generation=mark), replace(device, revoked_before=mark)


def _next_mark(account: Account, now_ms: int) -> int:
    return max(account.generation + 1, now_ms)
