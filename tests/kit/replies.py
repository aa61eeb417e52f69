"""Answers as bytes, and reduced to what two of them have in common."""

from typing import Any

from tests.kit.client import TestClient
from tests.kit.client_socket import Frame

# Keys of a hello reply that differ every time.
_OF_THE_MOMENT = frozenset({"id", "session", "time", "cursor", "token_ttl"})


async def frame_answering(client: TestClient, request: dict[str, Any]) -> Frame:
    """Return the frame with the reply to a request. Nothing else may be on its way to this client."""
    count = len(client.link.frames_received)
    await client.reply_to(request)
    (frame,) = client.link.frames_received[count:]
    return frame


def shown(reply: Any) -> Any:
    """Return a reply without the keys that differ every time, at every depth."""
    if isinstance(reply, dict):
        return {name: shown(value) for name, value in reply.items() if name not in _OF_THE_MOMENT}
    return [shown(element) for element in reply] if isinstance(reply, list) else reply
