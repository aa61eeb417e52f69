"""The keys of the host's API while the daemon runs: checked in memory, made, rotated and deleted by the writer."""

import re
from base64 import b32encode, urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from hmac import compare_digest

from chatd.commands.admin import Writes
from chatd.core.api_keys import KEY_PREFIX, AddKey, ApiKey, DeletedKey, DeleteKey, RotateKey, known_key
from chatd.core.audit import Audit
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.storage.interface import DecisionStore

# The prefix, the id of the key, and 256 random bits.
SECRET = re.compile(KEY_PREFIX + r"([a-z2-7]{8})_[A-Za-z0-9_-]{43}")
ID_BYTES, RANDOM_BYTES = 5, 32
_NONE = bytes(32)  # the digest of nothing
_NOBODY = ApiKey("", "", ())


class ApiKeys:
    """All keys, as of the last commit. A secret is known only to whoever was given it."""

    def __init__(self, store: DecisionStore, writes: Writes, env: Env) -> None:
        self._store = store
        self._writes = writes
        self._env = env
        self._keys: dict[str, ApiKey] = {}

    async def load(self) -> None:
        """Read the keys, before anybody is served."""
        self._keys = {key.id: key for key in await self._store.api_keys()}

    def on_commit(self, writes: WriteSet) -> None:
        """Take the keys that a commit changed. A commit hook."""
        if not writes.records:
            return
        for key in writes.records_of(ApiKey):
            self._keys[key.id] = key
        for deleted in writes.records_of(DeletedKey):
            self._keys.pop(deleted.id, None)

    def verified(self, secret: str) -> ApiKey | None:
        """Return the key of a secret; None when there is none, or it has expired. All cases take the same time."""
        found = SECRET.fullmatch(secret)
        key, digest, now = (
            self._keys.get(found[1] if found else "", _NOBODY),
            _digest(secret),
            self._env.now_ms(),
        )
        is_right = compare_digest(digest, key.digest or _NONE)
        is_earlier = compare_digest(digest, key.earlier or _NONE) and now < key.earlier_until
        return key if (is_right or is_earlier) and not key.is_over(now) else None

    def listed(self) -> list[ApiKey]:
        """Return all keys, in order of their names; those that expired stay until they are deleted."""
        return sorted(self._keys.values(), key=lambda key: key.name)

    def new_id(self) -> str:
        """Return an id for a new key."""
        return b32encode(self._env.random_bytes(ID_BYTES)).decode().lower()

    async def add(self, key: ApiKey, by: str | ApiKey, audit: Audit) -> tuple[ApiKey, str]:
        """Store a key with a new secret; return both. The secret is shown this once. Raises Refused.

        `by`, here and below: the asker (core/api_keys.py).
        """
        secret = self._new_secret(key.id)
        await self._writes("", AddKey(replace(key, digest=_digest(secret)), by), audit)
        return known_key(key.id, self._keys), secret

    async def rotate(self, id: str, overlap_s: int, by: str | ApiKey, audit: Audit) -> tuple[ApiKey, str]:
        """Give a key another secret, which is returned; the present one stays valid for `overlap_s` seconds."""
        secret = self._new_secret(id)
        await self._writes("", RotateKey(id, _digest(secret), overlap_s * 1000, by), audit)
        return known_key(id, self._keys), secret

    async def delete(self, id: str, by: str | ApiKey, audit: Audit) -> None:
        """Delete a key: it is refused from this commit on."""
        await self._writes("", DeleteKey(id, by), audit)

    def _new_secret(self, id: str) -> str:
        random = urlsafe_b64encode(self._env.random_bytes(RANDOM_BYTES)).decode().rstrip("=")
        return f"{KEY_PREFIX}{id}_{random}"


def _digest(secret: str) -> bytes:
    """Return its SHA-256: a secret of 256 random bits cannot be guessed, so a slow hash would gain nothing."""
    return sha256(secret.encode()).digest()
