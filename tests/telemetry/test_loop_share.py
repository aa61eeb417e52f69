"""The share of background work, on virtual time: what is used is rested for, alone and together, on loop and thread."""

import asyncio

import pytest

from chatd.telemetry.loop_share import LOOK_S, LoopShare, with_cpu_s
from tests.simulation.choices import Choices
from tests.simulation.loop import SimLoop
from tests.simulation.sim_env import SimEnv, WallClock

SLICE_S = 0.004


class Machine:
    """A loop on virtual time whose slices take SLICE_S of CPU, a queue that is long or not, and work that may wait."""

    def __init__(self):
        self.urgent = False
        self.loop = SimLoop(Choices(lanes={}).lane("order"))
        self.env = SimEnv(WallClock(), 1)
        self.queue = False

    def run(self, work):
        async def made():
            self.share = LoopShare(self.env, lambda: self.queue, is_urgent=lambda: self.urgent)
            return await work()

        try:
            return self.loop.run_until_complete(made())
        finally:
            self.loop.close()

    async def slices(self, count):
        """Return the seconds that so many slices took, with the rest behind each."""
        began = self.loop.time()
        for _ in range(count):
            async with self.share.slice():
                self.loop.pause(SLICE_S)
        await self.share.rest()
        return self.loop.time() - began


@pytest.fixture
def machine():
    return Machine()


@pytest.mark.parametrize(("queue", "share"), [(False, 0.1), (True, 0.02)])
def test_work_takes_its_share_of_the_time(machine, queue, share):
    machine.queue = queue
    took_s = machine.run(lambda: machine.slices(100))
    assert 100 * SLICE_S / took_s == pytest.approx(share, rel=0.05)
    assert machine.share.spent_s == pytest.approx(100 * SLICE_S, rel=0.01)


def test_urgent_work_takes_its_share_beside_a_queue(machine):
    machine.queue = machine.urgent = True
    assert 100 * SLICE_S / machine.run(lambda: machine.slices(100)) == pytest.approx(0.1, rel=0.05)


def test_tiny_pieces_are_done_some_at_a_time(machine):
    sleeps = []

    async def work():
        ahead = LoopShare(machine.env, lambda: False, ahead_s=5 * SLICE_S)
        began = machine.loop.time()
        for _ in range(100):
            before = machine.loop.time()
            async with ahead.slice():
                sleeps.append(machine.loop.time() > before)
                machine.loop.pause(SLICE_S)
        return machine.loop.time() - began

    assert 100 * SLICE_S / machine.run(work) == pytest.approx(0.1, rel=0.1)
    assert 10 < sum(sleeps) < 20


def test_a_loop_that_is_late_is_busy(machine):
    """Others have it for 20 ms at a time, and wait for nothing that a queue would show."""

    async def crowd():
        while True:
            machine.loop.pause(0.02)
            await asyncio.sleep(0.001)

    async def work():
        others = asyncio.create_task(crowd())
        took_s = await machine.slices(100)
        others.cancel()
        return took_s

    assert 100 * SLICE_S / machine.run(work) == pytest.approx(0.02, rel=0.2)


def test_two_works_share_one_share(machine):
    async def two():
        return max(await asyncio.gather(machine.slices(50), machine.slices(50)))

    assert 100 * SLICE_S / machine.run(two) == pytest.approx(0.1, rel=0.05)


def test_time_of_a_thread_counts(machine):
    def read(connection, *, pages):
        machine.loop.pause(SLICE_S * pages)
        return connection

    async def work():
        found, cpu_s = await asyncio.to_thread(with_cpu_s(machine.env.thread_cpu_s, read), "it", pages=3)
        assert found == "it"
        began = machine.loop.time()
        await machine.share.rest(cpu_s)
        return machine.loop.time() - began

    assert machine.run(work) == pytest.approx(SLICE_S * 3 * 9, rel=0.05)


def test_a_long_rest_earns_nothing(machine):
    async def work():
        await asyncio.sleep(3600)
        return await machine.slices(10)

    assert machine.run(work) == pytest.approx(10 * SLICE_S / 0.1, rel=0.05)


def test_who_owes_nothing_does_not_wait(machine):
    async def work():
        began = machine.loop.time()
        async with machine.share.slice():
            pass
        return machine.loop.time() - began

    assert machine.run(work) == 0


def test_a_queue_that_ends_is_noticed_while_work_rests(machine):
    async def work():
        machine.queue = True
        machine.loop.call_later(1.0, setattr, machine, "queue", False)
        began = machine.loop.time()
        # 20 s while there is a queue: a fiftieth of it is paid when it ends.
        await machine.share.rest(0.4)
        return machine.loop.time() - began

    assert machine.run(work) == pytest.approx(1.0 + (0.4 * 0.98 - 0.02) / 0.1, abs=LOOK_S)


def test_what_failed_is_counted(machine):
    async def half():
        async with machine.share.slice():
            machine.loop.pause(SLICE_S)
            raise ValueError("half way")

    async def work():
        with pytest.raises(ValueError, match="half"):
            await half()
        return machine.share.spent_s

    assert machine.run(work) == pytest.approx(SLICE_S, rel=0.01)


def test_work_that_waits_is_counted_without_its_waits(machine):
    async def send():
        machine.loop.pause(SLICE_S)
        await asyncio.sleep(1.0)
        machine.loop.pause(SLICE_S)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await asyncio.sleep(3.0)
        machine.loop.pause(SLICE_S)
        return "sent"

    async def work():
        return await machine.share.counted(send), machine.share.spent_s

    assert machine.run(work) == ("sent", pytest.approx(3 * SLICE_S, rel=0.01))


def test_work_that_is_cancelled_or_fails_is_told_so(machine):
    async def cancelled():
        try:
            await asyncio.sleep(5.0)
        finally:
            machine.loop.pause(SLICE_S)

    async def fails():
        await asyncio.sleep(0)
        raise ValueError("half way")

    async def work():
        task = asyncio.create_task(machine.share.counted(cancelled))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ValueError, match="half"):
            await machine.share.counted(fails)
        return machine.share.spent_s

    assert machine.run(work) == pytest.approx(SLICE_S, rel=0.01)
