"""endpoint.py: each row of its table, and receivers that fail in every way, on a clock of our own."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.webhooks.endpoint import (
    ALONE_S,
    BATCH_MAX,
    NEXT_MAX,
    PAUSE_MAX_S,
    RETRY_AFTER_MAX_S,
    SAME_BATCH_MAX,
    SILENT_S,
    Endpoint,
    Offer,
    Outcome,
    State,
    Step,
    outcome_of,
    pause,
)

MANY = 10_000


def answer(endpoint, outcome, now=0.0, available=MANY, **options):
    offer = endpoint.offer(available)
    return endpoint.on_answer(offer, outcome, now, 0.5, **options)


def isolating(available=8):
    endpoint = Endpoint()
    for _ in range(SAME_BATCH_MAX):
        answer(endpoint, Outcome.REFUSED, available=available)
    assert endpoint.state is State.ISOLATING
    return endpoint


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, Outcome.ACCEPTED), (202, Outcome.ACCEPTED), (299, Outcome.ACCEPTED), (410, Outcome.GONE)]
    + [(status, Outcome.REFUSED) for status in (100, 301, 302, 307, 400, 401, 404, 413, 500, 501)]
    + [(status, Outcome.FAILED) for status in (None, 408, 425, 429, 502, 503, 504)],
)
def test_what_a_status_says(status, outcome):
    assert outcome_of(status) is outcome


def test_an_endpoint_that_is_up_is_sent_full_batches():
    endpoint = Endpoint()
    assert endpoint.offer(MANY) == Offer(0, BATCH_MAX)
    assert endpoint.offer(3) == Offer(0, 3)
    assert answer(endpoint, Outcome.ACCEPTED, available=3) == Step(3)
    assert endpoint.state is State.UP
    assert endpoint.due == 0.0


def test_after_an_outage_batches_begin_with_one_and_double():
    endpoint = Endpoint()
    assert answer(endpoint, Outcome.FAILED) == Step()
    assert (endpoint.state, endpoint.offer(MANY)) == (State.WAITING, Offer(0, 1))
    sizes = []
    while endpoint.state is not State.UP:
        sizes.append(endpoint.offer(MANY).count)
        answer(endpoint, Outcome.ACCEPTED)
    assert sizes == [1, 1, 2, 4, 8, 16, 32, 64, 128, 256]


def test_an_outage_is_over_when_nothing_more_waits():
    endpoint = Endpoint()
    answer(endpoint, Outcome.FAILED)
    for state in (State.RAMPING, State.RAMPING, State.UP):
        answer(endpoint, Outcome.ACCEPTED, available=1)
        assert endpoint.state is state
    assert endpoint.offer(MANY) == Offer(0, BATCH_MAX)


def test_pauses_double_up_to_five_minutes_and_are_spread():
    endpoint, pauses = Endpoint(), []
    for _ in range(12):
        answer(endpoint, Outcome.FAILED, now=1000.0)
        pauses.append(endpoint.due - 1000)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert pause(3, 0.0) == pytest.approx(3.2)
    assert pause(3, 1.0) == pytest.approx(4.8)
    assert pause(10**9, 1.0) == PAUSE_MAX_S


@pytest.mark.parametrize(("asked", "kept"), [(0.0, 1.0), (90.0, 90.0), (1e9, RETRY_AFTER_MAX_S)])
def test_the_receiver_says_when_to_come_again(asked, kept):
    for outcome in (Outcome.FAILED, Outcome.REFUSED):
        endpoint = Endpoint()
        answer(endpoint, outcome, now=5.0, retry_after_s=asked)
        assert endpoint.due == 5.0 + kept


def test_a_refused_batch_is_repeated_as_it_was_and_then_halved():
    endpoint = Endpoint()
    for count in range(1, SAME_BATCH_MAX + 1):
        assert endpoint.offer(MANY) == Offer(0, BATCH_MAX)
        answer(endpoint, Outcome.REFUSED)
        assert endpoint.state is (State.ISOLATING if count == SAME_BATCH_MAX else State.WAITING)
    halves = []
    while not halves or halves[-1] > 1:
        halves.append(endpoint.offer(MANY).count)
        answer(endpoint, Outcome.REFUSED)
    assert halves == [250, 125, 62, 31, 15, 7, 3, 1]


def test_answers_that_say_nothing_of_the_events_do_not_count_as_refusals():
    endpoint = Endpoint()
    for _ in range(3):
        for _ in range(SAME_BATCH_MAX - 1):
            answer(endpoint, Outcome.REFUSED)
        answer(endpoint, Outcome.FAILED)
    assert endpoint.state is State.WAITING


def test_the_accepted_half_is_not_sent_again():
    endpoint = isolating(8)
    assert endpoint.offer(8) == Offer(0, 4)
    assert answer(endpoint, Outcome.ACCEPTED) == Step(4)
    assert endpoint.offer(4) == Offer(0, 2)
    answer(endpoint, Outcome.REFUSED)
    assert endpoint.offer(4) == Offer(0, 1)
    assert answer(endpoint, Outcome.ACCEPTED) == Step(1)
    assert endpoint.offer(3) == Offer(0, 1)
    assert answer(endpoint, Outcome.ACCEPTED) == Step(1)
    assert endpoint.state is State.RAMPING


def test_one_event_is_parked_when_its_neighbour_is_accepted():
    endpoint = isolating(1)
    answer(endpoint, Outcome.REFUSED, now=ALONE_S - 1)
    assert endpoint.offer(2) == Offer(0, 1)
    answer(endpoint, Outcome.REFUSED, now=ALONE_S)
    assert endpoint.due == ALONE_S
    assert endpoint.offer(2) == Offer(1, 1)
    assert answer(endpoint, Outcome.ACCEPTED, now=ALONE_S) == Step(2, parked=1)
    assert (endpoint.state, endpoint.failures) == (State.RAMPING, 0)


def test_a_row_of_refused_events_is_parked_when_the_one_behind_it_is_accepted():
    endpoint = isolating(1)
    for skip in range(3):
        assert (endpoint.offer(MANY), endpoint.wanted) == (Offer(skip, 1), skip + 1)
        answer(endpoint, Outcome.REFUSED, now=ALONE_S)
    assert answer(endpoint, Outcome.ACCEPTED, now=ALONE_S) == Step(4, parked=3)
    assert endpoint.state is State.RAMPING


def test_nothing_is_parked_when_all_neighbours_are_refused_too():
    endpoint = isolating(1)
    for _ in range(NEXT_MAX + 1):
        assert answer(endpoint, Outcome.REFUSED, now=ALONE_S) == Step()
    assert (endpoint.state, endpoint.offer(MANY)) == (State.WAITING, Offer(0, 1))
    assert endpoint.due > ALONE_S + 30


def test_an_outage_while_the_neighbour_is_tried_decides_nothing():
    endpoint = isolating(1)
    answer(endpoint, Outcome.REFUSED, now=ALONE_S)
    answer(endpoint, Outcome.FAILED, now=ALONE_S)
    assert endpoint.offer(2) == Offer(1, 1)


def test_the_newest_event_has_no_neighbour_and_is_offered_until_it_has():
    endpoint = isolating(1)
    answer(endpoint, Outcome.REFUSED, now=ALONE_S)
    assert endpoint.offer(1) == Offer(0, 1)
    answer(endpoint, Outcome.REFUSED, now=ALONE_S, available=1)
    assert endpoint.due > ALONE_S
    assert endpoint.offer(2) == Offer(1, 1)


def test_an_endpoint_that_is_gone_or_silent_for_days_is_disabled_until_it_is_enabled():
    gone, silent = Endpoint(), Endpoint()
    answer(gone, Outcome.GONE)
    answer(silent, Outcome.FAILED)
    answer(silent, Outcome.FAILED, now=SILENT_S - 1)
    assert silent.state is State.WAITING
    answer(silent, Outcome.REFUSED, now=SILENT_S)
    for endpoint in (gone, silent):
        assert endpoint.state is State.DISABLED
        assert endpoint.offer(MANY) is None
        endpoint.enable(SILENT_S + 5)
        assert (endpoint.state, endpoint.offer(MANY), endpoint.due) == (
            State.RAMPING,
            Offer(0, 1),
            SILENT_S + 5,
        )
        answer(endpoint, Outcome.FAILED, now=SILENT_S + 5)
        assert endpoint.state is State.WAITING


def test_a_success_begins_the_days_anew():
    endpoint = Endpoint()
    answer(endpoint, Outcome.FAILED)
    answer(endpoint, Outcome.ACCEPTED, now=SILENT_S - 1)
    answer(endpoint, Outcome.FAILED, now=SILENT_S + 1)
    assert endpoint.state is State.WAITING


@dataclass
class Receiver:
    """A receiver that refuses `poison`, is down within `outages` (from, until), and breaks on batches above `most`."""

    poison: frozenset[int]
    outages: list[tuple[float, float, bool]]
    most: int
    accepted: list[int] = field(default_factory=list)

    def take(self, events, now):
        for since, until, says_so in self.outages:
            if since <= now < until:
                return Outcome.REFUSED if says_so else Outcome.FAILED
        if len(events) > self.most:
            return Outcome.FAILED
        if self.poison & set(events):
            return Outcome.REFUSED
        self.accepted += events
        return Outcome.ACCEPTED


HOURS = 3600.0


@given(
    count=st.integers(1, 700),
    poison=st.frozensets(st.integers(0, 699), max_size=3),
    most=st.sampled_from([1, 3, 100, BATCH_MAX]),
    outages=st.lists(
        st.tuples(st.floats(0, 3 * HOURS), st.floats(0, 6 * HOURS), st.booleans()).map(
            lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
        ),
        max_size=3,
    ),
    chance=st.floats(0, 0.999),
)
def test_every_event_is_accepted_once_in_order_or_parked_for_being_refused(
    count, poison, most, outages, chance
):
    receiver = Receiver(poison, outages, most)
    endpoint, cursor, now, posts = Endpoint(), 0, 0.0, 0
    parked: list[int] = []
    late: list[int] = []
    while not poison.issuperset(range(cursor, count)):
        now = max(now + 0.1, endpoint.due)
        offer = endpoint.offer(count - cursor)
        assert offer.count >= 1
        assert offer.skip + offer.count <= count - cursor
        events = list(range(cursor + offer.skip, cursor + offer.skip + offer.count))
        step = endpoint.on_answer(offer, receiver.take(events, now), now, chance)
        for number in range(cursor, cursor + step.parked):
            if receiver.take([number], now) is Outcome.ACCEPTED:
                late.append(receiver.accepted.pop())
            else:
                parked.append(number)
        cursor += step.moved
        assert endpoint.due - now <= PAUSE_MAX_S + 1e-6
        posts += 1
        assert posts < 20_000
        assert endpoint.state is not State.DISABLED, (count, poison, most, outages, chance, endpoint)
    assert set(parked) <= poison
    assert receiver.accepted == sorted(receiver.accepted)
    assert sorted(receiver.accepted + parked + late) == list(range(cursor))


def test_a_receiver_that_refuses_everything_from_some_event_on_is_disabled_in_the_end():
    receiver = Receiver(frozenset(range(3, 50)), [], BATCH_MAX)
    endpoint, cursor, now = Endpoint(), 0, 0.0
    while endpoint.state is not State.DISABLED:
        now = max(now + 0.1, endpoint.due)
        offer = endpoint.offer(50 - cursor)
        events = list(range(cursor + offer.skip, cursor + offer.skip + offer.count))
        cursor += endpoint.on_answer(offer, receiver.take(events, now), now, 0.5).moved
    assert cursor == 3
    assert now >= SILENT_S
