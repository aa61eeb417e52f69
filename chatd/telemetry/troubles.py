"""Troubles: conditions in which something does not work, logged once when they begin and once when they end.

The log, the metrics and the readiness of the daemon share this state. A trouble ends when no request met it for
CALM_S, so that an intermittent one is not logged with each request.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

CALM_S = 5.0  # without another failure: longer than a client waits before it tries again


@dataclass(slots=True, frozen=True)
class TroubleKind:
    """`meanwhile`: the effect on clients while it lasts. `unready`: whether /readyz answers 503 then."""

    meanwhile: str
    unready: bool = True


# docs/operations.md "Troubles" has the same rows; a test compares them.
TROUBLES: Mapping[str, TroubleKind] = {
    "disk": TroubleKind("changes are refused with overloaded, reading goes on"),
    "commits": TroubleKind("changes are refused with internal, reading goes on"),
    "reads": TroubleKind("requests that need the database are refused with internal"),
    "damage": TroubleKind("requests that need the damaged part are refused with internal"),
    "queue": TroubleKind("changes are refused with overloaded"),
    "keys": TroubleKind("every hello is refused with overloaded"),
    "clock": TroubleKind("nothing is deleted because its time is up", unready=False),
    "hellos": TroubleKind("new connections are refused with 503", unready=False),
    "push": TroubleKind(
        "notifications of that app wait, and expire; decisions that are not kept cannot be asked for",
        unready=False,
    ),
    "media": TroubleKind("files are not taken, or not served, as it says; messages are", unready=False),
    "connections": TroubleKind("new connections are refused with 503", unready=False),
}


@dataclass(slots=True)
class Trouble:
    """A lasting trouble: its reason, its begin, its last failure (monotonic seconds) and the number of failures."""

    why: str
    since: float
    last: float
    count: int = 1


class Troubles:
    """`now`: the lasting troubles by name. `met`: how often each was met since the start."""

    def __init__(self, monotonic: Callable[[], float], say: Callable[..., None]) -> None:
        self._monotonic = monotonic
        self._log = say
        self.now: dict[str, Trouble] = {}
        self.met: Counter[str] = Counter(dict.fromkeys(TROUBLES, 0))

    def report(self, name: str, why: str) -> None:
        """Note a failure and its reason; log it when it begins a trouble."""
        now = self._monotonic()
        self.met[name] += 1
        trouble = self.now.get(name)
        if trouble is None:
            self.now[name] = Trouble(why, now, now)
            self._log("trouble with %s: %s; until it ends %s", name, why, TROUBLES[name].meanwhile)
        else:
            trouble.last = now
            trouble.count += 1

    def report_ok(self, name: str) -> None:
        """Note a success; it ends a trouble that was not met for CALM_S."""
        trouble = self.now.get(name)
        if trouble is None or self._monotonic() - trouble.last < CALM_S:
            return
        del self.now[name]
        lasted = trouble.last - trouble.since
        self._log(
            "no more trouble with %s: it lasted %.1f s and was met %d times", name, lasted, trouble.count
        )

    def unready(self) -> dict[str, str | None]:
        """Return, by name of each trouble that makes the daemon unready, None or its reason."""
        return {
            name: self.now[name].why if name in self.now else None
            for name, about in TROUBLES.items()
            if about.unready
        }
