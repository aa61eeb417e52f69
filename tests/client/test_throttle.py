"""At most one signal per interval."""

from chatd.client.throttle import Throttle


def test_the_first_touch_fires_at_once_and_later_ones_once_at_the_end(env):
    fired = []
    throttle = Throttle(env, 2.0, lambda key: fired.append((env.now, key)))
    for _ in range(3):
        throttle.touch("a")
    env.advance(5)
    assert fired == [(1000.0, "a"), (1002.0, "a")]


def test_keys_do_not_wait_for_each_other(env):
    fired = []
    throttle = Throttle(env, 2.0, fired.append)
    throttle.touch("a")
    throttle.touch("b")
    assert fired == ["a", "b"]


def test_a_signal_that_is_too_early_can_be_dropped(env):
    fired = []
    throttle = Throttle(env, 3.0, fired.append)
    throttle.touch_now_or_never("a")
    throttle.touch_now_or_never("a")
    env.advance(3)
    assert fired == ["a"]
    throttle.touch_now_or_never("a")
    assert fired == ["a", "a"]


def test_stopping_drops_what_waits(env):
    fired = []
    throttle = Throttle(env, 2.0, fired.append)
    throttle.touch("a")
    throttle.touch("a")
    throttle.stop()
    env.advance(10)
    assert fired == ["a"]
    assert env.delays == []


def test_a_signal_that_is_put_off_waits_for_its_pause_and_its_interval(env):
    fired = []
    throttle = Throttle(env, 2.0, fired.append)
    throttle.touch("a")
    throttle.touch_later("a", 5.0)
    throttle.touch("a")
    env.advance(4.9)
    assert fired == ["a"]
    env.advance(0.1)
    assert fired == ["a", "a"]
    throttle.touch_later("a", 0.0)
    env.advance(1.9)
    assert fired == ["a", "a"]
    env.advance(0.1)
    assert fired == ["a", "a", "a"]
