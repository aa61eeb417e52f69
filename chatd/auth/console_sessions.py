"""Access to the console: keys that open it once, and the sessions of the browsers that used one. All in memory.

A key comes from the admin socket (`chatd console`), a session lives in a cookie. Of both only digests are kept, so that
nothing in memory opens the console, and looking one up takes no longer for a guess that begins well. Either is of a
visitor: a name for the audit, and scopes of the host's API.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection
from typing import NamedTuple

from chatd.core.api_keys import VISITOR, ApiKey
from chatd.core.rates import TAKEN, Rate, TokenBucket, retry_after_ms, take
from chatd.env import Env
from chatd.protocol.errors import Refused

KEY_BYTES = 16  # 128 bits: not to be guessed in 60 s, nor ever
KEY_S = 60.0  # from the terminal into a browser
KEYS_MAX = 16  # unused ones: more than there are operators; a script cannot fill the memory
COOKIE_BYTES = 32  # it lives longer than a key
SESSION_S = 12 * 3600  # a working day
SESSIONS_MAX = 64  # as many as there may be watchers
ATTEMPTS_PER_MIN = 10  # an operator needs one; each wrong one is a line of the log


class _Kept(NamedTuple):
    """A key or a session: its end in monotonic seconds, and its visitor."""

    ends_at: float
    visitor: ApiKey


_NONE = _Kept(0.0, ApiKey("", "", ()))


class ConsoleSessions:
    """The keys and sessions of the console; the oldest of either gives way to a new one."""

    lifetime_s = SESSION_S

    def __init__(self, env: Env) -> None:
        self._env = env
        self._keys: dict[bytes, _Kept] = {}  # by digest, oldest first
        self._sessions: dict[bytes, _Kept] = {}
        self._attempts = TokenBucket(Rate.per_minute(ATTEMPTS_PER_MIN))

    def new_key(self, name: str, scopes: Collection[str]) -> str:
        """Return a key that opens the console once, within `KEY_S` seconds, for a visitor with these scopes."""
        visitor = ApiKey(f"{VISITOR}{name}", name, tuple(scopes))
        return self._new(self._keys, KEY_BYTES, KEY_S, KEYS_MAX, visitor)

    def sign_in(self, key: str) -> str | None:
        """Return a new cookie for a key, which is used up; None for one that is wrong, used or too old.

        Raises Refused("rate_limited") when it was tried too often.
        """
        now = self._env.monotonic()
        wait_s, _ = refusal = take((("address", self._attempts),), now)
        if refusal != TAKEN:
            raise Refused("rate_limited", retry_after=retry_after_ms(wait_s), scope="address")
        ends_at, visitor = self._keys.pop(_digest(key), _NONE)
        if now >= ends_at:
            return None
        return self._new(self._sessions, COOKIE_BYTES, SESSION_S, SESSIONS_MAX, visitor)

    def visitor(self, cookie: str) -> ApiKey | None:
        """Return the visitor whose open session has this cookie; None when there is none."""
        ends_at, visitor = self._sessions.get(_digest(cookie), _NONE)
        return visitor if self._env.monotonic() < ends_at else None

    def sign_out(self, cookie: str) -> None:
        """End the session of a cookie, if there is one."""
        self._sessions.pop(_digest(cookie), None)

    def _new(
        self, kept: dict[bytes, _Kept], size: int, seconds: float, kept_max: int, visitor: ApiKey
    ) -> str:
        now = self._env.monotonic()
        for digest in [digest for digest, one in kept.items() if one.ends_at <= now]:
            del kept[digest]
        if len(kept) >= kept_max:
            del kept[next(iter(kept))]
        text = urlsafe_b64encode(self._env.random_bytes(size)).decode().rstrip("=")
        kept[_digest(text)] = _Kept(now + seconds, visitor)
        return text


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
