"""The hook of a bot from end to end: its updates in another process, signed; never at a private address unasked."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.waiting import until
from tests.kit.webhook_receiver import SECRET, ReceiverProcess, receiver_process

SWITCHES = {"events": {"enabled": True}, "bots": {"enabled": True}}
LOOPBACK = {"egress": {"allow": ("127.0.0.0/8",)}}


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[ReceiverProcess]:
    async with receiver_process(tmp_path) as running:
        yield running


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path / "data", **SWITCHES, **LOOPBACK)) as running:
        yield running


@pytest.fixture
async def clients(daemon: RunningDaemon) -> AsyncIterator[Clients]:
    clients = Clients(daemon.url)
    yield clients
    await clients.leave()


async def put(daemon: RunningDaemon, **settings: Any) -> Any:
    answer = await daemon.api("PUT", "/v1/bots/weather", **settings)
    assert answer.status == 200, answer.body
    return answer.json


def hook(receiver: ReceiverProcess) -> dict[str, str]:
    return {"url": receiver.url, "secret": SECRET}


async def updates(daemon: RunningDaemon) -> list[str]:
    """The ids of all updates of the bot."""
    answer = await daemon.api("GET", "/v1/bots/weather/events")
    return [entry["id"] for entry in answer.json["events"]]


async def running(daemon: RunningDaemon, *names: str) -> None:
    """Wait until there are deliveries of these names, and no others."""
    deliveries = daemon.app.host.webhooks.deliveries
    assert deliveries is not None
    await until(lambda: sorted(deliveries.dispatchers) == sorted(names))


async def test_the_updates_of_a_bot_reach_its_hook_and_nothing_else_does(
    daemon: RunningDaemon, receiver: ReceiverProcess, clients: Clients
) -> None:
    await put(daemon, hook=hook(receiver))
    await running(daemon, "bot:weather")
    room, (ann, _) = await clients.in_direct("ann", "weather")
    elsewhere, (bob, _) = await clients.in_direct("bob", "cid")
    await bob.send(elsewhere, "between others")
    for number in range(5):
        await ann.send(room, f"text {number}")
    ids = await updates(daemon)
    assert len(ids) == 6
    await until(lambda: receiver.accepted == ids)
    delivery = (await put(daemon))["hook"]["delivery"]
    assert (delivery["name"], delivery["state"]) == ("bot:weather", "up")
    assert (await daemon.api("POST", "/v1/hooks/bot:weather/replay", after="")).status == 200
    await until(lambda: receiver.received == [*ids, *ids])


async def test_a_hook_that_is_replaced_goes_on_behind_what_the_first_one_took(
    daemon: RunningDaemon, receiver: ReceiverProcess, clients: Clients, tmp_path: Path
) -> None:
    await put(daemon, hook=hook(receiver))
    await running(daemon, "bot:weather")
    room, (ann, _) = await clients.in_direct("ann", "weather")
    await until(lambda: len(receiver.accepted) == 1)
    await put(daemon, hook=None)
    await running(daemon)
    await ann.send(room, "while there was none")
    (tmp_path / "second").mkdir()
    async with receiver_process(tmp_path / "second") as second:
        await put(daemon, hook=hook(second))
        ids = await updates(daemon)
        await until(lambda: second.accepted == ids[1:])
        assert receiver.accepted == ids[:1]


async def test_a_bot_that_is_disabled_or_removed_is_sent_nothing(
    daemon: RunningDaemon, receiver: ReceiverProcess
) -> None:
    await put(daemon, hook=hook(receiver))
    await running(daemon, "bot:weather")
    await daemon.api("PUT", "/v1/users/weather", disabled=True)
    await running(daemon)
    await daemon.api("PUT", "/v1/users/weather", disabled=False)
    await running(daemon, "bot:weather")
    await daemon.api("DELETE", "/v1/bots/weather")
    await running(daemon)


async def test_hooks_are_known_after_a_restart(daemon: RunningDaemon, receiver: ReceiverProcess) -> None:
    await put(daemon, hook=hook(receiver))
    await daemon.api("PUT", "/v1/bots/silent", hook=hook(receiver))
    await daemon.api("PUT", "/v1/users/silent", disabled=True)
    await daemon.restart()
    await running(daemon, "bot:weather")


async def test_a_hook_at_a_private_address_is_sent_nothing_unless_it_is_allowed(
    tmp_path: Path, receiver: ReceiverProcess
) -> None:
    async with running_daemon(config_for(tmp_path / "data", **SWITCHES)) as daemon:
        await put(daemon, hook=hook(receiver))
        await running(daemon, "bot:weather")
        clients = Clients(daemon.url)
        await clients.in_direct("ann", "weather")
        deliveries = daemon.app.host.webhooks.deliveries
        assert deliveries is not None
        status = deliveries.dispatchers["bot:weather"]
        await until(lambda: status.status.failure)
        answer = await daemon.api("GET", "/v1/hooks/bot:weather")
        assert answer.json["hook"]["state"] == "waiting"
        assert "public, or in egress.allow" in answer.json["hook"]["failure"]["text"]
        assert receiver.received == []
        await clients.leave()


async def test_a_bot_of_the_same_name_begins_anew(
    daemon: RunningDaemon, receiver: ReceiverProcess, clients: Clients
) -> None:
    await put(daemon, hook=hook(receiver))
    await running(daemon, "bot:weather")
    room, (ann, _) = await clients.in_direct("ann", "weather")
    await until(lambda: len(receiver.accepted) == 1)
    await daemon.api("DELETE", "/v1/bots/weather")
    await running(daemon)
    assert await daemon.app.store.consumers() == []
    await ann.send(room, "between two bots")
    await put(daemon, hook=hook(receiver))
    await running(daemon, "bot:weather")
    await ann.send(room, "to the new one")
    ids = await updates(daemon)
    await until(lambda: receiver.accepted == [ids[0], ids[2]])
