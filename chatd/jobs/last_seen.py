"""When devices were last seen: the ends of their connections, noted a second later and all together.

What a crash takes with it is a second of these times, which nobody was promised.
"""

from chatd.core.accounts import RecordLastSeen
from chatd.env import Env
from chatd.writer.writer import Submission, Writer

FLUSH_AFTER_S = 1.0  # shorter than anybody looks at a time, long enough that a storm of ends is a few commits
DEVICES_AT_ONCE = 512  # devices a commit: some milliseconds, like a batch of as many sends


class LastSeenRecorder:
    """Call `flush` before the writer stops, else the last second is lost."""

    def __init__(self, env: Env, writer: Writer) -> None:
        self._env = env
        self._writer = writer
        self._left: dict[tuple[str, str], int] = {}

    def on_disconnected(self, user: str, device: str) -> None:
        """The connection of a device ended now."""
        if not self._left:
            self._env.call_later(FLUSH_AFTER_S, self.flush)
        self._left[user, device] = self._env.now_ms()

    def flush(self) -> None:
        """Have the writer note what was gathered."""
        gathered, self._left = list(self._left.items()), {}
        for first in range(0, len(gathered), DEVICES_AT_ONCE):
            self._writer.submit(
                Submission("", RecordLastSeen(dict(gathered[first : first + DEVICES_AT_ONCE])))
            )
