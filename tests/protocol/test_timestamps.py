from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from chatd.protocol.timestamps import rfc3339

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
@example(datetime(2000, 2, 29, 23, 59, 59, 999_000, UTC))
@example(datetime(2100, 3, 1, tzinfo=UTC))
@example(datetime(2024, 12, 31, tzinfo=UTC))
def test_a_time_reads_as_python_writes_it(time):
    ms = (time - EPOCH) // timedelta(milliseconds=1)
    assert rfc3339(ms) == time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
