"""What does not work now, each said once when it begins and once when it ends, however many requests meet it.

One home for all of them: the log, the metrics and the readiness of the daemon say the same. A trouble ends when
nothing met it for CALM_S, so that one which comes and goes is not told with each request.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

CALM_S = 5.0  # without another failure: longer than a client waits before it asks again, too short to miss


@dataclass(slots=True, frozen=True)
class TroubleKind:
    """`meanwhile`: what is refused while it lasts. `unready`: nobody should be sent here then (/readyz)."""

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
    "hellos": TroubleKind("new connections are refused with 503", unready=False),
    "connections": TroubleKind("new connections are refused with 503", unready=False),
}


@dataclass(slots=True)
class Trouble:
    """One that lasts: why, since when, when it was met last and how often."""

    why: str
    since: float
    last: float
    count: int = 1


class Troubles:
    """`now`: those that last, by name. `met`: how often each was met since the start."""

    def __init__(self, monotonic: Callable[[], float], say: Callable[..., None]) -> None:
        self._monotonic = monotonic
        self._say = say
        self.now: dict[str, Trouble] = {}
        self.met: Counter[str] = Counter(dict.fromkeys(TROUBLES, 0))

    def report(self, name: str, why: str) -> None:
        """Something failed for this reason. Said when it is the first time since it last went well."""
        now = self._monotonic()
        self.met[name] += 1
        trouble = self.now.get(name)
        if trouble is None:
            self.now[name] = Trouble(why, now, now)
            self._say("trouble with %s: %s; until it ends %s", name, why, TROUBLES[name].meanwhile)
        else:
            trouble.last = now
            trouble.count += 1

    def report_ok(self, name: str) -> None:
        """It went well once. The trouble ends when it was not met for CALM_S."""
        trouble = self.now.get(name)
        if trouble is None or self._monotonic() - trouble.last < CALM_S:
            return
        del self.now[name]
        lasted = trouble.last - trouble.since
        self._say(
            "no more trouble with %s: it lasted %.1f s and was met %d times", name, lasted, trouble.count
        )

    def unready(self) -> dict[str, str | None]:
        """By the name of each trouble that speaks against readiness: None, or why."""
        return {
            name: self.now[name].why if name in self.now else None
            for name, about in TROUBLES.items()
            if about.unready
        }
