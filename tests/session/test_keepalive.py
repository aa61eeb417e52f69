"""keepalive.py: the one timer of a connection, and how seldom it is set."""

from collections.abc import Callable
from typing import Any

import pytest

from chatd.auth.interface import Claims
from chatd.config.model import Config
from chatd.core.deadlines import Due
from chatd.delivery.outbox import Outbox
from chatd.session.keepalive import Keepalive
from tests.kit.env import ManualEnv
from tests.kit.memory_wire import MemoryWire

LONG_S = 3600.0


class CountingEnv(ManualEnv):
    """Counts the timers that are set."""

    def __init__(self) -> None:
        super().__init__()
        self.timers = 0

    def call_later(self, delay_s: float, callback: Any) -> Any:
        self.timers += 1
        return super().call_later(delay_s, callback)


@pytest.fixture
def env() -> CountingEnv:
    return CountingEnv()


@pytest.fixture
def dues() -> list[Due]:
    return []


@pytest.fixture
def keepalive(env: CountingEnv, dues: list[Due]) -> Keepalive:
    return keepalive_of(env, dues.append)


class Owner:
    """Record the calls for deadlines that are due."""

    def __init__(self, on_due: Callable[[Due], None]) -> None:
        self.on_due = on_due

    def on_stall(self) -> None: ...

    def head_frame(self, heads: object) -> bytes:
        return b""

    def lagged(self) -> None: ...

    def caught_up(self) -> None: ...

    def overflowed(self) -> None: ...


def keepalive_of(env: ManualEnv, on_due: Callable[[Due], None]) -> Keepalive:
    """The timer of a connection that receives nothing."""
    owner = Owner(on_due)
    return Keepalive(Config(), env, Outbox(MemoryWire(), Config().outbox, owner), owner)


def greeted(keepalive: Keepalive, env: ManualEnv) -> None:
    """As a hello leaves it: nothing is due soon any more."""
    keepalive.deadlines.greeted()
    keepalive.set_mode("foreground")
    keepalive.token(Claims(user="ann", expires_at_s=env.now_ms() / 1000 + LONG_S))


def test_a_hello_sets_no_second_timer(keepalive: Keepalive, env: CountingEnv) -> None:
    greeted(keepalive, env)
    assert env.timers == 1


def test_the_early_timer_finds_nothing_due_and_is_set_again(
    keepalive: Keepalive, env: CountingEnv, dues: list[Due]
) -> None:
    greeted(keepalive, env)
    env.advance(Config().limits.hello_timeout_s)
    assert (dues, env.timers) == ([], 2)


def test_what_is_due_sooner_sets_the_timer_anew(keepalive: Keepalive, env: CountingEnv) -> None:
    greeted(keepalive, env)
    keepalive.deadlines.token(env.monotonic(), 1.0, 1.0, 0.0)
    keepalive.arm()
    assert (env.timers, env.pending) == (2, 1)


def test_a_due_that_fails_leaves_the_timer_set(env: CountingEnv) -> None:
    def fail(what: Due) -> None:
        raise RuntimeError(what)

    keepalive = keepalive_of(env, fail)
    with pytest.raises(RuntimeError, match="hello_timeout"):
        env.advance(Config().limits.hello_timeout_s)
    assert env.timers == 2
    keepalive.stop()
