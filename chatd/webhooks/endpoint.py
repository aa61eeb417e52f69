"""The life of one endpoint: how many events it is sent, when, and what follows from each answer. Pure.

One batch is under way at a time, in the order of the log, and nothing behind it is sent before it was accepted. So a
receiver that is down delays, and a single event that it refuses would stop everything for ever. The two look alike
from here. They are told apart by asking: a batch that is refused again and again, with an answer that says so, is
halved until one event is left; when that one has been refused for a quarter of an hour, the events behind it are
offered, each alone. When one is accepted, the receiver works and those before it are at fault: they are parked, and
delivery goes on. When ten are refused as well, the fault is not with the events, and nothing is parked.

An answer that says nothing about the events (no answer, a timeout, 408, 425, 429, 502 to 504) never halves a batch.
It asks for less, though: what follows an outage begins with one event and doubles, because the receiver may be as
tired as we are.

| State | Answer | Next | Then |
|---|---|---|---|
| up, ramping | accepted | ramping, up | the cursor moves; batches of 1, 2, 4 ... 500, until nothing more waits |
| up, ramping, waiting | failed | waiting | after 1 s, 2 s, 4 s ... 5 min: one event |
| up, ramping, waiting | refused | waiting | after as long: the same batch; after five times isolating |
| waiting | accepted | ramping | |
| isolating | refused | isolating | half of it; alone for 15 min: one of the next, alone |
| isolating | one of the next is accepted | ramping | those before it are parked |
| isolating | all of the next are refused | waiting | |
| isolating | accepted | isolating, ramping | the rest of what was refused |
| any | gone (410), or no success in 72 h | disabled | until it is enabled |
"""

from dataclasses import dataclass
from enum import Enum

BATCH_MAX = 500
PAUSE_MIN_S, PAUSE_MAX_S = 1.0, 300.0
JITTER = 0.2  # of a pause, in both directions: endpoints of one receiver do not come back together
RETRY_AFTER_MAX_S = 3600.0  # beyond an hour the receiver is not busy, it is away
SAME_BATCH_MAX = (
    5  # definite refusals: a deployment of the receiver takes less than the half minute they take
)
ALONE_S = 900.0  # of refusals until the next event is tried: time to mend what is wrong
SILENT_S = 72 * 3600.0  # a weekend; as long as the feed keeps what was missed
HALVING_S = 1.0
NEXT_MAX = 10  # neighbours: messages that one bug of a receiver stumbles on come in short rows
UNSAID = frozenset({408, 425, 429, 502, 503, 504})  # answers that say nothing about the events


class State(Enum):
    UP = "up"
    WAITING = "waiting"
    RAMPING = "ramping"
    ISOLATING = "isolating"
    DISABLED = "disabled"


class Outcome(Enum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"
    GONE = "gone"


def outcome_of(status: int | None) -> Outcome:
    """Return the meaning of a status, None for no answer. A redirect is a refusal: nobody follows it.

    >>> outcome_of(204), outcome_of(301), outcome_of(503)
    (<Outcome.ACCEPTED: 'accepted'>, <Outcome.REFUSED: 'refused'>, <Outcome.FAILED: 'failed'>)
    """
    if status is None or status in UNSAID:
        return Outcome.FAILED
    if status == 410:
        return Outcome.GONE
    return Outcome.ACCEPTED if 200 <= status < 300 else Outcome.REFUSED


@dataclass(slots=True, frozen=True)
class Offer:
    """The events to send: `count` of them, behind the first `skip`."""

    skip: int
    count: int


@dataclass(slots=True, frozen=True)
class Step:
    """How far the cursor moves, in events. `parked`: so many of the first were refused, and are to be set aside.

    They are tried once more before that: an outage may have ended between them and the one that was accepted.
    """

    moved: int = 0
    parked: int = 0


STAY = Step()


@dataclass(slots=True)
class Endpoint:
    """The state of one endpoint. Times are monotonic seconds of the caller.

    `due`: when the next batch may go. `failing_since`: the first failure since the last success.
    """

    state: State = State.UP
    due: float = 0.0
    failing_since: float | None = None
    failures: int = 0  # in a row
    size: int = BATCH_MAX  # of a batch, unless isolating
    _refusals: int = 0  # of the same batch
    _suspects: int = 0  # isolating: the event that is refused is among so many
    _alone_since: float | None = None
    _next: int = 0  # the neighbour to try, counted from the refused event

    @property
    def wanted(self) -> int:
        """The most events that the next offer takes."""
        if self.state is not State.ISOLATING:
            return self.size
        return self._next + 1 if self._next else max(1, self._suspects // 2)

    def offer(self, available: int) -> Offer | None:
        """Return which of the next events to send, `available` at least one; None for none until it is enabled."""
        if self.state is State.DISABLED:
            return None
        if self.state is not State.ISOLATING:
            return Offer(0, min(self.size, available))
        if self._next:
            # Without that neighbour, the event itself again.
            return Offer(self._next, 1) if available > self._next else Offer(0, 1)
        return Offer(0, min(self.wanted, available))

    def on_answer(
        self, offer: Offer, outcome: Outcome, now: float, chance: float, retry_after_s: float | None = None
    ) -> Step:
        """Take the answer to an offer and return what the cursor does. `chance` in [0, 1) spreads the pauses."""
        if outcome is Outcome.ACCEPTED:
            return self._on_accepted(offer, now)
        if outcome is Outcome.GONE:
            self.state = State.DISABLED
            return STAY
        self.failures += 1
        if self.failing_since is None:
            self.failing_since = now
        pause_s = pause(self.failures, chance)
        if outcome is Outcome.FAILED:
            self._on_failed()
        elif self.state is State.ISOLATING:
            pause_s = self._on_refused_alone(offer, now, pause_s)
        else:
            self._on_refused(offer, now)
        if retry_after_s is not None:
            pause_s = min(max(retry_after_s, PAUSE_MIN_S), RETRY_AFTER_MAX_S)
        self.due = now + pause_s
        if now - self.failing_since >= SILENT_S:
            self.state = State.DISABLED
        return STAY

    def enable(self, now: float) -> None:
        """Begin again with one event, whatever happened before."""
        self._begin(State.RAMPING)
        self.due, self.failures, self.failing_since = now, 0, None

    def _on_accepted(self, offer: Offer, now: float) -> Step:
        self.due, self.failures, self.failing_since, self._refusals = now, 0, None, 0
        if offer.skip:
            self._begin(State.RAMPING)
            return Step(offer.skip + 1, parked=offer.skip)
        if self.state is State.ISOLATING:
            self._suspects -= offer.count
            self._alone_since, self._next = None, 0
            if self._suspects <= 0:
                self._begin(State.RAMPING)
        elif self.state is State.WAITING:
            self._begin(State.RAMPING)
        elif self.state is State.RAMPING:
            # Less than it might have been: nothing more waits, so the outage is over.
            self.size = BATCH_MAX if offer.count < self.size else min(2 * self.size, BATCH_MAX)
            self.state = State.UP if self.size == BATCH_MAX else State.RAMPING
        return Step(offer.count)

    def _on_failed(self) -> None:
        """Ask for less next time; while isolating, ask for the same."""
        if self.state is not State.ISOLATING:
            self._begin(State.WAITING)

    def _on_refused(self, offer: Offer, now: float) -> None:
        self.state, self.size = State.WAITING, offer.count
        self._refusals += 1
        if self._refusals >= SAME_BATCH_MAX:
            self.state, self._suspects = State.ISOLATING, offer.count
            self._alone_since = now if offer.count == 1 else None

    def _on_refused_alone(self, offer: Offer, now: float, pause_s: float) -> float:
        """Look closer, and return the seconds until then."""
        if offer.skip >= NEXT_MAX:
            # Not these events are at fault but the receiver.
            self._begin(State.WAITING)
            return pause_s
        if offer.skip:
            self._next += 1
            return HALVING_S
        self._suspects = offer.count
        if offer.count > 1:
            return HALVING_S
        if self._alone_since is None:
            self._alone_since = now
        if self._next:
            # There was no such neighbour. Those before it are tried anew, because an outage may have ended.
            self._next = 1
            return pause_s
        if now - self._alone_since < ALONE_S:
            return pause_s
        self._next = 1
        return 0.0

    def _begin(self, state: State) -> None:
        """Begin anew in `state`, with one event."""
        self.state, self.size = state, 1
        self._refusals, self._suspects, self._alone_since, self._next = 0, 0, None, 0


def pause(failures: int, chance: float) -> float:
    """Return the seconds to wait after so many failures in a row."""
    usual = min(PAUSE_MIN_S * (1 << min(failures - 1, 16)), PAUSE_MAX_S)
    return min(usual * (1 - JITTER + 2 * JITTER * chance), PAUSE_MAX_S)
