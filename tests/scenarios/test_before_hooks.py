"""Before-hooks with a receiver that is a process of its own, and is killed."""

import asyncio

import pytest

from bench.machine import free_ports
from chatd.config.hooks import BeforeHook
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for
from tests.kit.inprocess import new_key
from tests.kit.judge_process import judge_process

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
MESSAGES = 60
PAUSE_S = 0.01  # of a user who is refused while there is no judge


class Host:
    """A daemon whose messages are judged by a process on `port`, with the log of that process."""

    def __init__(self, directory, port):
        self.directory, self.port, self.log = directory, port, directory / "judged"
        secret = directory / "secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        self.log.touch()
        self.daemon = RunningDaemon(self.config("closed"))

    def config(self, fail, *, judged=True):
        hook = BeforeHook(
            on=("message", "edit"),
            url=f"http://127.0.0.1:{self.port}/before",
            secret_file=str(self.directory / "secret"),
            deadline_ms=5000,
            fail=fail,
        )
        hooks = {"before": (hook,) if judged else ()}
        return config_for(self.directory / "data", hooks=hooks, events={"enabled": True})

    def judge(self):
        return judge_process(self.port, SECRET, self.log)

    def passed(self):
        """The keys of the items that the judge let pass."""
        return {
            line.split()[0].split(":")[2]
            for line in self.log.read_text().splitlines()
            if "reject" not in line
        }


@pytest.fixture
async def host(tmp_path):
    (port,) = free_ports(1)
    host = Host(tmp_path, port)
    await host.daemon.start()
    yield host
    await host.daemon.stop()


async def send(client, room, text, key=None):
    return await client.reply_to(
        {"type": "send", "room": room, "key": key or new_key(), "body": {"text": text}}
    )


async def test_a_judge_rejects_rewrites_and_is_missed(host):
    clients = Clients(host.daemon.url)
    room, (ann, bob) = await clients.in_group("ann", "bob")
    async with host.judge() as process:
        assert "event" not in await send(ann, room, "hello")
        refused = await send(ann, room, "bad words")
        assert (refused["code"], refused["reason"], refused["retry"]) == ("rejected", "spam", "never")
        assert (await send(ann, room, "fix me"))["event"]["body"] == {"text": "(fix me)"}
        process.kill()
        await process.wait()
        key = new_key()
        assert (await send(ann, room, "later", key))["code"] == "overloaded"
    async with host.judge():
        assert (await send(ann, room, "later", key))["type"] == "ok"
    host.daemon._daemon.reconfigure(host.config("open"))
    assert (await send(ann, room, "unseen"))["type"] == "ok"
    texts = [(await bob.next_event(room, "message"))["body"]["text"] for _ in range(4)]
    assert texts == ["hello", "(fix me)", "later", "unseen"]
    page = (await host.daemon.api("GET", "/v1/events?types=event.message")).json
    marks = [entry.get("unscreened", False) for entry in page["events"]]
    assert marks == [False, False, False, True]
    host.daemon._daemon.reconfigure(host.config("open", judged=False))
    assert (await send(ann, room, "bad words"))["type"] == "ok"
    await clients.leave()


async def test_nothing_is_stored_that_a_judge_who_is_killed_again_and_again_has_not_passed(host, monkeypatch):
    monkeypatch.setattr("chatd.writer.judging.PROBE_S", 0.05)
    clients = Clients(host.daemon.url)
    room, (ann, bob) = await clients.in_group("ann", "bob")
    judged = asyncio.Event()
    left = {
        client: [(new_key(), f"{'bad ' * (n % 5 == 0)}{n}") for n in range(MESSAGES)] for client in (ann, bob)
    }
    order = {
        client: [key for key, text in asked if not text.startswith("bad")] for client, asked in left.items()
    }

    async def send_all(client):
        while left[client]:
            key, text = left[client][0]
            reply = await send(client, room, text, key)
            assert reply.get("code", "ok") in ("ok", "rejected", "overloaded")
            if reply.get("code") == "overloaded":
                await asyncio.sleep(PAUSE_S)
                continue
            assert (reply.get("code") == "rejected") == text.startswith("bad")
            left[client].pop(0)
            judged.set()

    async def until_sent(count):
        while min(map(len, left.values())) > MESSAGES - count:
            judged.clear()
            await judged.wait()

    async def kill_again_and_again():
        for sent in (5, 30, 55):
            async with host.judge() as process:
                await until_sent(sent)
                process.kill()
        async with host.judge():
            await asyncio.wait(senders)

    async with asyncio.TaskGroup() as tasks:
        senders = [tasks.create_task(send_all(client)) for client in left]
        tasks.create_task(kill_again_and_again())
    messages = (await host.daemon.api("GET", f"/v1/rooms/{room}/messages?limit=200")).json["messages"]
    keys = [message["key"] for message in messages if message["kind"] == "message"]
    assert set(keys) <= host.passed()
    for client in (ann, bob):
        assert [key for key in keys if key in set(order[client])] == order[client]
    await clients.leave()
