import pytest

from chatd.core.counters import Counters, Histogram


@pytest.mark.parametrize(
    ("value", "bucket"), [(-1, 0), (0, 0), (1, 0), (1.1, 1), (10, 1), (10.5, 2), (float("inf"), 2)]
)
def test_a_value_falls_into_the_first_bucket_that_holds_it(value, bucket):
    histogram = Histogram((1, 10))
    histogram.observe(value)
    assert histogram.counts.index(1) == bucket
    assert (histogram.count, histogram.total) == (1, value)


def test_a_word_is_counted_from_its_first_time():
    counters = Counters()
    counters.errors["forbidden"] += 1
    assert counters.errors == {"forbidden": 1}
    assert Counters().errors == {}
