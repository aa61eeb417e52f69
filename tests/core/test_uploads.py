"""Uploads on a real store: decided by the writer, stored, read back."""

from typing import Any

import pytest
from msgspec import UNSET

from chatd.core.files import ContinueFile, DropFile, RefuseFile
from chatd.core.uploads import OPEN_UPLOADS_MAX, UNATTACHED_KEPT_MS, UPLOAD_KEPT_MS
from chatd.protocol.errors import Refused
from tests.kit.files import Files, code_of, file_id
from tests.kit.inprocess import InProcessServer, in_process

MIB = 1 << 20


@pytest.fixture
async def files(tmp_path):
    media = {"enabled": True, "user_bytes": 4 * MIB, "file_bytes": 2 * MIB}
    async with in_process(tmp_path, rates={"uploads_per_min": 20}, media=media) as server:
        yield Files(server)


async def test_an_upload_is_begun_and_finished(files):
    begun = await files.begin("ann", "picture", length=3000, name="cat.jpg", mime="image/jpeg")
    now = files.server.env.now_ms()
    assert (begun.expires_at, begun.length) == (now + UPLOAD_KEPT_MS, 3000)
    known = await files.known(begun.file)
    assert (known.file.owner, known.file.state, known.file.charged) == ("ann", "uploading", 3000)
    await files.finish(begun.file, sizes={"full": 1800, "m": 300, "s": 100}, width=640, height=480)
    file = (await files.known(begun.file)).file
    assert (file.state, file.charged, file.due_at, file.length) == (
        "ready",
        2200,
        now + UNATTACHED_KEPT_MS,
        3000,
    )
    facts = file.facts
    assert (facts.url, facts.kind, facts.name) == (f"media:{file.file}", "picture", "cat.jpg")
    assert (facts.mime, facts.size, facts.width, facts.height) == ("image/jpeg", 1800, 640, 480)
    assert await files.usage("u:ann") == (2200, 1)
    assert await files.rows("SELECT object, size, refs, free_at FROM objects ORDER BY object") == [
        (file.file, 1800, 1, 0), (f"{file.file}-m", 300, 1, 0), (f"{file.file}-s", 100, 1, 0),
    ]  # fmt: skip


async def test_a_picture_that_grows_is_charged_what_it_takes_and_ends_the_quota(files):
    begun = await files.begin("ann", "picture", length=1000)
    assert await code_of(files.finish(begun.file, sizes={"full": 2 * MIB + 1}, length=1000)) == "too_large"
    await files.finish(begun.file, sizes={"full": 2 * MIB, "m": 2 * MIB, "s": 500}, length=1000)
    assert await files.usage("u:ann") == (4 * MIB + 500, 1)
    assert await code_of(files.begin("ann", length=1)) == "quota"


async def test_a_key_that_was_used_names_the_same_file(files):
    first = await files.begin("ann", key="the-first-key", length=1000)
    again = await files.begin("ann", key="the-first-key", length=1000)
    assert (again.file, again.expires_at) == (first.file, first.expires_at)
    assert await files.usage("u:ann") == (1000, 1), "it is charged once"
    assert (await files.begin("bob", key="the-first-key", length=1000)).file != first.file
    assert await code_of(files.begin("ann", key="the-first-key", length=999)) == "conflict"
    assert await code_of(files.begin("ann", "picture", key="the-first-key", length=1000)) == "conflict"


async def test_what_is_not_known_yet_reserves_the_most(files):
    begun = await files.begin("ann", length=None)
    assert await files.usage("u:ann") == (2 * MIB, 1)
    await files.finish(begun.file, sizes={"full": 70})
    assert await files.usage("u:ann") == (70, 1)


async def test_uploads_have_bounds(files):
    assert await code_of(files.begin("ann", length=2 * MIB + 1)) == "too_large"
    assert await code_of(files.begin("ann", name="n" * 1000)) == "bad_request"
    assert await code_of(files.begin("ann", "video", purpose="avatar")) == "bad_request"
    await files.begin("ann", length=2 * MIB)
    full = await files.begin("ann", length=2 * MIB)
    with pytest.raises(Refused) as refused:
        await files.begin("ann", length=1)
    assert (refused.value.code, refused.value.scope) == ("quota", "user")
    await files.ask(DropFile(full.file, "ann"))
    for number in range(OPEN_UPLOADS_MAX - 1):
        await files.begin("ann", length=number)
    assert await code_of(files.begin("ann", length=1)) == "rate_limited"
    await files.begin("", length=2 * MIB)


async def test_uploads_at_once_cannot_pass_the_quota(files):
    """They are decided in one batch, of which the store knows nothing yet."""
    asked = [files.begin("ann", length=MIB) for _ in range(6)]
    codes = [await code_of(one) for one in [files.soon(one) for one in asked]]
    assert sorted(codes, key=str) == [None] * 4 + ["quota"] * 2
    assert await files.usage("u:ann") == (4 * MIB, 4)


async def test_uploads_have_a_rate(files):
    for number in range(20):
        begun = await files.begin("ann", length=number)
        await files.finish(begun.file, sizes={"full": number}, length=number)
    assert await code_of(files.begin("ann", length=1)) == "rate_limited"


async def test_finishing_twice_changes_nothing(files):
    begun = await files.begin("ann")
    await files.finish(begun.file)
    before = await files.dump()
    await files.finish(begun.file)
    assert await files.dump() == before


@pytest.mark.parametrize(("change", "code"), [
    ({"file": file_id(99)}, "not_found"),
    ({"names": {"full": "another"}}, "bad_request"),
    ({"sizes": {"m": 5}}, "bad_request"),
    ({"sizes": {"full": 5, "huge": 5}}, "bad_request"),
    ({"length": 3 * MIB}, "too_large"),
    ({"source": b"\x03" * 32}, "bad_request"),
])  # fmt: skip
async def test_what_the_process_says_is_checked(files: Files, change: dict[str, Any], code: str):
    begun = await files.begin("ann", length=1000, digest=b"\x01" * 32)
    before = await files.dump()
    assert await code_of(files.finish(**{"file": begun.file, **change})) == code
    assert await files.dump() == before


async def test_a_refused_file_is_told_for_a_day_and_costs_nothing(files):
    begun = await files.begin("ann", key="the-first-key", length=1000)
    await files.ask(RefuseFile(begun.file, "unreadable"))
    await files.ask(RefuseFile(begun.file, "unreadable"))
    file = (await files.known(begun.file)).file
    assert (file.state, file.code, file.charged) == ("refused", "unreadable", 0)
    assert await files.usage("u:ann") == (0, 0)
    assert (await files.begin("ann", key="the-first-key", length=1000)).file == begun.file
    assert await code_of(files.finish(begun.file)) == "conflict"


async def test_blocked_bytes_are_refused_when_they_are_whole(files):
    files.write("INSERT INTO media_blocked VALUES (?)", b"\x05" * 32)
    begun = await files.begin("ann", length=1000)
    await files.finish(begun.file, source=b"\x05" * 32)
    file = (await files.known(begun.file)).file
    assert (file.state, file.code) == ("refused", "rejected")
    assert await files.rows("SELECT * FROM objects") == []


async def test_an_upload_that_is_given_up_waits_for_its_bytes_to_go(files):
    begun = await files.begin("ann", key="the-first-key", name="secret.txt", length=1000)
    assert await code_of(files.ask(DropFile(begun.file, "bob"))) == "not_found"
    await files.ask(DropFile(begun.file, "ann"))
    file = (await files.known(begun.file)).file
    assert (file.state, file.owner, file.facts.name) == ("dropped", "", UNSET)
    assert file.due_at == files.server.env.now_ms()
    assert await files.usage("u:ann") == (0, 0)
    assert await code_of(files.ask(DropFile(begun.file, "ann"))) == "not_found"
    assert await code_of(files.finish(begun.file)) == "not_found"
    assert (await files.begin("ann", key="the-first-key", length=1000)).file != begun.file


async def test_a_ready_file_that_is_dropped_leaves_objects_to_delete(files):
    begun = await files.begin("ann", key="the-first-key")
    await files.finish(begun.file, sizes={"full": 5, "s": 2})
    await files.ask(DropFile(begun.file, None))
    assert await files.known(begun.file) is None
    assert await files.usage("u:ann") == (0, 0)
    due = files.server.env.now_ms() + 3_600_000
    assert await files.rows("SELECT refs, free_at FROM objects") == [(0, due), (0, due)]
    assert await files.rows("SELECT * FROM renditions") == []


async def test_an_upload_that_goes_on_has_its_time_again(files):
    begun = await files.begin("ann")
    files.server.env.advance(3600)
    await files.ask(ContinueFile(begun.file))
    file = (await files.known(begun.file)).file
    assert file.due_at == files.server.env.now_ms() + UPLOAD_KEPT_MS
    await files.ask(ContinueFile(file_id(99)))


async def test_without_media_nothing_is_taken(server: InProcessServer):
    files = Files(server)
    assert await code_of(files.begin("ann")) == "not_supported"
    assert await files.dump() == {}
