"""The self-test of a server: one user sends to another over real WebSockets, and the times are measured.

A new server gets a first message. With a server that has it already, the test finds it and sends a typing signal,
which takes the same way and is not stored; between strangers, who are shown none, the other one finds it too.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

from chatd.client import Change, ChangeStream, Client, MessageAdded, Room, SendDone, Settings, TypingStarted

TIMEOUT_S = 15.0  # it takes some 50 ms; on a machine that swaps, seconds
TEXT = "Hello! This message was sent by the self-test of chatd dev."


async def self_test(
    url: str, token_of: Callable[[str], str], sender: str, receiver: str, *, hear_signals: bool = True
) -> str:
    """Return a summary with times for a person. Raises TimeoutError, OSError, ChatError or Closed."""
    async with (
        asyncio.timeout(TIMEOUT_S),
        _client(url, token_of, receiver) as inbox,
        _client(url, token_of, sender) as outbox,
    ):
        room = await outbox.direct(receiver)
        if stored := await room.timeline(1):
            if not hear_signals:
                return await _read_again(await inbox.direct(sender), stored[-1].seq)
            await inbox.call({"type": "focus", "rooms": [room.id]})
            return await _typing_signal(room, stored[-1].seq, inbox.changes())
        return await _first_message(room, outbox.changes(), inbox.changes())


async def _first_message(room: Room, sent: ChangeStream, received: ChangeStream) -> str:
    begun = perf_counter()
    key = await room.post(TEXT)

    async def stored() -> tuple[int, float]:
        change = await _next(sent, lambda change: isinstance(change, SendDone) and change.key == key)
        return change.seq, _ms_since(begun)

    async def delivered() -> float:
        await _next(received, lambda change: isinstance(change, MessageAdded) and change.message.key == key)
        return _ms_since(begun)

    (seq, stored_ms), delivered_ms = await asyncio.gather(stored(), delivered())
    return f"stored in {stored_ms:.1f} ms, delivered in {delivered_ms:.1f} ms (seq {seq})"


async def _read_again(room: Room, seq: int) -> str:
    read = await room.timeline(1)
    if not read or read[-1].seq != seq:
        raise ConnectionError(f"message {seq} is not there for both")
    return f"message {seq} is still there for both"


async def _typing_signal(room: Room, seq: int, received: ChangeStream) -> str:
    begun = perf_counter()
    room.typing()
    await _next(received, lambda change: isinstance(change, TypingStarted) and change.room == room.id)
    return f"message {seq} is still there, a typing signal came in {_ms_since(begun):.1f} ms"


async def _next(changes: ChangeStream, wanted: Callable[[Change], bool]) -> Any:
    """Return the first wanted change."""
    async for change in changes:
        if wanted(change):
            return change
    raise ConnectionError("the client was stopped")


def _ms_since(begun: float) -> float:
    return 1000 * (perf_counter() - begun)


def _client(url: str, token_of: Callable[[str], str], user: str) -> Client:
    async def token() -> str:
        return token_of(user)

    # The same device at every start, so that repeated self-tests leave one device, not hundreds.
    device = f"chatd-selftest-{user}".ljust(22, "-")[:22]
    return Client(url, token, device=device, settings=Settings(app="chatd dev"))
