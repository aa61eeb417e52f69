"""media.py and the daemon's side of the conversation with the process for files, with a process in this loop."""

import asyncio
import hashlib
import time
from dataclasses import replace

import msgspec
import pytest

from chatd.core.files import NewObject
from chatd.jobs.media import Collector
from chatd.media.interface import (
    Authenticate,
    Begin,
    Begun,
    Caller,
    Condition,
    Delete,
    Deleted,
    Done,
    Drop,
    Finish,
    Refuse,
)
from chatd.protocol.messages import Attachment
from tests.kit import http
from tests.kit.client import TestClient
from tests.kit.daemon import RunningDaemon, config_for
from tests.kit.tokens import token_for

MEDIA = {"enabled": True, "address": "127.0.0.1:0"}
encode = msgspec.msgpack.encode


class Process:
    """A process for files that says what a test tells it to. `told`: what the daemon said."""

    def __init__(self):
        self.service, self.told, self.starts = None, [], 0
        self.came = asyncio.Event()

    def __call__(self, service, listener, context):
        self.service, self.starts = service, self.starts + 1
        return self

    def write(self, content):
        self.told.append(content)
        self.came.set()
        return True

    async def close(self):
        self.service.on_end()

    def say(self, message):
        # As it crosses the socket.
        self.service.on_content(encode(message))

    async def ask(self, question):
        self.told.clear()
        self.say(question)
        while not self.told:
            self.came.clear()
            await self.came.wait()
        return self.told.pop()


@pytest.fixture
async def process():
    return Process()


@pytest.fixture
async def daemon(tmp_path, process):
    made = RunningDaemon(config_for(tmp_path, media=MEDIA))
    made._daemon.make_media = process
    await made.start()
    while process.service is None:
        await asyncio.sleep(0)
    yield made
    await made.stop()


def begin(token, key="k", **changed):
    return Begin(
        **{"id": 1, "token": token, "key": key, "kind": "file", "length": 5, "name": "a.txt"} | changed
    )


def finish(file, data=b"hello", **changed):
    digest = hashlib.sha256(data).digest()
    stored = NewObject("full", file, "text/plain", len(data), digest)
    facts = Attachment(f"media:{file}", "text/plain", size=len(data), kind="file")
    return Finish(
        **{"id": 2, "file": file, "facts": facts, "stored": (stored,), "source": digest, "length": len(data)}
        | changed
    )


async def test_an_upload_is_begun_once_for_each_key_and_finished(daemon, process):
    token = token_for("alice")
    first = await process.ask(begin(token))
    assert isinstance(first, Begun)
    assert len(first.file) == 22
    assert first.length == 5
    again = await process.ask(begin(token))
    assert again.file == first.file
    other = await process.ask(begin(token, key="other"))
    assert other.file != first.file
    assert await process.ask(finish(first.file)) == Done(2)
    assert await process.ask(finish(first.file)) == Done(2)


async def test_a_token_is_verified_by_the_daemon(daemon, process):
    caller = await process.ask(Authenticate(7, token_for("alice", device="Zk3vN0b1Q2mXr8sT5uWy7A")))
    assert isinstance(caller, Caller)
    assert (caller.id, caller.user, caller.device) == (7, "alice", "Zk3vN0b1Q2mXr8sT5uWy7A")
    assert set(caller.allow) == {"read", "send", "create"}
    assert (await process.ask(Authenticate(8, "nonsense"))).code == "token_invalid"
    assert (
        await process.ask(
            Authenticate(9, token_for("alice", exp=int(time.time()) - 400, iat=int(time.time()) - 900))
        )
    ).code == "token_expired"
    assert (await process.ask(begin(token_for("alice", allow=["read"])))).code == "forbidden"
    assert (await process.ask(begin(token_for("alice"), owner="bob"))).code == "forbidden"


async def test_who_is_shut_out_uploads_nothing(daemon, process):
    token = token_for("mallory")
    assert (await daemon.api("PUT", "/v1/users/mallory/restriction", what="ban", until=1)).status == 200
    assert (await process.ask(begin(token))).code == "forbidden"
    assert (await process.ask(Authenticate(3, token))).code == "forbidden"


async def test_only_the_owner_drops_a_file(daemon, process):
    file = (await process.ask(begin(token_for("alice")))).file
    assert (await process.ask(Drop(4, file, token_for("bob")))).code == "not_found"
    assert await process.ask(Drop(5, file, token_for("alice"))) == Done(5)


async def test_a_finish_that_is_not_whole_changes_nothing(daemon, process):
    file = (await process.ask(begin(token_for("alice")))).file
    right = finish(file)
    (full,) = right.stored
    wrong = [
        msgspec.structs.replace(right, stored=()),
        msgspec.structs.replace(right, stored=(full, full)),
        msgspec.structs.replace(right, stored=(replace(full, object="another"),)),
        msgspec.structs.replace(right, stored=(replace(full, digest=b"short"),)),
        msgspec.structs.replace(right, stored=(replace(full, size=-1),)),
        msgspec.structs.replace(right, source=b""),
    ]
    for one in wrong:
        assert (await process.ask(one)).code == "bad_request"
    assert await process.ask(right) == Done(2)


async def test_a_refused_file_says_why_to_its_uploader_alone(daemon, process):
    file = (await process.ask(begin(token_for("alice")))).file
    assert await process.ask(Refuse(6, file, "unreadable")) == Done(6)
    assert (await process.ask(finish(file))).code != ""


async def test_what_was_not_asked_for_ends_the_process(daemon, process):
    process.say(Condition())
    with pytest.raises(ValueError, match="not asked for"):
        process.say(Deleted(("x",)))
    with pytest.raises(ValueError, match="another form"):
        process.service.on_content(b"\xc1")


async def test_a_key_of_the_api_uploads_for_others(daemon, process):
    made = (await daemon.api("POST", "/v1/keys", name="import", scopes=["media"])).json
    begun = await process.ask(begin(made["secret"], owner="bob", key="of-the-host"))
    assert isinstance(begun, Begun)
    caller = await process.ask(Authenticate(3, made["secret"]))
    assert (caller.user, caller.scopes) == ("", ("media",))
    assert (await process.ask(Authenticate(4, "ck_aaaaaaaa_" + "a" * 43))).code == "key_invalid"


async def test_devices_learn_where_files_are(daemon, process):
    alice = await TestClient.connect(daemon.url, "alice")
    offer = (await alice.say_hello(features=["media"]))["media"]
    await alice.hang_up()
    assert offer["url"].startswith("http://127.0.0.1:")
    assert offer["file_bytes"] == 256 << 20


async def test_troubles_of_the_process_are_told_and_leave_the_daemon_ready(daemon, process):
    process.say(Condition(problem="the disk is full", free_bytes=12, counters={"uploads": 3}))
    assert "media" in daemon.app.store.troubles.now
    answer = await http.request(f"{daemon.ops_url}/readyz")
    assert answer.status == 200
    assert daemon.app.media.shown("ok") == "ok; the disk is full"
    metrics = (await http.request(f"{daemon.ops_url}/metrics")).body.decode()
    assert 'chatd_media_events{event="uploads"} 3.0' in metrics
    assert "chatd_media_free_bytes 12.0" in metrics


async def test_the_next_process_hears_no_answer_to_the_one_before(daemon, process):
    """Both count their questions from one, and a token that was verified must not become that of another."""
    process.say(Authenticate(1, token_for("alice")))
    process.service.on_end()
    process.told.clear()
    answer = await process.ask(Authenticate(1, token_for("bob")))
    await process.service.close()
    assert (answer.user, process.told) == ("bob", [])


async def test_deletions_are_answered_in_turn_and_a_process_that_ends_answers_none(daemon, process):
    service = daemon.app.media.service
    assert not await service.delete(("a",), ())
    process.say(Condition())
    first = asyncio.ensure_future(service.delete(("x",), ()))
    second = asyncio.ensure_future(service.delete((), ("y", "z")))
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="more was deleted"):
        process.say(Deleted(("other",)))
    process.service.on_end()
    assert [await first, await second] == [False, False]


async def test_the_collector_forgets_what_is_gone_and_leaves_the_rest_to_its_next_round(daemon, process):
    app, token = daemon.app, token_for("alice")
    file = (await process.ask(begin(token))).file
    assert await process.ask(Drop(5, file, token)) == Done(5)
    asked = []

    async def forgets_nothing(objects, files):
        asked.append(files)
        return True

    await Collector(app.store, app.context.env, app.writer, forgets_nothing).collect()
    assert asked == [(file,)]
    process.say(Condition())
    process.told.clear()
    collecting = asyncio.ensure_future(
        Collector(app.store, app.context.env, app.writer, app.media.service.delete).collect()
    )
    while not process.told:
        await asyncio.sleep(0)
    assert process.told == [Delete((), (file,))]
    process.say(Deleted((), (file,)))
    await collecting
    assert await app.store.due_files(app.context.env.now_ms(), 10) == []
