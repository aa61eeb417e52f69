"""Saying a thing once: lines that every request could cause are written for the first one only."""

from chatd.env import Env

NAMES_MAX = 20  # as many lines of one cause as the log lets through at a time (telemetry/logs.py)
FORGOTTEN_S = 3600.0  # whoever fills the places with inventions hides what is true for an hour at most


class LogOnce:
    """Remembers what was said: at most `NAMES_MAX` names, until `FORGOTTEN_S` seconds after the first of them."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._said: set[str] = set()
        self._since = 0.0

    def is_new(self, name: str) -> bool:
        """Whether to say it now; from then on it is said."""
        now = self._env.monotonic()
        if now - self._since >= FORGOTTEN_S:
            self._said.clear()
        if name in self._said or len(self._said) >= NAMES_MAX:
            return False
        if not self._said:
            self._since = now
        self._said.add(name)
        return True

    def forget(self) -> None:
        """Say everything anew."""
        self._said.clear()
