"""Answers as bytes and as far as two of them may be compared."""

from typing import Any

from tests.kit.client import TestClient
from tests.kit.client_socket import Frame

_OF_THE_MOMENT = frozenset(
    {"id", "session", "time", "cursor"}
)  # keys of a hello reply that differ every time


async def frame_answering(client: TestClient, request: dict[str, Any]) -> Frame:
    """The frame with the reply to a request. Nothing else may be on its way to this phone."""
    count = len(client.link.frames_received)
    await client.reply_to(request)
    (frame,) = client.link.frames_received[count:]
    return frame


def shown(reply: Any) -> Any:
    """A reply without what belongs to its moment, at every depth."""
    if isinstance(reply, dict):
        return {name: shown(value) for name, value in reply.items() if name not in _OF_THE_MOMENT}
    return [shown(element) for element in reply] if isinstance(reply, list) else reply
