import asyncio
import random

import pytest

from chatd.commands.hello_limiter import WAIT_S, HelloLimiter
from chatd.core.retry_schedule import SOON_S
from chatd.protocol.errors import Unavailable
from tests.kit.env import ManualEnv
from tests.kit.waiting import nothing_is_ready

TICK_S = 0.004  # short against the time of one hello, which begins with a tick


async def waiting(hello_limiter, count):
    tasks = [asyncio.create_task(hello_limiter.wait_turn()) for _ in range(count)]
    await nothing_is_ready()
    return tasks


async def test_so_many_at_once_and_the_others_in_the_order_they_came():
    hello_limiter = HelloLimiter(ManualEnv(), at_once=2)
    tasks = await waiting(hello_limiter, 5)
    assert [task.done() for task in tasks] == [True, True, False, False, False]
    assert (hello_limiter.under_way, hello_limiter.waiting) == (2, 3)
    for done in range(3, 6):
        hello_limiter.done()
        await nothing_is_ready()
        assert sum(task.done() for task in tasks) == done
        assert all(task.done() for task in tasks[:done])


async def test_nobody_overtakes_who_waits():
    hello_limiter = HelloLimiter(ManualEnv(), at_once=1)
    first, second = await waiting(hello_limiter, 2)
    hello_limiter.done()
    (third,) = await waiting(hello_limiter, 1)
    assert (first.done(), second.done(), third.done()) == (True, True, False)


async def test_who_goes_away_while_waiting_takes_nobodys_turn():
    hello_limiter = HelloLimiter(ManualEnv(), at_once=1)
    _, gone, next_one = await waiting(hello_limiter, 3)
    gone.cancel()
    await nothing_is_ready()
    hello_limiter.done()
    await nothing_is_ready()
    assert next_one.done()
    hello_limiter.done()
    assert (hello_limiter.under_way, hello_limiter.waiting) == (0, 0)


async def test_a_turn_that_comes_to_who_goes_away_passes_on():
    hello_limiter = HelloLimiter(ManualEnv(), at_once=1)
    _, gone, next_one = await waiting(hello_limiter, 3)
    hello_limiter.done()
    gone.cancel()
    await nothing_is_ready()
    assert next_one.done()
    assert hello_limiter.under_way == 1


async def test_a_changed_number_holds_at_once():
    hello_limiter = HelloLimiter(ManualEnv(), at_once=1)
    tasks = await waiting(hello_limiter, 4)
    hello_limiter.reconfigure(3)
    tasks += await waiting(hello_limiter, 1)
    assert not tasks[-1].done()  # those who wait go first
    hello_limiter.done()
    await nothing_is_ready()
    assert [task.done() for task in tasks] == [True] * 4 + [False]
    hello_limiter.reconfigure(1)
    hello_limiter.done()
    await nothing_is_ready()
    assert not tasks[-1].done()


async def test_those_beyond_are_told_when_to_come_back():
    hello_limiter = HelloLimiter(ManualEnv(), at_once=1)
    room = int(500 * WAIT_S)
    tasks = await waiting(hello_limiter, 1 + room)
    assert hello_limiter.full
    with pytest.raises(Unavailable) as caught:
        await hello_limiter.wait_turn()
    assert caught.value.code == "overloaded"
    assert caught.value.retry_after == 1000
    for task in tasks:
        task.cancel()


class Storm:
    """Clients that come at once to a server of `per_s` hellos; those refused come back after their `retry_after`."""

    def __init__(self, per_s: float, at_once: int, chance: random.Random) -> None:
        self.env = ManualEnv()
        self.hello_limiter = HelloLimiter(self.env, at_once)
        self.refusals: dict[int, int] = {}
        self.inside: list[int] = []
        self.longest_s = 0.0
        self._service_s = at_once / per_s
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()

    def measure(self, per_s: float) -> None:
        """Let it know how fast it is, as after a storm."""
        retry_schedule = self.hello_limiter._retry_schedule
        for number in range(int(4 * per_s)):
            retry_schedule.served(number / per_s - 4)
        retry_schedule.rest()

    def comes(self, client: int) -> None:
        self.env.jitter = self._chance.random()
        self._tasks.add(asyncio.ensure_future(self._comes(client)))

    async def _comes(self, client: int) -> None:
        came = self.env.monotonic()
        try:
            await self.hello_limiter.wait_turn()
        except Unavailable as error:
            self.refusals[client] = self.refusals.get(client, 0) + 1
            self.env.call_later((error.retry_after or 0) / 1000, lambda: self.comes(client))
            return
        self.longest_s = max(self.longest_s, self.env.monotonic() - came)
        self.env.call_later(self._service_s, lambda: self._served(client))

    def _served(self, client: int) -> None:
        self.inside.append(client)
        self.hello_limiter.done()

    async def advance(self, seconds: float) -> None:
        for _ in range(int(seconds / TICK_S)):
            self.env.advance(TICK_S)
            await nothing_is_ready()


@pytest.mark.parametrize(("per_s", "clients"), [(100, 1000), (400, 1500), (1500, 6000)])
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_client_that_waits_for_retry_after_is_accepted(per_s, clients, seed):
    storm = Storm(per_s, 64, random.Random(seed))
    storm.measure(per_s)
    for client in range(clients):
        storm.comes(client)
    await storm.advance(clients / per_s + SOON_S + 1)
    assert sorted(storm.inside) == list(range(clients))
    assert max(storm.refusals.values()) == 1
    assert storm.longest_s <= 1.5 * WAIT_S


async def test_a_storm_before_anything_was_measured_is_over_nearly_as_soon():
    storm = Storm(100, 64, random.Random(3))
    for client in range(2000):
        storm.comes(client)
    await storm.advance(1.5 * 2000 / 100)
    assert sorted(storm.inside) == list(range(2000))
