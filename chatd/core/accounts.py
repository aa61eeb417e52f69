"""Accounts, devices and revocations: what the daemon knows of a user besides rooms. Pure rows."""

from collections.abc import Collection
from dataclasses import dataclass, field

from chatd.protocol.errors import Refused

ALL_THE_SAME = "Check the spelling; --unseen is for one of the host app who has not come yet"


@dataclass(slots=True, frozen=True)
class Account:
    """One user. `password` is an argon2id hash, None for users of the host app.

    `revoked_before` (Unix ms): tokens issued earlier are refused. `generation`: tokens below it are refused.
    """

    user: str
    name: str = ""
    avatar: str = ""
    version: int = 0
    receipts: bool = True
    disabled: bool = False
    generation: int = 0
    revoked_before: int = 0
    password: str | None = field(default=None, repr=False)
    created_at: int = 0


@dataclass(slots=True, frozen=True)
class DeviceSeen:
    """One install of one user. `revoked_before` (Unix ms): tokens of this device issued earlier are refused."""

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


AccountChange = Account | DeviceSeen


def require_seen(user: str, device: str, account: Account | None, devices: Collection[DeviceSeen]) -> None:
    """Refused("not_found") for a user without an account or a device, or with a `device` given, not this one.

    Users of the host app need no account here: only their devices tell that they exist.
    """
    if device and device not in {one.device for one in devices}:
        raise Refused("not_found", f"{user} was never seen here with that device. {ALL_THE_SAME}")
    if account is None and not devices:
        raise Refused("not_found", f"nobody called {user} was ever seen here. {ALL_THE_SAME}")
