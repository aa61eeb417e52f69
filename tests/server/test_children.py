"""children.py and push_process.py with real processes; handover.py between them and the daemon."""

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from chatd.config.model import Log
from chatd.config.push import PushApp
from chatd.core.push import Address, Notification
from chatd.protocol.process_frames import Kind, frame
from chatd.push.handover import RemoteSender, SenderSettings
from chatd.push.interface import Delivery
from chatd.server import children
from chatd.server.children import Child, Program
from chatd.server.system_env import SystemEnv
from chatd.telemetry.counters import Counters
from tests.kit import http
from tests.kit.daemon import config_for, running_daemon
from tests.kit.push_services.apns import TOPIC, Apns
from tests.kit.push_services.authority import Authority

MODULE = "chatd.server.push_process"
HELLO = Notification("message", "tag", name="Bob", text="Hi")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """What is waited for in production comes soon."""
    monkeypatch.setattr(children, "BACKOFF_MIN_S", 0.01)


class Running:
    """A sender in a process of its own, and what it answered."""

    def __init__(self, apps=(), module=MODULE):
        self.answers, self.counters = {}, Counters()
        settings = SenderSettings(tuple(apps), log=Log(level="error"))
        self.sender = RemoteSender(settings, self.on_answers)
        self.child = Child(Program("push", module), self.sender, SystemEnv(), self.counters)
        self.sender.link = self.child
        self.child.start()

    def on_answers(self, answers):
        for answer in answers:
            assert answer.number not in self.answers, "answered twice"
            self.answers[answer.number] = answer

    def send(self, number, token="ab12", app=TOPIC):
        self.sender.send([Delivery(number, Address("apns", app, token), HELLO, expires_at=2_000_000_000_000)])

    async def answer(self, number):
        await until(lambda: number in self.answers)
        return self.answers[number]

    async def up(self, starts=1):
        await until(lambda: self.child.state == "ok" and self.counters.children_started["push"] >= starts)
        # os.kill(0) is for the tests themselves.
        assert self.child.pid > 0
        return self.child.pid


async def until(condition):
    while not condition():
        await asyncio.sleep(0.002)


@asynccontextmanager
async def running(*apps, module=MODULE):
    made = Running([PushApp(**app) for app in apps], module)
    try:
        yield made
    finally:
        await made.sender.close()


@asynccontextmanager
async def apple(tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with Apns(tmp_path, authority) as service:
        service.add("ab12")
        yield service


async def test_what_is_handed_over_while_the_process_starts_is_sent(tmp_path, monkeypatch):
    async with apple(tmp_path, monkeypatch) as service, running(service.app()) as made:
        made.send(1)
        made.send(2, token="cd34")
        assert (await made.answer(1)).result == "sent"
        assert (await made.answer(2)).result == "dead"
        assert Path(f"/proc/{made.child.pid}/comm").read_text() == "chatd-push\n"
        assert service.accepted[0].payload["text"] == "Hi"


async def test_a_process_that_is_killed_answers_for_nothing_and_starts_again(tmp_path, monkeypatch):
    async with apple(tmp_path, monkeypatch) as service, running(service.app()) as made:
        first = await made.up()
        service.hold()
        made.send(1)
        await service.came(1)
        os.kill(first, signal.SIGKILL)
        answer = await made.answer(1)
        assert (answer.result, answer.detail) == ("retry", "the sender ended")
        service.release()
        assert await made.up(2) != first
        made.send(2)
        assert (await made.answer(2)).result == "sent"


async def test_a_process_that_hangs_is_killed(monkeypatch):
    monkeypatch.setattr(children, "PING_S", 0.3)
    async with running() as made:
        first = await made.up()
        os.kill(first, signal.SIGSTOP)
        await until(lambda: made.counters.children_started["push"] >= 2)
        assert not Path(f"/proc/{first}").exists()
        assert await made.up(2) != first


@pytest.mark.parametrize("module", ["chatd.server.no_such_module", "chatd.protocol.limits"])
async def test_a_process_that_never_works_is_tried_again_with_pauses(module, caplog):
    async with running(module=module) as made:
        await until(lambda: made.counters.children_started["push"] >= 3)
        made.send(1)
        assert (await made.answer(1)).result == "retry"
    assert all(record.levelname == "ERROR" for record in caplog.records)


async def test_nonsense_of_a_process_ends_it(tmp_path, monkeypatch):
    """A module that answers something else, as a child that was taken over might."""
    (tmp_path / "nonsense.py").write_text(
        "import socket, sys\n"
        "from chatd.protocol.process_frames import Kind, frame\n"
        "from chatd.push.interface import Answer\n"
        "pipe = socket.socket(fileno=0)\n"
        "pipe.send(frame(Kind.READY) + frame(Kind.CONTENT, [Answer(1, 'sent', retry_after_s=float('nan'))]))\n"
        "pipe.recv(1 << 20); sys.stdin.read()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with running(module="nonsense") as made:
        await until(lambda: made.counters.children_started["push"] >= 2)
        assert made.answers == {}


async def test_the_process_ends_with_the_daemon_and_before_close_returns(tmp_path):
    async with running() as made:
        pid = await made.up()
        await made.sender.close()
        assert not Path(f"/proc/{pid}").exists()
        assert made.child.state == "stopped"
        made.send(1)
        assert (await made.answer(1)).result == "retry"


def test_the_process_ends_when_the_daemon_is_gone():
    """As after kill -9: nothing but the end of the socket says so."""
    ours, theirs = socket.socketpair()
    process = children.spawned(Program("push", MODULE), theirs)
    with ours:
        ours.sendall(frame(Kind.SETTINGS, SenderSettings()))
        assert ours.recv(5) == frame(Kind.READY)[:5]
    assert process.wait(30) == 0


async def test_a_daemon_shows_its_process_and_is_ready_without_it(tmp_path):
    app = PushApp(platform="apns", app=TOPIC, key_file=str(tmp_path / "key"))
    config = config_for(tmp_path / "data", push={"enabled": True, "apps": (app,)})
    async with running_daemon(config) as daemon:

        async def shown():
            answer = await http.request(f"{daemon.ops_url}/readyz")
            return answer.status, answer.json["processes"]

        while await shown() != (200, {"push": "ok"}):
            await asyncio.sleep(0.01)
        child = daemon._daemon.children._children["push"]
        first = child.pid
        assert first > 0
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.state != "ok")
        assert (await shown())[0] == 200
        await until(lambda: child.state == "ok")
        metrics = (await http.request(f"{daemon.ops_url}/metrics")).body.decode()
        assert 'chatd_child_up{child="push"} 1.0' in metrics
        assert 'chatd_children_started_total{child="push"} 2.0' in metrics
        daemon.reconfigure(push={"enabled": False, "apps": ()})
        await until(lambda: child.state == "stopped" and child.pid == 0)
        assert "processes" not in (await http.request(f"{daemon.ops_url}/readyz")).json
        daemon.reconfigure(push={"enabled": True, "apps": (app,)})
        await until(lambda: daemon._daemon.children.states() == {"push": "ok"})
        last = daemon._daemon.children._children["push"].pid
    assert not Path(f"/proc/{last}").exists()


def test_an_answer_beyond_its_bounds_is_none():
    sender = RemoteSender(SenderSettings(), lambda answers: None)
    since = [1, "dead", "", 410, 0.0, "", 1 << 63]
    nonsense = (
        [1],
        [[1, "gone"]],
        [[1, "sent", "", 0, float("inf")]],
        [[1, "sent", "", -1]],
        {"a": 1},
        [since],
    )
    for told in nonsense:
        with pytest.raises(ValueError, match=r"form|bounds"):
            sender.on_content(msgspec.msgpack.encode(told))
    sender.on_content(frame(Kind.CONTENT, [])[5:])
