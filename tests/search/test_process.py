"""The index in a process of its own, beside a real daemon: killed, deleted, made anew, switched on and off."""

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest

from chatd.core.searches import Span
from chatd.search.handover import Answer, Ask, IndexSettings, RemoteIndex, Told
from chatd.search.interface import Candidates, IndexStatus
from chatd.server import children
from tests.kit import http
from tests.kit.clients import Clients
from tests.kit.daemon import config_for, running_daemon

ON = {"search": {"enabled": True}, "listen": {"api_address": "127.0.0.1:0"}}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(children, "BACKOFF_MIN_S", 0.01)


async def until(condition):
    while not await condition():
        await asyncio.sleep(0.01)


class Searched:
    """A daemon, a client in a group, and what its index says."""

    def __init__(self, daemon, client, room):
        self.daemon, self.client, self.room = daemon, client, room

    @property
    def child(self):
        return self.daemon._daemon.children._children["search"]

    async def status(self):
        return (await self.daemon.api("GET", "/v1/search/status")).json

    async def is_complete(self):
        status = await self.status()
        return status["complete"] and not status["behind"]

    async def found(self, text):
        reply = await self.client.request({"type": "search", "room": self.room, "text": text})
        return [hit["event"]["seq"] for hit in reply["hits"]]

    async def proposed(self, *tokens):
        """What the index says, without the newest messages."""
        search = self.daemon._daemon.app.context.search
        number = self.daemon._daemon.app.rooms.cache.rooms[self.room].number
        found = await search.find([[token] for token in tokens], [Span(number, 1, 1 << 31)], 10)
        return list(found[0].seqs)


@pytest.fixture
async def searched(tmp_path):
    async with running_daemon(config_for(tmp_path, **ON)) as daemon:
        clients = Clients(daemon.url)
        room, (client, _) = await clients.in_group("ann", "bob")
        yield Searched(daemon, client, room)
        await clients.leave()


async def test_it_is_filled_and_asked_while_the_daemon_serves(searched):
    seqs = [(await searched.client.send(searched.room, text))["seq"] for text in ("red 天气", "green", "red")]
    assert await searched.found("red") == [seqs[2], seqs[0]]

    async def is_proposed():
        return await searched.proposed("red") == [seqs[2], seqs[0]]

    await until(is_proposed)
    assert await searched.found("天气") == [seqs[0]]
    assert Path(f"/proc/{searched.child.pid}/comm").read_text() == "chatd-search\n"
    metrics = (await http.request(f"{searched.daemon.ops_url}/metrics")).body.decode()
    assert "chatd_search_behind_rooms 0.0" in metrics
    assert (await http.request(f"{searched.daemon.ops_url}/readyz")).json["processes"] == {"search": "ok"}


@pytest.mark.parametrize("what", ["killed", "deleted", "rebuilt", "damaged"])
async def test_whatever_befalls_the_index_nothing_is_missed(searched, tmp_path, what):
    seq = (await searched.client.send(searched.room, "red"))["seq"]
    await until(searched.is_complete)
    path, first = tmp_path / "search.sqlite", searched.child.pid
    file = path.stat().st_ino
    if what == "killed":
        os.kill(first, signal.SIGKILL)
    elif what == "deleted":
        path.unlink()
    elif what == "rebuilt":
        assert (await searched.daemon.api("POST", "/v1/search/rebuild")).status == 200
    else:
        os.kill(first, signal.SIGSTOP)
        path.write_bytes(b"nonsense" * 4096)
        Path(f"{path}-wal").unlink(missing_ok=True)
        os.kill(first, signal.SIGKILL)
    assert await searched.found("red") == [seq]
    later = (await searched.client.send(searched.room, "red too"))["seq"]
    assert await searched.found("red") == [later, seq]

    async def is_back():
        is_new = searched.child.pid != first if what in ("killed", "damaged") else path.stat().st_ino != file
        return path.exists() and is_new and await searched.proposed("red") == [later, seq]

    async def is_back_safely():
        try:
            return await is_back()
        except FileNotFoundError:
            return False

    await until(is_back_safely)
    assert await searched.found("red") == [later, seq]


async def test_it_comes_and_goes_with_its_setting(searched, tmp_path):
    seq = (await searched.client.send(searched.room, "red"))["seq"]
    await until(searched.is_complete)
    searched.daemon.reconfigure(search={"enabled": False})

    async def is_off():
        return (
            searched.daemon._daemon.app.context.search is None
            and not searched.daemon._daemon.children.states()
        )

    await until(is_off)
    asked = {"type": "search", "room": searched.room, "text": "red"}
    assert (await searched.client.reply_to(asked))["code"] == "not_supported"
    assert (await searched.daemon.api("GET", "/v1/search/status")).status == 501
    searched.daemon.reconfigure(search={"enabled": True, "single_characters": False})

    async def is_on():
        return searched.daemon._daemon.app.context.search is not None and await searched.is_complete()

    await until(is_on)
    assert await searched.found("red") == [seq]
    assert (await searched.client.reply_to({**asked, "text": "好"}))["code"] == "bad_request"


# --- what another process says


class Written:
    """A link that keeps what is written."""

    is_awaited = True

    def __init__(self, takes=True):
        self.content, self.takes = [], takes

    def write(self, content):
        if self.takes:
            self.content.append(content)
        return self.takes

    async def close(self):
        pass


def remote(**options):
    index = RemoteIndex(IndexSettings("", "", "", True, 0))
    index.link = Written(**options)
    return index


SPAN = Span(1, 5, 9)


async def asked(index):
    task = asyncio.create_task(index.find([["red"]], [SPAN], 3))
    await asyncio.sleep(0)
    (ask,) = index.link.content
    assert ask == Ask(ask.number, [["red"]], [SPAN], 3)
    return task, ask.number


def said(content):
    return msgspec.msgpack.encode(content)


async def test_an_answer_is_taken_once():
    index = remote()
    task, number = await asked(index)
    index.on_content(said(Answer(number, [Candidates(9, [8, 5])])))
    index.on_content(said(Answer(number, [Candidates(9, [])])))
    assert await task == [Candidates(9, [8, 5])]
    index.on_content(said(Answer(number, [Candidates(9, [])])))


@pytest.mark.parametrize(
    "found",
    [
        [],
        [Candidates(9, [5]), Candidates(9, [5])],
        [Candidates(9, [10])],
        [Candidates(9, [4])],
        [Candidates(9, [5, 8])],
        [Candidates(9, [8, 8])],
        [Candidates(9, [9, 8, 7, 6])],
        [Candidates(-1, [])],
    ],
)
async def test_an_answer_beyond_its_bounds_is_none(found):
    index = remote()
    task, number = await asked(index)
    with pytest.raises(ValueError, match=r"bounds|else"):
        index.on_content(said(Answer(number, found)))
    index.on_end()
    assert await task == [Candidates(0, ())]


async def test_nonsense_is_no_answer():
    index = remote()
    for content in (1, {"type": "answer"}, {"type": "no"}, [1]):
        with pytest.raises(ValueError, match="form"):
            index.on_content(said(content))


@pytest.mark.parametrize("state", ["gone", "full", "silent", "ended"])
async def test_without_an_answer_there_are_no_candidates(monkeypatch, state):
    monkeypatch.setattr("chatd.search.handover.ANSWER_S", 0.001 if state == "silent" else 60)
    index = remote(takes=state != "full")
    index.link.is_awaited = state != "gone"
    task = asyncio.create_task(index.find([["red"]], [SPAN], 3))
    await asyncio.sleep(0)
    if state == "ended":
        index.on_end()
    assert await task == [Candidates(0, ())]


async def test_commits_are_told_together_and_again_when_the_link_is_full(monkeypatch):
    monkeypatch.setattr("chatd.search.handover.COLLECT_S", 0)
    index = remote(takes=False)
    index.on_commit([1, 2])
    index.on_commit([2, 3])
    await asyncio.sleep(0.01)
    index.link.takes = True

    async def is_told():
        return index.link.content

    await until(is_told)
    assert [told.rooms for told in index.link.content] == [[1, 2, 3]]
    index.on_content(said(Told(IndexStatus(True, 4))))
    assert index.status.rooms == 4
    await index.close()
