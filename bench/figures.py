"""What the people of a replay count together: faults, durations, cuts and resumes."""

from collections import Counter
from dataclasses import dataclass, field

from bench.checks import Tally
from bench.histogram import Histogram


@dataclass
class Figures:
    """Shared by all people of one run; plain counters, because everything runs on one loop."""

    tally: Tally = field(default_factory=Tally)  # everything that went wrong
    connects: Histogram = field(default_factory=Histogram)  # from TCP connect to the reply to hello
    absences: Histogram = field(default_factory=Histogram)  # from the cut to everything repaired
    repairs: Histogram = field(
        default_factory=Histogram
    )  # from sent to received, of what came by hello or log
    pushes: int = 0  # event pushes received
    pushed: int = 0  # messages in them
    repaired: int = 0  # messages received by hello or log
    cuts: int = 0  # connections we cut
    resumes: int = 0  # hellos with a cursor that were answered
    retries: int = 0  # sends repeated with the same key
    drops: Counter[str] = field(default_factory=Counter)  # connections that ended otherwise, by close code
    failures: Counter[str] = field(default_factory=Counter)  # connection attempts that failed, by reason

    @property
    def received(self) -> int:
        """Messages received in any way: moves as long as anything is happening."""
        return self.pushed + self.repaired
