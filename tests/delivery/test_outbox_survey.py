import asyncio
from dataclasses import dataclass
from typing import Any, cast

from chatd.delivery.hub import Hub
from chatd.delivery.outbox_survey import FULLEST, SLICE, OutboxSurvey


@dataclass
class Queue:
    queued_bytes: int
    lagging: bool = False


@dataclass
class Peer:
    user: str
    outbox: Queue


def hub_of(*queues: Queue) -> Any:
    hub = Hub(500)
    for number, queue in enumerate(queues):
        hub.sessions[f"u{number}"] = {"device": cast(Any, Peer(f"u{number}", queue))}
    return hub


async def test_bytes_are_summed_and_the_fullest_are_named_in_order():
    survey = OutboxSurvey(hub_of(*(Queue(size, lagging=size > 28) for size in range(30))))
    await survey.take()
    assert survey.queued_bytes == sum(range(30))
    assert survey.lagging == 1
    sizes = [peer.outbox.queued_bytes for peer in survey.fullest]
    assert sizes == list(range(29, 29 - FULLEST, -1))


async def test_those_that_are_not_behind_are_not_named():
    hub = hub_of(Queue(0), Queue(5), Queue(0))
    survey = OutboxSurvey(hub)
    await survey.take()
    assert [peer.user for peer in survey.fullest] == ["u1"]
    hub.sessions.clear()
    await survey.take()
    assert (survey.queued_bytes, survey.lagging, survey.fullest) == (0, 0, ())


async def test_others_have_their_turns_in_between():
    survey = OutboxSurvey(hub_of(*[Queue(1)] * (3 * SLICE)))
    taking = asyncio.create_task(survey.take())
    turns = 0
    while not taking.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 3
    assert survey.queued_bytes == 3 * SLICE


async def test_connections_may_come_and_go_meanwhile():
    hub = hub_of(*[Queue(1)] * (2 * SLICE))
    survey = OutboxSurvey(hub)
    taking = asyncio.create_task(survey.take())
    await asyncio.sleep(0)
    hub.sessions.clear()
    hub.sessions["late"] = {"device": cast(Any, Peer("late", Queue(1000)))}
    await taking
    assert survey.queued_bytes == 2 * SLICE
