"""Log lines that every request could cause, written for the first one only."""

from chatd.env import Env

NAMES_MAX = 20  # as many lines of one cause as the log lets through at a time (telemetry/logs.py)
FORGOTTEN_S = 3600.0  # made-up names that use up NAMES_MAX suppress other lines for an hour at most


class LogOnce:
    """The names that were logged: at most `NAMES_MAX`, until `FORGOTTEN_S` seconds after the first of them."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._logged: set[str] = set()
        self._since = 0.0

    def is_new(self, name: str) -> bool:
        """Whether to log this name now; it counts as logged from then on."""
        now = self._env.monotonic()
        if now - self._since >= FORGOTTEN_S:
            self._logged.clear()
        if name in self._logged or len(self._logged) >= NAMES_MAX:
            return False
        if not self._logged:
            self._since = now
        self._logged.add(name)
        return True

    def forget(self) -> None:
        """Let every name be logged again."""
        self._logged.clear()
