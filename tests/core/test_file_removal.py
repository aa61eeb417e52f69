"""Files that nobody wants any more, on a real store: collected, taken down, forgotten."""

import pytest

from chatd.config.media import Retention
from chatd.core.files import CollectFiles, DropFile, ForgetDeleted, TakeDown
from chatd.core.held_files import PutSticker
from chatd.core.uploads import REFUSED_KEPT_MS, UNATTACHED_KEPT_MS, UPLOAD_KEPT_MS
from tests.kit.files import Files, code_of, file_id, share
from tests.kit.inprocess import in_process, new_key

DAY_MS = 86_400_000


@pytest.fixture
async def files(tmp_path):
    media = {"enabled": True, "retention_days": Retention(voice=7)}
    async with in_process(tmp_path, rates={"enabled": False}, media=media) as server:
        yield Files(server)
        await Files(server).check()


@pytest.fixture
async def ann(files):
    return await files.server.connect("ann")


async def collect(files, *names):
    await files.ask(CollectFiles(names))


async def states(files, *names):
    """Return the state of each file, None for one without a row."""
    known = [await files.known(name) for name in names]
    return [one and one.file.state for one in known]


async def test_what_is_due_goes_and_nothing_before(files, ann):
    room = await ann.create_group()
    sent = await files.ready("ann")
    await share(ann, room, sent)
    unsent = await files.ready("ann")
    begun, refused = (await files.begin("ann")).file, (await files.begin("ann")).file
    await files.refuse(refused)
    every = (sent, unsent, begun, refused)
    files.server.env.advance(UNATTACHED_KEPT_MS / 1000 - 1)
    await collect(files, *every, file_id(99))
    assert await states(files, *every) == ["ready", "ready", "uploading", "refused"]
    files.server.env.advance(1)
    assert UNATTACHED_KEPT_MS == REFUSED_KEPT_MS < UPLOAD_KEPT_MS
    await collect(files, *every)
    assert await states(files, *every) == ["ready", None, "uploading", "dropped"]
    files.server.env.advance(DAY_MS / 1000)
    await collect(files, *every)
    assert await states(files, *every) == ["ready", None, "dropped", "dropped"]
    assert await files.usage("u:ann") == (100, 1)


async def test_a_row_goes_when_the_bytes_have(files):
    begun, ready = (await files.begin("ann")).file, await files.ready("ann", sizes={"full": 3, "s": 1})
    await files.ask(ForgetDeleted((ready,), (begun, ready)))
    assert await states(files, begun, ready) == ["uploading", "ready"], "nobody deleted those"
    assert len(await files.rows("SELECT * FROM objects")) == 2
    for file in (begun, ready):
        await files.ask(DropFile(file, None))
    await files.ask(ForgetDeleted((ready,), (begun,)))
    assert await files.rows("SELECT object FROM objects") == [(f"{ready}-s",)]
    assert await states(files, begun) == [None]


async def test_after_its_time_a_file_leaves_its_messages(files, ann):
    room = await ann.create_group()
    voice = await files.ready("ann", "voice")
    await share(ann, room, voice)
    files.server.env.advance(5 * DAY_MS / 1000)
    await share(await files.server.connect("ann"), room, voice)
    files.server.env.advance(5 * DAY_MS / 1000)
    await collect(files, voice)
    assert (await files.known(voice)).uses == 2, "it was sent again"
    files.server.env.advance(2 * DAY_MS / 1000)
    await collect(files, voice)
    assert await states(files, voice) == [None]
    assert await files.usage("r:1") == (0, 0)


async def test_of_a_file_in_many_messages_some_leave_at_a_time(files, ann):
    room = await ann.create_group()
    voice = await files.ready("ann", "voice")
    for _ in range(25):
        await share(ann, room, *[voice] * 4)
    for number in range(200):
        files.write("INSERT INTO attached VALUES (?, ?)", (1 << 32) + 1000 + number, voice)
    files.write("UPDATE media_usage SET bytes = bytes + 20000, files = files + 200 WHERE account = 'r:1'")
    await files.check()
    files.server.env.advance(7 * DAY_MS / 1000)
    left = []
    while await files.known(voice) is not None:
        await collect(files, voice)
        left.append(len(await files.rows("SELECT * FROM attached")))
    assert left == [125, 25, 0]


async def test_a_takedown_reaches_every_copy_and_every_place(files, ann):
    bob = await files.server.connect("bob")
    room, other = await ann.create_group("bob"), await bob.create_group()
    file = await files.ready("ann", source=b"\x07" * 32)
    seq = (await share(ann, room, file))["seq"]
    forwarded = {"url": f"media:{file}", "mime": "x/x", "from": {"room": room, "seq": seq}}
    ack = await share(bob, other, forwarded)
    copy = ack["event"]["body"]["attachments"][0]["url"].removeprefix("media:")
    again = await files.ready("cat", source=b"\x07" * 32)
    same_size = await files.ready("cat", source=b"\x08" * 32)
    await files.ask(TakeDown(file, block=True))
    assert await states(files, file, copy, again, same_size) == ["dropped", "dropped", None, "ready"]
    assert await files.rows("SELECT DISTINCT refs, free_at FROM objects WHERE object <> ?", same_size) == [
        (0, files.server.env.now_ms())
    ]
    assert [await files.usage(one) for one in ("u:ann", "u:bob", "u:cat")] == [(0, 0), (0, 0), (100, 1)]
    assert (await share(ann, room, file))["code"] == "not_found"
    assert (await share(bob, other, forwarded))["code"] == "not_found"
    # Messages that still name it are passed by the collector.
    await files.ask(ForgetDeleted((), (file, copy)))
    await files.check()
    await collect(files, file, copy)
    assert await files.rows("SELECT * FROM attached") == []
    await files.ask(ForgetDeleted((), (file, copy)))
    assert await states(files, file, copy) == [None, None]
    for source in (b"\x07" * 32, b"\x02" * 32):
        late = (await files.begin("eve")).file
        await files.finish(late, source=source)
        assert (await files.known(late)).file.code == "rejected"
    assert await code_of(files.ask(TakeDown(file, block=False))) == "not_found"


async def test_what_becomes_the_bytes_that_were_taken_down_is_refused_whatever_it_was_before(files):
    first = await files.ready("ann", "picture", source=b"\x01" * 32)
    await files.ask(TakeDown(first, block=True))
    again = await files.ready("bob", "picture", source=b"\x03" * 32)
    assert (await files.known(again)).file.code == "rejected"
    other = await files.ready("bob", "picture", source=b"\x03" * 32, made=b"\x04" * 32)
    assert (await files.known(other)).file.state == "ready"


async def test_a_takedown_without_a_block_lets_the_bytes_come_again(files, ann):
    room = await ann.create_group()
    file = await files.ready("ann")
    seq = (await share(ann, room, file))["seq"]
    await files.ask(TakeDown(file, block=False))
    await files.ready("ann")
    await ann.request(type="recall", room=room, key=new_key(), target=seq)
    await files.ask(ForgetDeleted((), (file,)))
    assert await states(files, file) == [None], "a recalled message names it no more"


async def test_a_takedown_of_very_many_copies_is_asked_again(files):
    first = await files.ready("ann")
    columns = "owner, kind, purpose, state, reserved, source, facts, created_at, due_at"
    for number in range(250):
        files.write(
            f"INSERT INTO files (file, {columns}) SELECT ?, {columns} FROM files WHERE file = ?",
            file_id(10_000 + number), first,
        )  # fmt: skip
        files.write("INSERT INTO renditions SELECT ?, variant, object, mime FROM renditions WHERE file = ?",
                    file_id(10_000 + number), first)  # fmt: skip
    files.write("UPDATE objects SET refs = 251")
    files.write("UPDATE media_usage SET bytes = 25100, files = 251")
    assert [(await files.ask(TakeDown(first, block=True))).more for _ in range(2)] == [True, False]
    assert await files.rows("SELECT * FROM files") == []


async def test_a_sticker_is_for_everybody_as_long_as_it_is_offered(files, ann):
    room = await ann.create_group()
    sticker, private = await files.ready("", "sticker"), await files.ready("", "sticker")
    await files.ask(PutSticker("hello", sticker))
    assert (await files.known(sticker)).file.due_at == 0
    ack = await share(ann, room, sticker)
    assert ack["event"]["body"]["attachments"][0]["kind"] == "sticker"
    assert (await share(ann, room, private))["code"] == "not_found"
    assert await files.usage("u:ann") == (0, 0)
    await files.ask(PutSticker("hello", private))
    assert (await files.known(sticker)).uses == 1, "a message still holds it"
    assert (await share(ann, room, sticker))["code"] == "not_found"
    await files.ask(PutSticker("hello", ""))
    assert await states(files, private) == [None]
    picture = await files.ready("", "picture")
    for file in (picture, await files.ready("ann", "sticker"), file_id(99)):
        assert await code_of(files.ask(PutSticker("x", file))) == "not_found"
