"""What is counted: the measured stretch only, by when a message was due, and the same from several processes."""

from __future__ import annotations

from bench.engine.record import SECOND_NS, MessageId, Record


def record() -> Record:
    return Record(from_ns=10 * SECOND_NS, until_ns=12 * SECOND_NS)


def letter(due_s: float, late_s: float = 0.0) -> MessageId:
    return MessageId(0, 0, int(due_s * SECOND_NS), int((due_s + late_s) * SECOND_NS))


def test_warm_up_and_what_is_due_after_the_end_are_not_counted() -> None:
    counted = record()
    for due_s in (9.9, 10.0, 11.9, 12.0):
        counted.sent(letter(due_s))
        counted.acked(letter(due_s), 13 * SECOND_NS)
        counted.delivered(letter(due_s), 13 * SECOND_NS, times=3)
    assert (counted.messages, counted.acks().count, counted.deliveries().count) == (2, 2, 6)


def test_an_answer_after_the_end_counts_for_its_message() -> None:
    counted = record()
    counted.acked(letter(11.0), 15 * SECOND_NS)
    assert counted.acks().largest == 4 * SECOND_NS
    assert counted.last_ns == 15 * SECOND_NS


def test_latency_counts_from_due_and_beside_it_from_the_actual_send() -> None:
    counted = record()
    counted.sent(letter(10.0, late_s=0.5))
    counted.acked(letter(10.0, late_s=0.5), 11 * SECOND_NS)
    assert counted.lags.count == 0
    assert (counted.acks().largest, counted.acks_sent.largest) == (SECOND_NS, SECOND_NS // 2)


def test_a_lag_is_from_due_to_when_the_generator_got_round_to_it() -> None:
    counted = record()
    for due_s in (9.9, 10.0, 11.9, 12.0):
        counted.fired(int(due_s * SECOND_NS), 13 * SECOND_NS)
    assert (counted.lags.count, counted.lags.largest) == (2, 3 * SECOND_NS)


def test_records_of_two_processes_add_up() -> None:
    one, other = record(), record()
    one.delivered(letter(10.0), 11 * SECOND_NS)
    other.delivered(letter(10.0), 12 * SECOND_NS, times=2)
    other.delivered(letter(11.5), 12 * SECOND_NS)
    other.resumed(10 * SECOND_NS, 11 * SECOND_NS)
    one.merge(other)
    assert one.deliveries().count == 4
    assert sorted(one.seconds) == [0, 1]
    assert (one.resumes.count, one.last_ns) == (1, 12 * SECOND_NS)
