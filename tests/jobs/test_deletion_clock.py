from pathlib import Path

import pytest

from chatd.core.maintenance import NoteDay
from chatd.jobs.deletion_clock import DeletionClock
from chatd.protocol.messages import Send, SentBody
from chatd.protocol.rooms import RoomCreate
from chatd.telemetry.troubles import Troubles
from tests.kit.env import ManualEnv
from tests.kit.inprocess import in_process, new_key

HOUR_MS = 3_600_000
DAY_S = 86_400.0


class JumpingEnv(ManualEnv):
    """Its wall clock can be set, while the monotonic one goes on."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms

    def jump(self, ms: int) -> None:
        self.ahead_ms += ms


@pytest.fixture
def env() -> JumpingEnv:
    return JumpingEnv()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def clock(env: JumpingEnv, said: list[str]) -> DeletionClock:
    return DeletionClock(env, Troubles(env.monotonic, lambda text, *values: said.append(text % values)))


def test_time_that_passes_is_believed(clock: DeletionClock, env: JumpingEnv, said: list[str]) -> None:
    for _ in range(100):
        env.advance(10 * DAY_S)
        assert clock.is_trusted()
    assert not said


@pytest.mark.parametrize(
    ("jump_ms", "trusted"), [(HOUR_MS - 1, True), (HOUR_MS + 1, False), (-(10**12), True)]
)
def test_a_clock_that_jumped_an_hour_ahead_is_not_believed_for_a_day(
    clock: DeletionClock, env: JumpingEnv, said: list[str], jump_ms: int, trusted: bool
) -> None:
    env.advance(60.0)
    env.jump(jump_ms)
    assert clock.is_trusted() is trusted
    clock.report()
    assert [text for text in said if "clock jumped ahead by 60 minutes" in text] == (
        [] if trusted else said[:1]
    )
    env.advance(DAY_S - 1)
    assert clock.is_trusted() is trusted
    env.advance(1)
    assert clock.is_trusted()


def test_a_slow_correction_is_believed(clock: DeletionClock, env: JumpingEnv) -> None:
    for _ in range(100):
        env.advance(60.0)
        env.jump(60_000)
        assert clock.is_trusted()


@pytest.mark.parametrize(("days", "trusted"), [(6, True), (8, False)])
def test_a_start_long_after_the_last_commit_waits_a_day(
    clock: DeletionClock, env: JumpingEnv, said: list[str], days: int, trusted: bool
) -> None:
    clock.start(env.now_ms() - days * 86_400_000)
    assert clock.is_trusted() is trusted
    assert ("8 days ahead of the last commit" in "".join(said)) is not trusted


def test_a_new_database_waits_for_nothing(clock: DeletionClock) -> None:
    clock.start(0)
    assert clock.is_trusted()


async def test_what_was_stored_by_a_clock_that_jumped_makes_it_true_at_no_restart(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ask, erasures = server.app.writer.submit_and_wait, server.app.store.erasures
        made = await ask("ann", RoomCreate(key=new_key(), kind="group", title="t"))
        await ask("ann", Send(room=made.summary.room, key=new_key(), body=SentBody(text="x")))
        assert await erasures.last_commit_ms() > 10 * 86_400_000
        # Noted while the clock was trusted; the message is from behind the jump.
        await ask("", NoteDay(10))
        assert await erasures.last_commit_ms() == 10 * 86_400_000
