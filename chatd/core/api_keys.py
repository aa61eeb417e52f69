"""The keys of the host's API: records and decisions. Synchronous and pure.

A key may make keys, so none may give what it does not have: neither other scopes nor a longer life.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused

# All of them are in memory; an app has one for each of its services.
KEYS_MAX = 1000
READ = ".read"


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


@dataclass(slots=True, frozen=True)
class Grantor:
    """Whoever makes or changes a key: an operator by default, who has all scopes (None) and no end."""

    scopes: frozenset[str] | None = None
    expires_at: int = 0

    def may(self, scope: str, *, reads: bool = False) -> bool:
        """Whether `scope` is granted. `reads`: for reading only."""
        if self.scopes is None or scope in self.scopes:
            return True
        return (reads and scope + READ in self.scopes) or scope.removesuffix(READ) in self.scopes

    def require(self, key: ApiKey) -> None:
        """Raise Refused("forbidden") for a key that may more than this one, or lives longer."""
        missing = [scope for scope in key.scopes if not self.may(scope)]
        if missing:
            raise Refused("forbidden", f"this key has no scope {missing[0]} to give", field="scopes")
        if self.expires_at and not 0 < key.expires_at <= self.expires_at:
            raise Refused("forbidden", "a key may not outlive the key that makes it", field="expires_at")


@dataclass(slots=True, frozen=True)
class AddKey:
    key: ApiKey
    by: Grantor


@dataclass(slots=True, frozen=True)
class RotateKey:
    """Give a key another secret; the present one stays valid for `overlap_ms`."""

    id: str
    digest: bytes = field(repr=False)
    overlap_ms: int
    by: Grantor


@dataclass(slots=True, frozen=True)
class DeleteKey:
    id: str


@dataclass(slots=True, frozen=True)
class DeletedKey:
    """A record: the key is no more."""

    id: str


def add_key(user: str, request: AddKey, writes: WriteSet, reads: ReadSet) -> Ok:
    """Store a new key. Its name is its own, so that a repeated request does not make a second one."""
    keys, key = reads.records_of(ApiKey), replace(request.key, created_at=writes.now)
    request.by.require(key)
    if any(known.name == key.name for known in keys.values()) or key.id in keys:
        raise Refused("conflict", "there is a key of this name", field="name")
    if len(keys) >= KEYS_MAX:
        raise Refused("too_large", f"there are {KEYS_MAX} keys")
    if key.is_over(writes.now):
        raise Refused("bad_request", "`expires_at` is over", field="expires_at")
    put_key(key, writes, keys)
    return Ok()


def rotate_key(user: str, request: RotateKey, writes: WriteSet, reads: ReadSet) -> Ok:
    keys = reads.records_of(ApiKey)
    key = known_key(request.id, keys)
    request.by.require(key)
    until = writes.now + request.overlap_ms
    put_key(replace(key, digest=request.digest, earlier=key.digest, earlier_until=until), writes, keys)
    return Ok()


def delete_key(user: str, request: DeleteKey, writes: WriteSet, reads: ReadSet) -> Ok:
    keys = reads.records_of(ApiKey)
    del keys[known_key(request.id, keys).id]
    writes.add(DeletedKey(request.id))
    return Ok()


def known_key(id: str, keys: Mapping[str, ApiKey]) -> ApiKey:
    if id not in keys:
        raise Refused("not_found", "no such key")
    return keys[id]


def put_key(key: ApiKey, writes: WriteSet, keys: dict[str, ApiKey]) -> None:
    keys[key.id] = key
    writes.add(key)
