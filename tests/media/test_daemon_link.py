"""The conversation of the process with the daemon, over a real socket with a daemon that a test plays."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from chatd.media import daemon_link
from chatd.media.daemon_link import DaemonLink
from chatd.media.interface import (
    Authenticate,
    Caller,
    Continue,
    Delete,
    Done,
    Drain,
    Drop,
    Failed,
)
from chatd.protocol.errors import Refused, Unavailable
from chatd.protocol.process_frames import Kind, frame
from tests.kit.played_daemon import PlayedDaemon
from tests.kit.waiting import until

FILE = "Fz3kQ0aaaaaaaaaaaaaaaa"


@asynccontextmanager
async def conversation():
    ours, theirs = socket.socketpair()
    deleted = []
    link = DaemonLink(deleted.append)
    await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=ours)
    daemon = PlayedDaemon(*await asyncio.open_unix_connection(sock=theirs))
    link.deleted = deleted
    try:
        yield link, daemon
    finally:
        daemon.hang_up()
        await link.ended.wait()


async def test_each_question_gets_its_own_answer():
    async with conversation() as (link, daemon):
        first = asyncio.create_task(link.ask(Authenticate(0, "a")))
        second = asyncio.create_task(link.ask(Drop(0, FILE, "b")))
        asked = [await daemon.hear(), await daemon.hear()]
        assert len({one.id for one in asked}) == 2
        daemon.say(Done(asked[1].id))
        daemon.say(Caller(id=asked[0].id, user="bob"))
        assert (await first).user == "bob"
        assert await second == Done(asked[1].id)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("forbidden", Refused), ("quota", Refused), ("overloaded", Unavailable), ("internal", Unavailable)],
)
async def test_a_failure_is_what_it_would_be_in_the_daemon(code, kind):
    async with conversation() as (link, daemon):
        asking = asyncio.create_task(link.ask(Authenticate(0, "a")))
        daemon.say(Failed((await daemon.hear()).id, code, 500, "user", "kind"))
        with pytest.raises(kind) as failure:
            await asking
        error = failure.value
        assert (error.code, error.retry_after, error.scope, error.field) == (code, 500, "user", "kind")


async def test_without_an_answer_it_is_not_available(monkeypatch):
    monkeypatch.setattr(daemon_link, "ANSWER_S", 0.0)
    async with conversation() as (link, daemon):
        with pytest.raises(Unavailable, match="timeout"):
            await link.ask(Authenticate(0, "a"))
        daemon.say(Done((await daemon.hear()).id))
        daemon.say(Kind.PING)
        assert await daemon.hear() == Kind.PONG


async def test_the_daemon_may_ask_for_things_and_is_told_some():
    async with conversation() as (link, daemon):
        link.ready()
        link.tell(Continue(FILE))
        assert [await daemon.hear(), await daemon.hear()] == [Kind.READY, Continue(FILE)]
        daemon.say(Delete((FILE,), ()))
        await until(lambda: link.deleted)
        assert link.deleted == [Delete((FILE,), ())]
        assert not link.ended.is_set()
        daemon.say(Drain())
        await link.ended.wait()


@pytest.mark.parametrize("nonsense", [frame(Kind.CONTENT, {"type": "Nothing"}), b"\xff" * 9])
async def test_a_daemon_that_speaks_nonsense_is_left(nonsense, caplog):
    async with conversation() as (link, daemon):
        daemon.say_bytes(nonsense)
        await link.ended.wait()


def test_a_token_is_never_shown():
    secret = "ck_secret"
    for one in (Authenticate(1, secret), Drop(1, FILE, secret)):
        assert secret not in repr(one)
