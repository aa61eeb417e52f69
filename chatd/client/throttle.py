"""The limit of one action per interval, the last one never lost: for read marks, delivered marks, typing."""

from collections.abc import Callable

from .env import Env, Timer


class Throttle:
    """A throttle per key: the first touch fires at once, later ones fire once, when the interval is over."""

    def __init__(self, env: Env, interval_s: float, fire: Callable[[str], None]) -> None:
        self._env = env
        self._interval_s = interval_s
        self._fire = fire
        self._resting: dict[str, Timer] = {}
        self._touched: set[str] = set()

    def touch(self, key: str) -> None:
        """Fire for `key`, now or at the end of its interval."""
        if key in self._resting:
            self._touched.add(key)
        else:
            self._go(key)

    def touch_now_or_never(self, key: str) -> None:
        """Fire for `key` now, or not at all when it is too early."""
        if key not in self._resting:
            self._go(key)

    def touch_later(self, key: str, pause_s: float) -> None:
        """Fire for `key` when its interval and `pause_s` are over, whatever touches it before."""
        if (resting := self._resting.pop(key, None)) is not None:
            resting.cancel()
        self._touched.add(key)
        self._rest(key, max(self._interval_s, pause_s))

    def stop(self) -> None:
        """Cancel every timer and forget everything that waits."""
        for timer in self._resting.values():
            timer.cancel()
        self._resting.clear()
        self._touched.clear()

    def _go(self, key: str) -> None:
        self._rest(key, self._interval_s)
        self._fire(key)

    def _rest(self, key: str, interval_s: float) -> None:
        self._resting[key] = self._env.call_later(interval_s, lambda: self._rested(key))

    def _rested(self, key: str) -> None:
        del self._resting[key]
        if key in self._touched:
            self._touched.discard(key)
            self._go(key)
