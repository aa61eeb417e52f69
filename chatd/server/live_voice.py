"""Pushes about voice notes that are heard while they are spoken (protocol.md "Live notes").

The process of media says which upload it is, and the daemon looks every time who may know of it: whoever has the room
on screen, as with typing.
"""

import asyncio

from chatd.commands.context import Context
from chatd.commands.presence import may_show_typing
from chatd.media.interface import Live
from chatd.protocol.errors import ChatError
from chatd.storage.interface import Store
from chatd.storage.sqlite.media_reads import speaker

# More than a process has at a time; those it has forgotten end without a push.
SPEAKERS_MAX = 2000


class LiveVoice:
    """The notes that are spoken now, by file: their speaker, and the room."""

    def __init__(self, store: Store, context: Context) -> None:
        self._store = store
        self._context = context
        self._speakers: dict[str, tuple[str, str]] = {}
        # A state is told before the one that follows it.
        self._order = asyncio.Lock()

    async def on_state(self, live: Live | None) -> None:
        """Push the state of a note to those who may hear it; None: the process that said them is gone.

        The next process says those that go on, and clients wait that long.
        """
        async with self._order:
            if live is None:
                self._speakers.clear()
                return
            if live.state == "live":
                found = await self._store.read(speaker, live.file)
                if found is None or len(self._speakers) >= SPEAKERS_MAX:
                    return
                self._speakers[live.file] = found
            else:
                found = self._speakers.pop(live.file, None)
            if found is not None:
                await self._push(live, *found)

    async def _push(self, live: Live, user: str, name: str) -> None:
        context = self._context
        try:
            room, member = await context.enter(user, name, "post")
        except ChatError:
            # They were put out, or the room is gone: whoever heard of it waits for the next push in vain.
            return
        if room.size <= context.config.delivery.typing_members and may_show_typing(
            room, member, context.env.now_ms()
        ):
            context.typing_sink.voice(user, room.number, live.file, live.state, room.kept_from(user))
