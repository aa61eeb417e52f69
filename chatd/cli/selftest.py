"""The self-test of a new server: one message between two users, over real WebSockets, and its figures."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from chatd.client import ChangeStream, Client, MessageAdded, Room, SendDone, Settings

TIMEOUT_S = 15.0  # it takes some 50 ms; on a machine that swaps, seconds
TEXT = "Hello! This message was sent by the self-test of chatd dev."


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, in milliseconds from the call of the sender."""

    seq: int
    stored_ms: float
    delivered_ms: float


async def first_message(url: str, token_of: Callable[[str], str], sender: str, receiver: str) -> Figures:
    """Sends a message, waits until it is stored and delivered. Raises TimeoutError, ChatError or Closed."""
    async with (
        asyncio.timeout(TIMEOUT_S),
        _client(url, token_of, receiver) as inbox,
        _client(url, token_of, sender) as outbox,
    ):
        room = await outbox.direct(receiver)
        return await _measured(room, outbox.changes(), inbox.changes())


async def _measured(room: Room, sent: ChangeStream, received: ChangeStream) -> Figures:
    begun = perf_counter()
    key = await room.post(TEXT)

    async def stored() -> tuple[int, float]:
        async for change in sent:
            if isinstance(change, SendDone) and change.key == key:
                return change.seq, perf_counter()
        raise ConnectionError("the sender was stopped")

    async def delivered() -> float:
        async for change in received:
            if isinstance(change, MessageAdded) and change.message.key == key:
                return perf_counter()
        raise ConnectionError("the receiver was stopped")

    (seq, stored_at), delivered_at = await asyncio.gather(stored(), delivered())
    return Figures(seq, 1000 * (stored_at - begun), 1000 * (delivered_at - begun))


def _client(url: str, token_of: Callable[[str], str], user: str) -> Client:
    async def token() -> str:
        return token_of(user)

    # The same device at every start, so that repeated self-tests leave one behind, not hundreds.
    device = f"chatd-selftest-{user}".ljust(22, "-")[:22]
    return Client(url, token, device=device, settings=Settings(app="chatd dev"))
