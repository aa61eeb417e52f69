"""The times when devices were last seen: the ends of their connections, recorded a second later in few commits.

A crash loses a second of these times; there is no promise about them.
"""

from chatd.core.accounts import RecordLastSeen
from chatd.env import Env
from chatd.writer.submission import Submission
from chatd.writer.writer import Writer

# Short enough that nobody sees the delay, long enough that a storm of ends is a few commits.
FLUSH_AFTER_S = 1.0
# Devices in a commit: some milliseconds, like a batch of as many sends.
DEVICES_AT_ONCE = 512


class LastSeenRecorder:
    """The recorder of last-seen times. Call `flush` before the writer stops, else the last second is lost."""

    def __init__(self, env: Env, writer: Writer) -> None:
        self._env = env
        self._writer = writer
        self._left: dict[tuple[str, str], int] = {}

    def on_disconnected(self, user: str, device: str) -> None:
        """Note that the connection of a device ended now."""
        if not self._left:
            self._env.call_later(FLUSH_AFTER_S, self.flush)
        self._left[user, device] = self._env.now_ms()

    def flush(self) -> None:
        """Submit the times noted so far to the writer."""
        times, self._left = list(self._left.items()), {}
        for first in range(0, len(times), DEVICES_AT_ONCE):
            some = dict(times[first : first + DEVICES_AT_ONCE])
            self._writer.submit(Submission("", RecordLastSeen(some)))
