"""The last lines of the log, for the console: filled by the thread that writes the log, read by the event loop."""

import threading
from collections import deque
from dataclasses import dataclass
from itertools import islice


@dataclass(slots=True, frozen=True)
class LogLine:
    """One line as the log writes it; `level` is a number of `logging`."""

    number: int
    level: int
    text: str


class LogRing:
    """The last `lines_max` lines, numbered from 1 without gaps; 0 keeps none."""

    def __init__(self, lines_max: int) -> None:
        self._lines: deque[LogLine] = deque(maxlen=lines_max)
        self._lock = threading.Lock()
        self.last = 0  # the number of the newest line

    def append(self, level: int, text: str) -> None:
        """Add a line, in any thread."""
        with self._lock:
            self.last += 1
            self._lines.append(LogLine(self.last, level, text))

    def after(self, number: int, count: int) -> list[LogLine]:
        """Return up to `count` lines behind the line `number`, oldest first; those that are gone are left out."""
        with self._lock:
            first = self.last - len(self._lines)
            skipped = max(0, number - first)
            return list(islice(self._lines, skipped, skipped + count))
