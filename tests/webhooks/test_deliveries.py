"""Webhooks from end to end: a daemon, and a receiver in another process that fails in every way."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.config.hooks import Endpoint
from chatd.core.event_feed import ForgetEntries
from chatd.core.webhooks import ForgetParked, Parked, SaveConsumers
from chatd.webhooks import deliveries, dispatcher, endpoint
from tests.kit import http
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, daemon_process, running_daemon
from tests.kit.soak import scaled
from tests.kit.webhook_receiver import ReceiverProcess, receiver_process


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The same rules on a shorter clock: what takes a quarter of an hour takes a moment."""
    for module, name, value in [
        (endpoint, "PAUSE_MIN_S", 0.01),
        (endpoint, "PAUSE_MAX_S", 0.1),
        (endpoint, "HALVING_S", 0.01),
        (endpoint, "ALONE_S", 0.3),
        (dispatcher, "GATHER_S", 0.01),
        (deliveries, "SAVE_S", 0.02),
    ]:
        monkeypatch.setattr(module, name, value)


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[ReceiverProcess]:
    async with receiver_process(tmp_path) as running:
        yield running


def hooks(receiver, **more):
    one = Endpoint(name="backend", url=receiver.url, secret_file=str(receiver.secret_file), **more)
    return {"endpoints": (one,)}


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


@pytest.fixture
async def clients(daemon: RunningDaemon) -> AsyncIterator[Clients]:
    clients = Clients(daemon.url)
    yield clients
    await clients.leave()


async def entries(daemon, types="event.message"):
    """All entries of these types, from the beginning of the feed."""
    found, after = [], ""
    while True:
        page = (await daemon.api("GET", f"/v1/events?types={types}&after={after}")).json
        found += page["events"]
        after = page["next"]
        if not page["events"]:
            return found


async def ids_of(daemon, types="event.message"):
    return [entry["id"] for entry in await entries(daemon, types)]


async def state(daemon):
    return (await daemon.api("GET", "/v1/hooks/backend")).json


async def is_started(daemon):
    """Wait until the endpoint has its place in the feed: what happens from then on is for it."""
    await until(lambda: "backend" in daemon.app.host.webhooks.deliveries.dispatchers)


def messages(**more):
    return {"types": ("event.message",), **more}


@pytest.fixture
async def daemon(tmp_path: Path, receiver: ReceiverProcess) -> AsyncIterator[RunningDaemon]:
    config = config_for(tmp_path / "data", events={"enabled": True}, hooks=hooks(receiver, **messages()))
    async with running_daemon(config) as running:
        await is_started(running)
        yield running


async def test_every_event_reaches_a_receiver_that_is_killed_at_random_and_late(daemon, receiver, clients):
    chance = random.Random(1)
    await receiver.kill()
    await receiver.start(late_s=0.05)
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    for number in range(scaled(200, 3000)):
        await (alice, bob)[number % 2].send(room, str(number))
        if chance.random() < 0.04:
            await receiver.kill()
            await receiver.start()
    ids = await ids_of(daemon)
    await until(lambda: receiver.accepted[-1:] == ids[-1:])
    assert receiver.accepted == ids


async def test_the_one_event_that_is_refused_is_parked_and_can_be_sent_again(daemon, receiver, clients):
    await receiver.kill()
    await receiver.start(refuses="poison 7")
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for number in range(30):
        await alice.send(room, f"poison {number}" if number == 7 else str(number))
    found = await entries(daemon)
    [poison] = [entry["id"] for entry in found if entry["event"]["body"]["text"] == "poison 7"]
    ids = [entry["id"] for entry in found]
    await until(lambda: receiver.accepted[-1:] == ids[-1:])
    assert receiver.accepted == [id for id in ids if id != poison]
    shown = await state(daemon)
    assert [(one["id"], one["status"]) for one in shown["parked"]] == [(poison, 500)]
    assert (shown["hook"]["state"], shown["hook"]["parked"]) in [("ramping", 1), ("up", 1)]

    path = f"/v1/hooks/backend/parked/{poison}"
    assert (await daemon.api("POST", f"{path}/retry")).json == {"accepted": False, "status": 500}
    await receiver.kill()
    await receiver.start(refuses="")
    assert (await daemon.api("POST", f"{path}/retry")).json == {"accepted": True, "status": 204}
    assert receiver.received[-1] == poison
    assert (await state(daemon))["parked"] == []
    assert (await daemon.api("POST", f"{path}/retry")).status == 404


async def test_a_daemon_that_is_restarted_goes_on_where_it_was(daemon, receiver, clients):
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for number in range(10):
        await alice.send(room, str(number))
    await until(lambda: len(receiver.received) == 10)
    await receiver.kill()
    for number in range(10):
        await alice.send(room, str(number))
    await clients.leave()
    await daemon.restart()
    await receiver.start()
    ids = await ids_of(daemon)
    await until(lambda: receiver.accepted[-1:] == ids[-1:])
    assert receiver.received == ids


async def cursor_stored(daemon):
    [consumer] = await daemon.app.store.consumers()
    return consumer.cursor


async def test_a_cursor_that_was_not_stored_repeats_events_and_skips_none(
    daemon, receiver, clients, monkeypatch
):
    """What a crash leaves is the position from before the last deliveries."""
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.send(room, "stored")
    await until(lambda: len(receiver.received) == 1)
    while await cursor_stored(daemon) != receiver.received[0]:
        await asyncio.sleep(0.01)
    with monkeypatch.context() as crashing:
        crashing.setattr(deliveries.Deliveries, "_save_progress", lambda *_, **__: asyncio.sleep(0))
        for number in range(5):
            await alice.send(room, str(number))
        await until(lambda: len(receiver.received) == 6)
        await clients.leave()
        await daemon.stop()
    await daemon.start_again()
    ids = await ids_of(daemon)
    await until(lambda: len(receiver.received) >= 11)
    assert receiver.received == [*ids, *ids[1:]]


async def test_an_endpoint_that_says_it_is_gone_is_sent_nothing_until_it_is_enabled(
    daemon, receiver, clients
):
    await receiver.kill()
    await receiver.start(status=410)
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.send(room, "first")
    while (await state(daemon))["hook"]["state"] != "disabled":
        await asyncio.sleep(0.01)
    assert b'chatd_webhook_disabled{endpoint="backend"} 1.0' in daemon._daemon.metrics()[0]
    await receiver.kill()
    await receiver.start(status=200)
    await alice.send(room, "second")
    await clients.leave()
    await daemon.restart()
    await is_started(daemon)
    while "lag" not in (shown := (await state(daemon))["hook"]):
        await asyncio.sleep(0.01)
    assert (shown["state"], receiver.received) == ("disabled", [])
    assert (await daemon.api("POST", "/v1/hooks/backend/enable")).json["state"] == "ramping"
    ids = await ids_of(daemon)
    await until(lambda: receiver.accepted == ids)
    audit = (await daemon.api("GET", "/v1/audit?target=backend")).json["audit"]
    assert [one["action"] for one in audit] == ["POST /v1/hooks/{name}/enable"]


async def test_what_was_delivered_is_sent_again_from_a_cursor_or_a_time(daemon, receiver, clients):
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for number in range(5):
        await alice.send(room, str(number))
    found = await entries(daemon)
    ids = [entry["id"] for entry in found]
    await until(lambda: receiver.received == ids)
    await daemon.api("POST", "/v1/hooks/backend/replay", after=ids[2])
    await until(lambda: receiver.received == [*ids, *ids[3:]])
    await daemon.api("POST", "/v1/hooks/backend/replay", since=found[0]["time"])
    await until(lambda: receiver.received[7:] == ids)
    await daemon.api("POST", "/v1/hooks/backend/replay", after="")
    await until(lambda: receiver.received[12:] == ids)
    await daemon.api("POST", "/v1/hooks/backend/replay", after="latest")
    await alice.send(room, "last")
    await until(lambda: len(receiver.received) == 18)
    assert receiver.received[-1] == (await ids_of(daemon))[-1]


async def test_an_endpoint_that_missed_what_is_not_kept_is_told_so(daemon, receiver, clients):
    await receiver.kill()
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.send(room, "lost")
    stamp = daemon.app.store.stamp
    await daemon.app.writer.submit_and_wait("", ForgetEntries(stamp))
    await alice.send(room, "kept")
    await receiver.start()
    await until(lambda: len(receiver.received) == 2)
    assert receiver.types == ["feed.truncated", "event.message"]


async def test_what_is_parked_is_kept_as_long_as_the_feed_keeps_it(daemon, receiver, clients):
    await receiver.kill()
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.send(room, "old")
    [id] = await ids_of(daemon)
    store, submit = daemon.app.store, daemon.app.writer.submit_and_wait
    await submit("", SaveConsumers((), (Parked("backend", id, 500, daemon.app.host.admin.now_ms()),)))
    await submit("", ForgetParked())
    assert [one.entry for one in await store.parked("backend", 10)] == [id]
    await alice.send(room, "new")
    await submit("", ForgetEntries(store.stamp - 1))
    await submit("", ForgetParked())
    assert await store.parked("backend", 10) == []
    assert (await daemon.api("POST", f"/v1/hooks/backend/parked/{id}/retry")).status == 404


async def test_endpoints_come_go_and_change_with_a_reload(daemon, receiver, clients):
    room, (alice, _) = await clients.in_direct("alice", "bob")
    group, (carol,) = await clients.in_group("carol")
    await alice.send(room, "first")
    await until(lambda: len(receiver.received) == 1)
    daemon.reconfigure(hooks={"endpoints": ()})
    await until(lambda: daemon.app.host.webhooks.deliveries.dispatchers == {})
    await alice.send(room, "second")
    assert (await daemon.api("GET", "/v1/hooks")).json == {"hooks": []}
    daemon.reconfigure(hooks=hooks(receiver, **messages(rooms=(group[:1],))))
    await is_started(daemon)
    await alice.send(room, "third")
    await carol.send(group, "fourth")
    await until(lambda: len(receiver.received) == 2)
    assert receiver.received == [(await ids_of(daemon))[0], (await ids_of(daemon))[-1]]


async def test_nothing_is_skipped_when_daemon_and_receiver_are_killed_by_turns(tmp_path):
    """The real clocks, and a process that ends without a word."""
    async with receiver_process(tmp_path) as receiver:
        hook = {"name": "backend", "url": receiver.url, "secret_file": str(receiver.secret_file)}
        endpoints = json.dumps([{**hook, "types": ["event.message"]}])
        async with daemon_process(tmp_path, EVENTS__ENABLED="true", HOOKS__ENDPOINTS=endpoints) as daemon:
            socket = daemon.database.parent / "chatd.sock"

            async def api(method, path, content=None):
                answer = await http.request(f"http://c{path}", method, content=content, socket_path=socket)
                assert answer.status == 200, answer.body
                return answer.json

            async def send(number):
                asked = {"as": "u1", "key": f"message-{number}", "body": {"text": str(number)}}
                await api("POST", f"/v1/rooms/{room}/messages", asked)

            made = {"as": "u1", "key": "room-key", "title": "Bikes", "users": ["u2"]}
            room = (await api("POST", "/v1/rooms", made))["room"]
            for number in range(60):
                await send(number)
                if number == 0:
                    await until(lambda: receiver.received)
                if number in (15, 45):
                    await daemon.kill9()
                    await daemon.start()
                if number == 30:
                    await receiver.kill()
                    await receiver.start()
            page = await api("GET", "/v1/events?types=event.message")
            ids = [entry["id"] for entry in page["events"]]
            assert len(ids) == 60
            await until(lambda: receiver.accepted[-1:] == ids[-1:])
            assert receiver.accepted == ids


# Method, path and content, and the refusal.
WRONGLY = (
    ("GET", "/v1/hooks/other", {}, 404, "not_found"),
    ("GET", "/v1/hooks/..%2f", {}, 404, "not_found"),
    ("GET", "/v1/hooks/Backend", {}, 400, "bad_request"),
    ("POST", "/v1/hooks/other/enable", {}, 404, "not_found"),
    ("POST", "/v1/hooks/other/replay", {"after": ""}, 404, "not_found"),
    ("POST", "/v1/hooks/backend/replay", {}, 400, "bad_request"),
    ("POST", "/v1/hooks/backend/replay", {"after": "", "since": 1}, 400, "bad_request"),
    ("POST", "/v1/hooks/backend/replay", {"after": "x"}, 400, "bad_cursor"),
    ("POST", "/v1/hooks/backend/replay", {"since": -1}, 400, "bad_request"),
    ("POST", "/v1/hooks/backend/parked/x/retry", {}, 400, "bad_cursor"),
    ("POST", "/v1/hooks/backend/parked/a-1-0/retry", {}, 404, "not_found"),
    ("DELETE", "/v1/hooks/backend/parked/a-1-0", {}, 404, "not_found"),
)


async def test_what_is_asked_wrongly_is_refused_and_changes_nothing(daemon):
    for method, path, content, status, code in WRONGLY:
        answer = await daemon.api(method, path, **content)
        assert (answer.status, answer.json["code"]) == (status, code), (method, path, content)
    assert (await daemon.api("GET", "/v1/audit?target=backend")).json["audit"] == []


async def test_a_daemon_without_endpoints_has_nothing_for_them(tmp_path):
    async with running_daemon(config_for(tmp_path, events={"enabled": True})) as plain:
        assert plain.app.host.webhooks.deliveries is None
        assert (await plain.api("GET", "/v1/hooks")).json == {"hooks": []}
