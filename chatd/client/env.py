"""Time, randomness and timers: the only file of the client that asks the operating system for them."""

import asyncio
import base64
import os
import random
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A timer that has been set."""

    def cancel(self) -> None: ...


class Env(Protocol):
    """Time, randomness and timers, as the client needs them; a test passes its own."""

    def monotonic(self) -> float:
        """Return seconds that never jump; time asleep does not count."""
        ...

    def time_ms(self) -> int:
        """Return Unix milliseconds of this device, only for display."""
        ...

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def key(self) -> str:
        """Return a fresh idempotency key: 22 characters, base64url of a UUIDv7 (protocol.md, "Identifiers and
        counters")."""
        ...

    def device(self) -> str:
        """Return a fresh device id: 22 characters, base64url of 128 random bits (protocol.md, "Identifiers and
        counters")."""
        ...

    def call_later(self, delay_s: float, action: Callable[[], None]) -> Timer:
        """Call `action` once, `delay_s` seconds from now."""
        ...


class SystemEnv:
    """The clock, randomness and timers of the operating system."""

    def monotonic(self) -> float:
        return time.monotonic()

    def time_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def random(self) -> float:
        return random.random()  # noqa: S311 - jitter, not a secret

    def key(self) -> str:
        return base64url(uuid7(self.time_ms(), os.urandom(10)))

    def device(self) -> str:
        return base64url(os.urandom(16))

    def call_later(self, delay_s: float, action: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, action)


async def wait(env: Env, delay_s: float) -> None:
    """Sleep by the clock of `env`."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = env.call_later(delay_s, lambda: None if over.done() else over.set_result(None))
    try:
        await over
    finally:
        timer.cancel()


def uuid7(time_ms: int, noise: bytes) -> bytes:
    """Return a UUIDv7 of 48 bits of time and 74 of the 80 bits of `noise` (RFC 9562, section 5.7)."""
    value = bytearray(time_ms.to_bytes(6, "big") + noise)
    value[6] = 0x70 | value[6] & 0x0F
    value[8] = 0x80 | value[8] & 0x3F
    return bytes(value)


def base64url(value: bytes) -> str:
    """Return URL-safe base64 without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
