"""A test that hangs fails where it hangs, whatever it hangs in."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
import uvloop

from tests.kit import time_limit


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(time_limit, "AGAIN_S", 0.01)
    yield
    time_limit.lift_limit()


async def never() -> None:
    await asyncio.Event().wait()


async def never_for_the_loop() -> None:
    threading.Event().wait()


async def never_whatever_happens() -> None:
    try:
        await never()
    except asyncio.CancelledError:
        await asyncio.shield(never())


def test_what_blocks_is_interrupted() -> None:
    time_limit.set_limit(0.01)
    with pytest.raises(pytest.fail.Exception, match=r"no end within 0\.01 s"):
        threading.Event().wait()


# What swallows the cancellation on uvloop is left to the last resort: it drops what a signal raises while it waits.
@pytest.mark.parametrize(
    ("loop_factory", "hangs", "ends"),
    [
        (asyncio.new_event_loop, never, asyncio.CancelledError),
        (asyncio.new_event_loop, never_for_the_loop, pytest.fail.Exception),
        (asyncio.new_event_loop, never_whatever_happens, pytest.fail.Exception),
        (uvloop.new_event_loop, never, asyncio.CancelledError),
        (uvloop.new_event_loop, never_for_the_loop, pytest.fail.Exception),
    ],
)
def test_what_waits_on_a_loop_is_cancelled_or_interrupted(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    hangs: Callable[[], Awaitable[None]],
    ends: type[BaseException],
) -> None:
    async def test() -> None:
        time_limit.set_limit(0.01)
        await hangs()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        with pytest.raises(ends, match=r"no end within 0\.01 s"):
            runner.run(test())
        time_limit.lift_limit()
