"""The share of the loop that the delivery to an endpoint takes, on virtual time."""

import asyncio

import pytest

from chatd.config.hooks import Endpoint
from chatd.config.secret import Secret
from chatd.core.webhooks import Consumer
from chatd.egress.client import Answer
from chatd.protocol.event_feed import Entry
from chatd.storage.views import FeedPage
from chatd.telemetry.counters import Counters
from chatd.telemetry.loop_share import LoopShare
from chatd.webhooks.dispatcher import LATE_S, Dispatcher, Services
from tests.simulation.choices import Choices
from tests.simulation.loop import SimLoop
from tests.simulation.sim_env import SimEnv, WallClock

READING_S, POSTING_S = 0.004, 0.001


class Backlog:
    """A feed without an end, whose pages take the reading thread READING_S."""

    async def page(self, after="", limit=500, types=(), *, wait_s=0):
        place = int(after.split("-")[1] if after else 0) + 1
        entry = Entry(id=f"epoch-{place}-0", type="account", time=0)
        return FeedPage(after, entry.id, [entry], at_end=False, cpu_s=READING_S)


class Receiver:
    """A client whose POSTs take the loop POSTING_S."""

    def __init__(self):
        self.times = []

    async def post(self, body, headers):
        loop = asyncio.get_running_loop()
        self.times.append(loop.time())
        loop.pause(POSTING_S)
        await asyncio.sleep(0.001)
        return Answer(200, b"", "")


def posts(seconds, *, queue):
    """Return the times of the POSTs of a backlog within so many seconds, while the writer has a queue or not."""
    loop = SimLoop(Choices(lanes={}).lane("order"))
    receiver = Receiver()

    async def deliver():
        env = SimEnv(WallClock(), 1)
        share = LoopShare(env, lambda: queue, is_urgent=lambda: dispatcher.is_late)
        services = Services(Backlog(), env, Counters(troubles={}), None, share)
        settings = Endpoint(name="backend", url="http://backend", secret_file="")
        secret = Secret("whsec_" + 43 * "a" + "=")
        dispatcher = Dispatcher(
            settings, [secret], receiver, services, Consumer("backend", "epoch-1-0", b"{}")
        )
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await dispatcher.run()

    try:
        loop.run_until_complete(deliver())
    finally:
        loop.close()
    return receiver.times


@pytest.mark.parametrize(("queue", "share"), [(False, 0.1), (True, 0.02)])
def test_a_backlog_is_delivered_with_a_share_of_the_loop(queue, share):
    times = posts(20, queue=queue)
    assert len(times) * (READING_S + POSTING_S) / 20 == pytest.approx(share, rel=0.1)


def test_an_endpoint_that_takes_events_is_late_for_so_long_only():
    times = posts(LATE_S + 10, queue=True)
    late = [time for time in times if time > LATE_S + 0.5]
    assert len(late) * (READING_S + POSTING_S) / 9.5 == pytest.approx(0.1, rel=0.1)
