"""Passwords of built-in accounts: argon2id on two threads behind a bounded queue, never on the event loop."""

import asyncio
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chatd.protocol.errors import Refused, Unavailable

MEMORY_KIB = 19 * 1024  # with 2 passes and 1 lane: a choice of OWASP, 40 ms on a usual core
PASSES = 2
LANES = 1
LENGTH_MIN = 8  # code points: NIST SP 800-63B
LENGTH_MAX = 128  # code points: enough for a passphrase; bounds the cost of a hostile input
WORKERS = 2  # threads: logins may take two cores and 38 MiB, no more
WAITING_MAX = 32  # queued checks: 0.7 s of work; further ones are refused with a time to try again
RETRY_AFTER_MS = 1000  # by then the queue is worked off

# Checked in place of the hash of a user who does not exist: the same work, and no password matches.
DUMMY_HASH = (
    f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$"
    + b64encode(bytes(16)).decode().rstrip("=")
    + "$"
    + b64encode(bytes(32)).decode().rstrip("=")
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """The outcome of a check; with a right password a new hash, when the stored one is weaker than today's."""

    right: bool
    rehashed: str | None = field(default=None, repr=False)


class Passwords:
    """The hashing and checking of passwords. Call `close` at the end."""

    def __init__(self, *, waiting_max: int = WAITING_MAX) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES)
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="password")
        self._waiting = 0
        self._waiting_max = waiting_max

    async def hash(self, password: str) -> str:
        """Return the hash to store. Refused("bad_request") below 8 or above 128 code points of NFC."""
        text = _normal(password)
        if text is None:
            message = f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters"
            raise Refused("bad_request", message, field="password")
        return await self._run(lambda: self._hasher.hash(text))

    async def check(self, password: str, stored: str | None) -> PasswordCheck:
        """Whether `password` belongs to `stored`; None, an unknown user, takes as long and is never right.

        Raises Unavailable("overloaded") when too many wait.
        """
        text = _normal(password)
        if text is None:
            return PasswordCheck(False)
        return await self._run(lambda: self._checked(text, stored))

    def close(self) -> None:
        """End the threads; queued checks are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _checked(self, text: str, stored: str | None) -> PasswordCheck:
        try:
            self._hasher.verify(stored or DUMMY_HASH, text)
        except (VerificationError, InvalidHashError):
            return PasswordCheck(False)
        if stored is None:
            return PasswordCheck(False)
        outdated = self._hasher.check_needs_rehash(stored)
        return PasswordCheck(True, self._hasher.hash(text) if outdated else None)

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._waiting >= self._waiting_max + WORKERS:
            raise Unavailable(
                "overloaded", "too many passwords are being checked", retry_after=RETRY_AFTER_MS
            )
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._threads.submit(work))
        finally:
            self._waiting -= 1


def _normal(password: str) -> str | None:
    """Return the password in NFC, because keyboards compose an umlaut differently; None when it is unusable."""
    # A character decomposes into four at most; checked first so that a megabyte is not even normalised.
    if len(password) > 4 * LENGTH_MAX:
        return None
    text = unicodedata.normalize("NFC", password)
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        return None
    # Lone surrogates come from broken input, not from a keyboard, and cannot be encoded.
    return None if any("\ud800" <= letter <= "\udfff" for letter in text) else text
