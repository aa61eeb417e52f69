"""The loop, and its contract with the private parts of asyncio: a release of Python that changes them shows here."""

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

import pytest

from tests.simulation.choices import Choices
from tests.simulation.loop import PROCESS, Deadlock, Runaway, SimLoop


def carried_out(work: Coroutine[Any, Any, Any], choices: Choices | None = None) -> Any:
    loop = SimLoop((choices or Choices(lanes={})).lane("order"))
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


async def napping(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return asyncio.get_running_loop().time()


def test_time_passes_without_waiting() -> None:
    assert carried_out(napping(86_400.0)) == pytest.approx(86_400.0, abs=0.01)


def test_what_is_due_at_once_comes_in_the_order_of_the_choices() -> None:
    async def two() -> list[str]:
        order: list[str] = []
        loop = asyncio.get_running_loop()
        for name in ("a", "b"):
            loop.call_at(1.0, order.append, name)
        await asyncio.sleep(2.0)
        return order

    assert carried_out(two()) == ["a", "b"]
    assert carried_out(two(), Choices(lanes={"order": [1]})) == ["b", "a"]


def test_callbacks_keep_the_order_asyncio_promises() -> None:
    async def many() -> list[int]:
        order: list[int] = []
        for number in range(9):
            asyncio.get_running_loop().call_soon(order.append, number)
        await asyncio.sleep(0.1)
        return order

    assert carried_out(many(), Choices(3)) == list(range(9))


def test_a_function_in_a_thread_takes_its_time_and_keeps_its_turn() -> None:
    async def three() -> list[int]:
        loop, done, thread = asyncio.get_running_loop(), list[int](), object()
        loop.takes_s = iter((0.5, 0.1, 0.2, 0.1, 0.1, 0.1)).__next__  # type: ignore[attr-defined]
        calls = [loop.run_in_executor(thread, done.append, number) for number in range(3)]  # type: ignore[arg-type]
        # Its caller is gone; the function runs all the same.
        calls[1].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        return done

    assert carried_out(three()) == [0, 1, 2]


def test_who_is_dead_is_not_called() -> None:
    async def crash() -> list[str]:
        loop, heard = asyncio.get_running_loop(), list[str]()
        assert isinstance(loop, SimLoop)
        context = copy_context()
        context.run(PROCESS.set, "daemon")
        loop.call_later(1.0, heard.append, "dead", context=context)
        loop.call_later(1.0, heard.append, "alive")
        assert len(loop.waiting("daemon")) == 1
        loop.kill("daemon")
        await asyncio.sleep(2.0)
        return heard

    assert carried_out(crash()) == ["alive"]


def test_waiting_for_ever_is_reported() -> None:
    with pytest.raises(Deadlock):
        carried_out(asyncio.Event().wait())


def test_going_round_for_ever_is_reported() -> None:
    async def spins() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Runaway):
        carried_out(spins())
