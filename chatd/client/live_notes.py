"""The voice notes that are spoken now, as far as the server tells (protocol.md, "Live notes")."""

from .change_feed import ChangeFeed
from .core.changes import LiveNoteChanged
from .env import Env, Timer

LIVE = "live"
LOST = "cut"


class LiveNotes:
    """The notes that are spoken in each room; one of which nothing more is heard for `shown_s` is over."""

    def __init__(self, env: Env, shown_s: float, feed: ChangeFeed) -> None:
        self._env = env
        self._shown_s = shown_s
        self._feed = feed
        self._timers: dict[tuple[str, str, str], Timer] = {}

    def take(self, room: str, user: str, file: str, state: str) -> None:
        """Take what the server says of a note; it says again that one goes on."""
        note = room, user, file
        running = self._timers.pop(note, None)
        if running is not None:
            running.cancel()
        if state == LIVE:
            self._timers[note] = self._env.call_later(self._shown_s, lambda: self.take(*note, LOST))
        if (running is None) == (state == LIVE):
            self._feed.emit(LiveNoteChanged(*note, state))

    def in_room(self, room: str) -> dict[str, str]:
        """Return the notes that are spoken in a room, the file of each speaker."""
        return {user: file for place, user, file in self._timers if place == room}

    def clear(self) -> None:
        """Forget all of them, as the connection is gone."""
        for note in tuple(self._timers):
            self.take(*note, LOST)
