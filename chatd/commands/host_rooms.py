"""Rooms and messages as the host reads and changes them: in the place of a user, or in its own."""

from base64 import b32encode
from typing import Any

from chatd.commands.admin import Writes
from chatd.commands.context import Context
from chatd.core.audit import Audit
from chatd.protocol.envelope import Ok

# Keys that the server makes have a colon, so that they are none of a client's.
KEY_PREFIX = "api:"
KEY_BYTES = 10  # 80 random bits


class HostRooms:
    """The host's view of rooms. `user`, everywhere: in whose place; HOST of core/permissions.py for the host itself."""

    def __init__(self, ctx: Context, writes: Writes) -> None:
        self._ctx = ctx
        self._writes = writes

    def new_key(self) -> str:
        """Return a key for a change that is repeated by its name, not by a key."""
        return KEY_PREFIX + b32encode(self._ctx.env.random_bytes(KEY_BYTES)).decode().lower()

    async def decide(self, user: str, request: Any, audit: Audit) -> Ok:
        """Decide and store a request in the place of `user`, with its entry in the audit; return its reply."""
        return await self._writes(user, request, audit)
