"""The keys of the host's API: records and decisions. Synchronous and pure.

A key may make keys, so none may give what it does not have: neither other scopes nor a longer life.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chatd.core.audit import SOCKET
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused

# All of them are in memory; an app has one for each of its services.
KEYS_MAX = 1000
READ = ".read"
# Of a secret, for those who search logs and code for lost keys.
KEY_PREFIX = "ck_"
# The ids of visitors of the console begin with it; those of keys have no colon.
VISITOR = "console:"


@dataclass(slots=True, frozen=True)
class ApiKey:
    """A key. `digest`: SHA-256 of its secret. `earlier`: that of the secret before, valid until `earlier_until`.

    `scopes`: words such as `users`, or `users.read` for reading only. `expires_at`: 0 for never. Times are Unix ms.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    digest: bytes = field(default=b"", repr=False)
    created_at: int = 0
    expires_at: int = 0
    earlier: bytes = field(default=b"", repr=False)
    earlier_until: int = 0

    def is_over(self, now_ms: int) -> bool:
        """Whether it has expired."""
        return 0 < self.expires_at <= now_ms

    def may(self, scope: str, *, reads: bool = False) -> bool:
        """Whether it has `scope`. `reads`: for reading only."""
        accepted = {scope, scope.removesuffix(READ), scope + READ if reads else scope}
        return not accepted.isdisjoint(self.scopes)


@dataclass(slots=True, frozen=True)
class AddKey:
    """Make a key. `by`, here and below: the id of the key that asks, or SOCKET for an operator, who may do all.

    A visitor of the console stands there itself, because it is not stored.
    """

    key: ApiKey
    by: str | ApiKey


@dataclass(slots=True, frozen=True)
class RotateKey:
    """Give a key another secret; the present one stays valid for `overlap_ms`."""

    id: str
    digest: bytes = field(repr=False)
    overlap_ms: int
    by: str | ApiKey


@dataclass(slots=True, frozen=True)
class DeleteKey:
    id: str
    by: str | ApiKey


@dataclass(slots=True, frozen=True)
class DeletedKey:
    """A record: the key is no more."""

    id: str


def add_key(user: str, request: AddKey, writes: WriteSet, reads: ReadSet) -> Ok:
    """Store a new key. Its name is its own, so that a repeated request does not make a second one."""
    keys, key = reads.records_of(ApiKey), replace(request.key, created_at=writes.now)
    require_weaker(key, request.by, keys, writes.now)
    if any(known.name == key.name for known in keys.values()) or key.id in keys:
        raise Refused(
            "conflict", f"there is a key called {key.name} already: rotate or delete it", field="name"
        )
    if len(keys) >= KEYS_MAX:
        raise Refused("too_large", f"there are {KEYS_MAX} keys")
    if key.is_over(writes.now):
        raise Refused("bad_request", "`expires_at` is over", field="expires_at")
    put_key(key, writes, keys)
    return Ok()


def rotate_key(user: str, request: RotateKey, writes: WriteSet, reads: ReadSet) -> Ok:
    keys = reads.records_of(ApiKey)
    key = known_key(request.id, keys)
    require_weaker(key, request.by, keys, writes.now)
    until = writes.now + request.overlap_ms
    put_key(replace(key, digest=request.digest, earlier=key.digest, earlier_until=until), writes, keys)
    return Ok()


def delete_key(user: str, request: DeleteKey, writes: WriteSet, reads: ReadSet) -> Ok:
    keys = reads.records_of(ApiKey)
    require_weaker(known_key(request.id, keys), request.by, keys, writes.now)
    del keys[request.id]
    writes.add(DeletedKey(request.id))
    return Ok()


def require_weaker(key: ApiKey, by: str | ApiKey, keys: Mapping[str, ApiKey], now_ms: int) -> None:
    """Raise Refused("forbidden") for a key that may more than the key `by`, or lives longer."""
    if by == SOCKET:
        return
    own = by if isinstance(by, ApiKey) else keys.get(by)
    if own is None or own.is_over(now_ms):
        raise Refused("forbidden", "the key that asks has ended meanwhile")
    missing = [scope for scope in key.scopes if not own.may(scope)]
    if missing:
        raise Refused("forbidden", f"the key that asks has no scope {missing[0]}", field="scopes")
    if own.expires_at and not 0 < key.expires_at <= own.expires_at:
        raise Refused("forbidden", "the key that asks does not live as long", field="expires_at")


def known_key(id: str, keys: Mapping[str, ApiKey]) -> ApiKey:
    if id not in keys:
        raise Refused("not_found", "no such key")
    return keys[id]


def put_key(key: ApiKey, writes: WriteSet, keys: dict[str, ApiKey]) -> None:
    keys[key.id] = key
    writes.add(key)
