"""The queues of apps at push services: what goes out next, how fast, and what follows from each answer. Pure.

A notification is either waiting, or taken: looked at again, then under way. There is at most one of each for a key, so
nothing older is ever shown after something newer; what comes meanwhile waits, and joins what waits.

| State | Answer | Next | Then |
|---|---|---|---|
| any | sent | open | |
| open | no answer, 5xx | open | the same again after 1 s, 5 s, 30 s; then it is given up |
| open | the twentieth failure in a row | down | one probe in 10 s; nothing is given up while it is down |
| any | slow down | busy | nothing until the time it names, else 10 s, 20 s ... 5 min; half the rate, + 10 % a minute |
| any | no answer of a server that a device named | the same | tried again as when it is open |
| any | our key is not known | paused | nothing until an operator says so, or other keys are configured |

What waits longer than its news is worth expires. Times are monotonic seconds of the caller, unless said otherwise.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

from chatd.core.push import Outcome
from chatd.push.interface import NO_SENDER, SENDER_ENDED, Answer
from chatd.push.pending import AppKey, Ended, Key, Pending, joined

# About 10 MB. Beyond it the oldest is dropped, and mentions last.
WAITING_MAX = 20_000
# Twice the streams of a connection; a push service answers in some 50 ms, so more would only wait there.
UNDER_WAY_MAX = 1_000
# FCM takes 10,000 a second of a project, and chat is not its only sender.
RATE_MAX = 2_000.0
RATE_MIN = 1.0
# Of the seconds of a rate that may be used at once.
BURST_S = 0.1
RECOVERY = 1.1
RECOVERY_S = 60.0
RETRIES_S = (1.0, 5.0, 30.0)
DOWN_FAILURES = 20
PROBE_S = 10.0
BUSY_MIN_S, BUSY_MAX_S = 10.0, 300.0
# Beyond an hour the service is not busy, it refuses us.
RETRY_AFTER_MAX_S = 3_600.0
# Of a pause, upwards: those who were refused together do not come back together.
JITTER = 0.2
# Answers that end a notification.
FINAL: Mapping[str, Outcome] = {"sent": "sent", "dead": "token_dead", "refused": "provider_error"}
# In place of the word of a service.
BY_OPERATOR = "paused by an operator"
NO_APP: tuple[Outcome, str] = ("no_token", "app not configured")


class AppQueue:
    """The queue of one app. `paused`: why nothing is sent; empty when it is not paused."""

    def __init__(self, rate_max: float = RATE_MAX, waiting_max: int = WAITING_MAX) -> None:
        self.paused = ""
        self._rate_max = self._rate = rate_max
        self._waiting_max = waiting_max
        # In the order in which they came: ordinary ones, and mentions.
        self._waiting: tuple[dict[Key, Pending], dict[Key, Pending]] = ({}, {})
        # By due time. An entry is out of date when another one of its key is due at another time.
        self._heap: list[tuple[float, Key]] = []
        self._taken: dict[int, Pending] = {}
        self._taken_keys: set[Key] = set()
        self._tokens = rate_max * BURST_S
        self._filled_at = self._recovered_at = 0.0
        self._failures = 0  # in a row
        self._busies = 0  # in a row
        self._blocked_until = -inf

    def __len__(self) -> int:
        return len(self._waiting[0]) + len(self._waiting[1])

    @property
    def under_way(self) -> int:
        return len(self._taken)

    @property
    def is_down(self) -> bool:
        return self._failures >= DOWN_FAILURES

    def taken(self, number: int) -> Pending | None:
        return self._taken.get(number)

    def all(self) -> Iterator[Pending]:
        """Yield what waits and what is taken."""
        for some in (*self._waiting, self._taken):
            yield from some.values()

    def put(self, pending: Pending) -> list[Ended]:
        """Let one wait; return what it replaced, and what was dropped for it."""
        ended: list[Ended] = []
        older = self._remove(pending.key)
        if older is not None:
            ended.append(Ended(older, "superseded"))
            pending = joined(older, pending)
        elif len(self) >= self._waiting_max:
            ended.append(Ended(self._drop(), "provider_busy", "queue full"))
        self._add(pending)
        return ended

    def _add(self, pending: Pending) -> None:
        self._waiting[pending.is_named][pending.key] = pending
        if pending.key not in self._taken_keys:
            heapq.heappush(self._heap, (pending.due, pending.key))
        if len(self._heap) > 2 * len(self) + 64:
            self._heap = [(one.due, key) for some in self._waiting for key, one in some.items()]
            heapq.heapify(self._heap)

    def _remove(self, key: Key) -> Pending | None:
        return self._waiting[0].pop(key, None) or self._waiting[1].pop(key, None)

    def _drop(self) -> Pending:
        some = self._waiting[0] or self._waiting[1]
        return some.pop(next(iter(some)))

    def expire(self, before_ms: int) -> list[Ended]:
        """End what waits and came before a time (Unix ms)."""
        old = [one for some in self._waiting for one in some.values() if one.time < before_ms]
        for one in old:
            self._remove(one.key)
        return [Ended(one, "expired", self.paused) for one in old]

    def take(self, now: float, most: int, number: int) -> list[Pending]:
        """Take up to `most` that are due and may go, numbered from `number` on. Each has to be ended or put back."""
        most = min(most, self._free(now))
        taken: list[Pending] = []
        while len(taken) < most and self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            waiting = self._waiting[0].get(key) or self._waiting[1].get(key)
            # While one is taken, another of its key stays: it is put on the heap again when that one is over.
            if waiting is None or waiting.due != due or key in self._taken_keys:
                continue
            self._remove(key)
            waiting.number = number + len(taken)
            self._taken[waiting.number] = waiting
            self._taken_keys.add(key)
            taken.append(waiting)
        self._tokens -= len(taken)
        return taken

    def _free(self, now: float) -> int:
        """Return how many may go now."""
        if self.paused or now < self._blocked_until:
            return 0
        if self.is_down:
            return int(not self._taken)
        self._refill(now)
        return min(UNDER_WAY_MAX - len(self._taken), int(self._tokens))

    def _refill(self, now: float) -> None:
        minutes = int((now - self._recovered_at) / RECOVERY_S)
        if minutes > 0:
            self._recovered_at += minutes * RECOVERY_S
            self._rate = min(self._rate_max, self._rate * RECOVERY ** min(minutes, 100))
        burst = max(1.0, self._rate * BURST_S)
        self._tokens = min(burst, self._tokens + self._rate * max(0.0, now - self._filled_at))
        self._filled_at = now

    def next_due(self) -> float:
        """Return when `take` may find something; infinity when something else has to happen before."""
        if (
            not self._heap
            or self.paused
            or len(self._taken) >= UNDER_WAY_MAX
            or (self.is_down and self._taken)
        ):
            return inf
        due = max(self._heap[0][0], self._blocked_until)
        if self.is_down or self._tokens >= 1.0:
            return due
        # A millisecond behind it, so that it is there then for all rounding.
        return max(due, self._filled_at + (1.0 - self._tokens) / self._rate + 0.001)

    def end(self, number: int) -> Pending | None:
        """Forget one that was taken; None when there is no such one. What waits behind it may go."""
        pending = self._taken.pop(number, None)
        if pending is not None:
            self._release(pending.key)
        return pending

    def _release(self, key: Key) -> None:
        self._taken_keys.discard(key)
        waiting = self._waiting[0].get(key) or self._waiting[1].get(key)
        if waiting is not None:
            heapq.heappush(self._heap, (waiting.due, key))

    def put_back(self, number: int, due: float) -> list[Ended]:
        """Let one that was taken wait again, unless what came meanwhile replaces it; return what is over."""
        pending = self.end(number)
        if pending is None:
            return []
        newer = self._remove(pending.key)
        if newer is None:
            full = len(self) >= self._waiting_max
            ended = [Ended(self._drop(), "provider_busy", "queue full")] if full else []
            self._add(replace(pending, due=due, number=0))
            return ended
        self._add(replace(joined(pending, newer), due=newer.due, tries=0))
        return [Ended(pending, "superseded")]

    def on_answer(self, answer: Answer, now: float, chance: float) -> Sequence[Ended]:
        """Take the answer to a delivery and return what is over. `chance` in [0, 1) spreads the pauses."""
        pending = self._taken.get(answer.number)
        if pending is None:
            return ()
        if answer.result in FINAL:
            if not answer.is_stranger:
                # Each of these is the word of a service that works.
                self._failures = self._busies = 0
            self.end(answer.number)
            return (Ended(pending, FINAL[answer.result], answer.detail),)
        spread = 1 + JITTER * chance
        if answer.result == "credential":
            self.paused = answer.detail or "credential"
            return self.put_back(answer.number, now)
        if answer.result == "busy":
            return self._on_busy(answer, now, spread)
        return self._on_failure(pending, answer, now, spread)

    def _on_busy(self, answer: Answer, now: float, spread: float) -> Sequence[Ended]:
        pause_s = min(answer.retry_after_s, RETRY_AFTER_MAX_S)
        if now >= self._blocked_until:
            # Those that were under way together are one sign, and not many.
            pause_s = pause_s or min(BUSY_MIN_S * (1 << min(self._busies, 16)) * spread, BUSY_MAX_S)
            self._busies += 1
            self._rate = max(RATE_MIN, self._rate / 2)
            self._recovered_at = now
        self._blocked_until = max(self._blocked_until, now + pause_s)
        return self.put_back(answer.number, self._blocked_until)

    def _on_failure(self, pending: Pending, answer: Answer, now: float, spread: float) -> Sequence[Ended]:
        # That our own process ended says nothing about the service.
        self._failures += not answer.is_stranger and answer.detail not in (NO_SENDER, SENDER_ENDED)
        if self.is_down and not answer.is_stranger:
            self._blocked_until = max(self._blocked_until, now + PROBE_S)
            return self.put_back(answer.number, now)
        if pending.tries >= len(RETRIES_S):
            self.end(answer.number)
            return (Ended(pending, "provider_error", answer.detail or "no answer"),)
        pause_s = RETRIES_S[pending.tries] * spread
        pending.tries += 1
        return self.put_back(answer.number, now + pause_s)

    def pause(self, why: str) -> None:
        """Send nothing until `resume`."""
        self.paused = why

    def resume(self) -> None:
        """Go on after a pause."""
        self.paused = ""
        self._failures = 0
        self._blocked_until = -inf


class Queue:
    """The queues of all apps. Deliveries are numbered here, and no number is used twice."""

    def __init__(self, apps: Iterable[AppKey]) -> None:
        self.apps = {app: AppQueue() for app in apps}
        self._app_of: dict[int, AppQueue] = {}
        self._number = 1

    def __len__(self) -> int:
        return sum(len(app) for app in self.apps.values())

    def reconfigure(self, apps: Iterable[AppKey]) -> list[Ended]:
        """Have a queue for each of `apps`, which may send again with its new keys, unless an operator holds it back;
        return what waited for another one.
        """
        before, self.apps = self.apps, {app: self.apps.get(app) or AppQueue() for app in apps}
        for queue in self.apps.values():
            if queue.paused != BY_OPERATOR:
                queue.resume()
        gone = (one for app, queue in before.items() if app not in self.apps for one in queue.all())
        return [Ended(one, *NO_APP) for one in gone]

    def put(self, pending: Pending) -> list[Ended]:
        """Let one wait, as `AppQueue.put`; it is over at once where its app is not configured any more."""
        app = self.apps.get(pending.app)
        return [Ended(pending, *NO_APP)] if app is None else app.put(pending)

    def take(self, now: float, most: int) -> list[Pending]:
        """Take up to `most` that may go now, as many of each app."""
        taken: list[Pending] = []
        for app in self.apps.values():
            found = app.take(now, max(1, most // len(self.apps)), self._number)
            self._number += len(found)
            self._app_of |= {one.number: app for one in found}
            taken += found
        return taken

    def new_number(self) -> int:
        """Return the number of a delivery that does not wait."""
        self._number += 1
        return self._number - 1

    def next_due(self) -> float:
        """Return when `take` may find something; infinity when something else has to happen before."""
        return min((app.next_due() for app in self.apps.values()), default=inf)

    def end(self, number: int) -> None:
        """Forget one that was taken and is not sent."""
        app = self._app_of.pop(number, None)
        if app is not None:
            app.end(number)

    def put_back(self, number: int, due: float) -> list[Ended]:
        app = self._app_of.pop(number, None)
        return [] if app is None else app.put_back(number, due)

    def put_all_back(self, now: float) -> list[Ended]:
        """Let everything that was taken wait again, because its answer will never come."""
        return [ended for number in [*self._app_of] for ended in self.put_back(number, now)]

    def on_answer(self, answer: Answer, now: float, chance: float) -> Sequence[Ended]:
        app = self._app_of.pop(answer.number, None)
        return () if app is None else app.on_answer(answer, now, chance)

    def expire(self, before_ms: int) -> list[Ended]:
        return [ended for app in self.apps.values() for ended in app.expire(before_ms)]

    def oldest_stamp(self) -> int | None:
        """Return the oldest commit of what is not over; None when everything is. What takes away has none."""
        waiting = (one for app in self.apps.values() for one in app.all())
        return min((one.stamp for one in waiting if one.kind != "read"), default=None)

    def taken(self, number: int) -> Pending | None:
        """Return one that was taken, by its number."""
        app = self._app_of.get(number)
        return None if app is None else app.taken(number)
