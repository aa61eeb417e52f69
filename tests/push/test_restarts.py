"""Push notifications through `kill -9`, stops, and senders that hang: each is told, none twice as another."""

import json
import os
import signal
import sqlite3
from contextlib import closing

import pytest

from chatd.push.planner import stamp_of
from chatd.server import children
from chatd.server.system_env import SystemEnv
from tests.kit.clients import Clients
from tests.kit.daemon import config_for, daemon_process, running_daemon
from tests.kit.push_services.apns import Apns
from tests.kit.push_services.authority import Authority
from tests.kit.push_services.phones import online, phone, push, register
from tests.kit.push_services.sending import trusting
from tests.kit.waiting import until

STAMP = "SELECT stamp FROM events WHERE position & 0xffffffff = ? AND ordinal IS NOT NULL"
MOMENTS = ("when it is acknowledged", "when it is under way", "when it was taken")


@pytest.fixture
async def apple(tmp_path):
    authority = Authority(tmp_path)
    with trusting(authority):
        async with Apns(tmp_path, authority) as service:
            service.add("b1")
            yield service
            assert service.objections == []


def seqs(apple):
    return [one.payload["seq"] for one in apple.of("b1") if "seq" in one.payload]


async def test_every_message_is_told_through_kill_9_with_one_tag(tmp_path, apple):
    settings = {
        "PUSH__ENABLED": "true",
        "PUSH__APPS": json.dumps([apple.app()]),
        "PUSH__DELAY_S": "0",
        "LOG__LEVEL": "warning",
    }
    async with daemon_process(tmp_path, **settings) as daemon:
        clients = Clients(daemon.url)
        bob = await online(clients, "bob")
        await register(bob, apple, "b1")
        room = await (await clients.connect("alice")).open_direct("bob")
        await clients.leave()
        for number, moment in enumerate(MOMENTS):
            if moment == "when it is under way":
                apple.hold()
            came = len(apple.requests)
            clients = Clients(daemon.url)
            alice = await clients.connect("alice")
            seq = (await alice.send(room, str(number)))["seq"]
            if moment == "when it is under way":
                await apple.came(came + 1)
            elif moment == "when it was taken":
                await apple.until(lambda seq=seq: seq in seqs(apple))
            await daemon.kill9()
            apple.release()
            await daemon.start()
            await apple.until(lambda seq=seq: seq in seqs(apple))
        assert {one.headers["apns-collapse-id"] for one in apple.of("b1")} == {
            apple.accepted[0].payload["tag"]
        }
        # A notification that was told again is the newest of its room: nothing old comes behind something new.
        assert seqs(apple) == sorted(seqs(apple))
        assert "Traceback" not in daemon.log


class Late(SystemEnv):
    """The system, and a wall clock that can be put forward."""

    later_ms = 0

    def now_ms(self):
        return super().now_ms() + self.later_ms


async def test_what_was_told_is_not_told_again_and_what_is_too_old_is_not_told_at_all(tmp_path, apple):
    env = Late()
    apple.now_s = lambda: env.now_ms() / 1000
    async with running_daemon(config_for(tmp_path / "data", push=push(apple)), env) as daemon:
        clients = Clients(daemon.url)
        await phone(clients, "bob", apple, "b1")
        alice = await clients.connect("alice")
        room = await alice.open_direct("bob")
        first = (await alice.send(room, "one"))["seq"]
        await apple.until(lambda: apple.of("b1"))
        apple.hold()
        await alice.send(room, "two")
        await apple.came(2)
        await clients.leave()
        await daemon.stop()
        apple.release()
        env.later_ms = 601_000
        await daemon.start_again()
        await until(lambda: daemon.app.counters.notifications["expired"])
        clients = Clients(daemon.url)
        alice = await clients.connect("alice")
        last = (await alice.send(room, "three"))["seq"]
        await apple.until(lambda: last in seqs(apple))
        assert seqs(apple) == [first, last]
        await clients.leave()


async def test_of_messages_that_are_told_as_one_none_is_decided_before_that(tmp_path, apple):
    """Were the newest recalled after a crash, nobody would be told of those that counted as decided."""
    async with running_daemon(config_for(tmp_path / "data", push=push(apple))) as daemon:
        clients = Clients(daemon.url)
        await phone(clients, "bob", apple, "b1")
        alice = await clients.connect("alice")
        room = await alice.open_direct("bob")
        apple.hold()
        first, last = [(await alice.send(room, text))["seq"] for text in ("one", "two")]
        await apple.came(1)
        await clients.leave()
        await daemon.stop()
        before = len(apple.requests)
        await daemon.start_again()
        await apple.came(before + 1)
        with closing(sqlite3.connect(daemon.database)) as database:
            ((stamp,),) = database.execute(STAMP, (first,)).fetchall()
        planner = daemon.app.push.push._planner
        assert stamp_of(planner.cursor(), planner._epoch) < stamp
        apple.release()
        await apple.until(lambda: last in seqs(apple))
        assert len(apple.requests) == before + 1


async def test_a_sender_that_is_killed_or_hangs_is_replaced_and_nothing_is_lost(tmp_path, apple, monkeypatch):
    monkeypatch.setattr(children, "PING_S", 0.2)
    monkeypatch.setattr(children, "BACKOFF_MIN_S", 0.01)
    async with running_daemon(config_for(tmp_path / "data", push=push(apple, workers=1))) as daemon:
        clients = Clients(daemon.url)
        await phone(clients, "bob", apple, "b1")
        alice = await clients.connect("alice")
        room = await alice.open_direct("bob")
        for number, ending in enumerate((None, signal.SIGKILL, signal.SIGSTOP)):
            child = await running_child(daemon)
            apple.hold()
            came = len(apple.requests)
            seq = (await alice.send(room, str(number)))["seq"]
            await apple.came(came + 1)
            if ending is not None:
                os.kill(child, ending)
            apple.release()
            await apple.until(lambda seq=seq: seq in seqs(apple))
            if ending is not None:
                await until(lambda child=child: not alive(child))
        await clients.leave()


async def running_child(daemon):
    """Return the process that sends, when it works."""
    child = daemon._daemon.children._children["push"]
    await until(lambda: child.state == "ok")
    return child.pid


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
