"""The places of devices at push services (protocol.md "Push notifications"). Synchronous and pure.

No decision reads them: each change says what is left of the others, so that a token has one owner whatever came before.
"""

from dataclasses import dataclass
from hashlib import sha256

from msgspec import Struct

from chatd.core.push import Address


class Registration(Struct, frozen=True):
    """The place of one device, for the purpose of its address. `registered_at`: Unix ms.

    `epoch`: of the history at that time. In a later one the token may belong to somebody else by now, who registered it
    after the backup: they are shown nothing of this user until the device has registered again.
    """

    user: str
    device: str
    address: Address
    registered_at: int
    epoch: str


@dataclass(slots=True, frozen=True)
class Dropped:
    """Registrations that end: of one device, or of all of the user when `device` is empty; of all purposes when
    `purpose` is.

    `digest`: only where it still has this token. `until`: only where it registered no later, in Unix ms; 0 for always.
    """

    user: str
    device: str = ""
    purpose: str = ""
    digest: bytes = b""
    until: int = 0


@dataclass(slots=True, frozen=True)
class ChangedRegistration:
    """A record: one change of registrations. They have one type, because their order counts."""

    change: Registration | Dropped


def digest_of(address: Address) -> bytes:
    """Return the key of a token, which has one owner.

    >>> digest_of(Address("apns", "app", "9f2c")).hex()[:8]
    'cd295c84'
    """
    return sha256("\0".join((address.platform, address.app, address.token)).encode()).digest()
