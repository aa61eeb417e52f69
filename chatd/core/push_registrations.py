"""The places of devices at push services (protocol.md "Registering"). Synchronous and pure.

No decision reads them: each change says what is left of the others, so that a token has one owner whatever came before.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from msgspec import UNSET, Struct
from msgspec.structs import replace

from chatd.core.push import Address
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.push import DevicesPush

# Of APNs, it becomes part of a path; the others are text in JSON, and nothing in them is a control character.
HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+\Z")
PRINTABLE = re.compile(r"[!-~]+\Z")
# The field and the equation y² = x³ - 3x + b of P-256 (SEC 2, 2.4.2).
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


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
class Relocated:
    """A token that turned out to be of another environment of APNs."""

    digest: bytes
    environment: str


@dataclass(slots=True, frozen=True)
class ChangedRegistration:
    """A record: one change of registrations. They have one type, because their order counts."""

    change: Registration | Dropped | Relocated


def register(user: str, request: Registration, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(ChangedRegistration(replace(request, registered_at=writes.now)))
    return Ok()


def change(user: str, request: Dropped | Relocated, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(ChangedRegistration(request))
    return Ok()


def digest_of(address: Address) -> bytes:
    """Return the key of a token, which has one owner.

    >>> digest_of(Address("apns", "app", "9f2c")).hex()[:8]
    'cd295c84'
    """
    return sha256("\0".join((address.platform, address.app, address.token)).encode()).digest()


def address_of(request: DevicesPush, apps: Collection[tuple[str, str]]) -> Address:
    """Return the address that a device names, which is one that its push service may have given.

    `apps`: those with a key, as (platform, app); where a platform has one, requests need not name it.
    """
    words = [app for platform, app in apps if platform == request.platform]
    if not words:
        raise Refused("not_supported", f"no push by {request.platform} here", field="platform")
    app = words[0] if not request.app and len(words) == 1 else request.app
    if app not in words:
        raise Refused("not_supported", f"no such app of {request.platform} here", field="app")
    form = HEXADECIMAL if request.platform == "apns" else PRINTABLE
    if not form.match(request.token):
        raise Refused("bad_request", f"no token of {request.platform}", field="token")
    if (request.p256dh is UNSET) != (request.auth is UNSET):
        raise Refused("bad_request", "`p256dh` and `auth` come together", field="auth")
    if request.p256dh is UNSET or request.auth is UNSET:
        if request.platform == "web":
            raise Refused("bad_request", "what is sent to browsers is sealed: it needs keys", field="p256dh")
        keys = b"", b""
    else:
        keys = unpacked(request.p256dh), unpacked(request.auth)
        if not is_point(keys[0]):
            raise Refused("bad_request", "no point of P-256", field="p256dh")
    return Address(request.platform, app, request.token, request.purpose, request.environment, *keys)


def unpacked(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_point(packed: bytes) -> bool:
    """Whether an uncompressed point lies on P-256: with another, the secret of whoever seals would leak."""
    x, y = int.from_bytes(packed[1:33], "big"), int.from_bytes(packed[33:], "big")
    on_curve = (y * y - (x * x * x - 3 * x + B)) % PRIME == 0
    return packed[0] == 4 and max(x, y) < PRIME and on_curve
