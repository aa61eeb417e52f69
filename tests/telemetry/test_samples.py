import pytest

from chatd.telemetry.counters import SECONDS, Counters
from chatd.telemetry.samples import COLUMNS, Gauges, Samples, quantile
from tests.kit.env import START_MS, ManualEnv

STILL = Gauges(connections=3, queue=1, outbox_bytes=10, lagging=2, cpu_s=1.0, memory_bytes=5)


@pytest.fixture
def env() -> ManualEnv:
    return ManualEnv()


def samples_of(env: ManualEnv, counters: Counters, seconds: int = 600, gauges=lambda: STILL) -> Samples:
    return Samples(counters, gauges, env.monotonic, env.now_ms, seconds)


def test_rates_are_those_since_the_sample_before(env):
    counters = Counters()
    counters.events_committed["message"] = 1000
    samples = samples_of(env, counters)
    counters.events_committed["message"] += 30
    counters.events_committed["reaction"] += 5
    counters.fanout_recipients.observe(40)
    counters.fanout_recipients.observe(20)
    env.advance(2)
    point = samples.take()
    assert (point["messages"], point["deliveries"]) == (15, 30)
    assert (point["connections"], point["queue"], point["outbox_bytes"], point["lagging"]) == (3, 1, 10, 2)
    assert point["t"] == START_MS // 1000 + 2
    env.advance(1)
    assert samples.take()["messages"] == 0


def test_a_pause_is_in_no_rate(env):
    counters = Counters()
    samples = samples_of(env, counters)
    counters.events_committed["message"] += 1000
    env.advance(500)
    samples.begin()
    env.advance(1)
    assert samples.take()["messages"] == 0


def test_commits_have_a_median_and_a_tail_and_none_without_commits(env):
    counters = Counters()
    samples = samples_of(env, counters)
    for seconds in [0.002] * 98 + [0.2] * 2:
        counters.commit_seconds.observe(seconds)
    env.advance(1)
    half, tail = samples.take()["commit_ms"]
    assert 1 <= half <= 2.5
    assert 100 <= tail <= 250
    env.advance(1)
    assert samples.take()["commit_ms"] is None


def test_a_stall_of_the_loop_is_seen_and_not_exaggerated(env):
    counters = Counters()
    samples = samples_of(env, counters)
    for seconds in [0.0001] * 19 + [0.15]:
        counters.loop_lag_seconds.observe(seconds)
    env.advance(1)
    assert 100 <= samples.take()["loop_ms"] <= 152


def test_the_processor_is_a_share_of_one_core(env):
    used = iter([1.0, 1.5, 1.5])
    samples = samples_of(env, Counters(), gauges=lambda: Gauges(0, 0, 0, 0, next(used), 0))
    env.advance(1)
    assert samples.take()["cpu"] == 0.5


def test_the_history_is_a_ring_in_columns(env):
    samples = samples_of(env, Counters(), seconds=3)
    for _ in range(5):
        env.advance(1)
        samples.take()
    history = samples.history()
    assert tuple(history) == COLUMNS
    assert history["t"] == [START_MS // 1000 + second for second in (3, 4, 5)]
    assert {len(column) for column in history.values()} == {3}


@pytest.mark.parametrize(
    ("counts", "share", "low", "high"),
    [
        ([0] * len(SECONDS) + [0], 0.99, 0, 0),
        ([10] + [0] * len(SECONDS), 0.5, 0, SECONDS[0]),
        ([0] * len(SECONDS) + [4], 0.5, SECONDS[-1], SECONDS[-1]),
        ([5, 5] + [0] * (len(SECONDS) - 1), 0.99, SECONDS[0], SECONDS[1]),
    ],
)
def test_a_quantile_lies_in_the_bucket_of_its_rank(counts, share, low, high):
    assert low <= quantile(SECONDS, counts, 1000.0, share) <= high


def test_no_quantile_exceeds_the_sum():
    assert quantile(SECONDS, [0] * 8 + [1] + [0] * 5, 0.11, 0.99) == 0.11
