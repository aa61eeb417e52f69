"""The clock of jobs that delete: it does not believe a time that jumped.

One bad answer of a time server, a year ahead, would make everything old that is kept for a time, and what is deleted
does not come back. So a clock that is an hour ahead of the monotonic one, or at the start a week ahead of the last
commit, is not believed for a day, and the operator is told.
"""

from chatd.env import Env
from chatd.telemetry.troubles import Troubles

# A time server corrects by less; whoever changes the clock by hand means to.
AHEAD_MS = 3_600_000
# A daemon that nobody ran for longer may wait a day with what it deletes.
AHEAD_AT_START_MS = 7 * 86_400_000
# The time an operator has to notice.
PAUSE_S = 86_400.0


class DeletionClock:
    """Ask `is_trusted` before each round of deletions."""

    def __init__(self, env: Env, troubles: Troubles) -> None:
        self._env = env
        self._troubles = troubles
        self._paused_until_s = 0.0
        self._why = ""
        self._seen = env.now_ms(), env.monotonic()

    def start(self, last_commit_ms: int) -> None:
        """Compare the clock with the time of the last commit (Unix ms), 0 where that is not known."""
        ahead_ms = self._env.now_ms() - last_commit_ms
        if last_commit_ms and ahead_ms > AHEAD_AT_START_MS:
            self._pause(f"the clock is {ahead_ms // 86_400_000} days ahead of the last commit")

    def is_trusted(self) -> bool:
        """Whether anything may be deleted now because its time is up."""
        now_ms, now_s = self._env.now_ms(), self._env.monotonic()
        seen_ms, seen_s = self._seen
        ahead_ms = now_ms - seen_ms - int((now_s - seen_s) * 1000)
        self._seen = now_ms, now_s
        if ahead_ms > AHEAD_MS:
            self._pause(f"the clock jumped ahead by {ahead_ms // 60_000} minutes")
        return now_s >= self._paused_until_s

    def report(self) -> None:
        """Tell the troubles of the daemon whether deletions pause."""
        if self.is_trusted():
            self._troubles.report_ok("clock")
        else:
            self._troubles.report("clock", self._why)

    def _pause(self, why: str) -> None:
        self._why, self._paused_until_s = why, self._env.monotonic() + PAUSE_S
        self._troubles.report("clock", why)
