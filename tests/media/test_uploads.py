"""Bytes of uploads: continued after every break, synced before they are said, and kept by the newest request alone."""

import asyncio
import errno
import hashlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd.core.uploads import UPLOAD_KEPT_MS
from chatd.media import finishing as finishing_module
from chatd.media import uploads as uploads_module
from chatd.media import writing as writing_module
from chatd.media.disk import SystemDisk
from chatd.media.engines.local import LocalObjects
from chatd.media.incoming import Incoming, Progress
from chatd.media.inspection import Refusal
from chatd.media.interface import Continue
from chatd.media.layout import folder_of, path_of
from chatd.media.tus import Part
from chatd.media.uploads import Discarded, OffsetConflict
from chatd.media.writing import ChecksumMismatch
from chatd.protocol.errors import Refused, Unavailable
from tests.kit.media_disk import Inline, MemoryDisk
from tests.kit.simulated_disk import Kind
from tests.kit.soak import scaled, seed_base
from tests.kit.upload_bench import BYTES, FILE, Body, UploadBench, pieces, sweep
from tests.kit.waiting import nothing_is_ready, until


@pytest.fixture
def bench(tmp_path):
    return UploadBench(tmp_path)


class TestAppending:
    async def test_what_came_before_a_break_is_kept_and_the_rest_goes_on_there(self, bench):
        bench.begin()
        state = await bench.append(Body(*pieces(BYTES[:3000]), then="lost"))
        assert (state.offset, state.said) == (3000, "")
        state = await bench.append(Body(*pieces(BYTES[3000:])), 3000)
        assert (state.offset, state.said) == (5000, "ready")
        assert bench.object() == BYTES
        assert bench.row.source == hashlib.sha256(BYTES).digest()
        assert bench.names == [f"objects/{folder_of(FILE)}/{FILE}"]

    @pytest.mark.parametrize("offset", [0, 2999, 3001])
    async def test_an_append_elsewhere_is_told_where_to_begin(self, bench, offset):
        bench.begin()
        await bench.append(Body(BYTES[:3000], then="lost"))
        with pytest.raises(OffsetConflict) as refused:
            await bench.append(Body(BYTES[offset:]), offset)
        assert refused.value.offset == await bench.offset() == 3000

    async def test_the_newest_request_wins_and_what_the_older_brought_is_kept(self, bench):
        bench.begin()
        lost = asyncio.create_task(bench.append(Body(BYTES[:2000], then="wait")))
        await nothing_is_ready()
        assert await bench.offset() == 2000
        assert (await lost).offset == 2000
        older = asyncio.create_task(bench.append(Body(BYTES[2000:4000], then="wait"), 2000))
        await nothing_is_ready()
        with pytest.raises(OffsetConflict):
            await bench.append(Body(BYTES[2000:]), 2000)
        assert (await older).offset == 4000
        assert (await bench.append(Body(BYTES[4000:]), 4000)).said == "ready"
        assert bench.object() == BYTES
        assert not bench.uploads._uploads

    async def test_more_than_was_announced_is_refused(self, bench):
        bench.begin(1000)
        with pytest.raises(Refused, match="too_large"):
            await bench.append(Body(BYTES, length=5000))
        with pytest.raises(Refused, match="too_large"):
            await bench.append(Body(BYTES[:600], BYTES[600:1200]))
        assert await bench.offset() == 600

    async def test_a_length_may_be_told_with_the_last_bytes(self, bench):
        bench.rows.begin(FILE, None, charged=6000)
        assert (await bench.append(Body(BYTES[:3000]))).length is None
        for length in (2999, 6001):
            with pytest.raises(Refused, match="too_large"):
                await bench.append(Body(), 3000, length)
        assert (await bench.append(Body(then="lost"), 3000, 5000)).length == 5000
        with pytest.raises(Refused, match="bad_request"):
            await bench.append(Body(), 3000, 4000)
        assert (await bench.append(Body(BYTES[3000:]), 3000)).said == "ready"
        assert (bench.object(), bench.row.length) == (BYTES, 5000)

    @pytest.mark.parametrize("name", ["sha1", "sha256"])
    async def test_bytes_with_a_checksum_are_kept_whole_or_not_at_all(self, bench, name):
        bench.begin()
        good = name, hashlib.new(name, BYTES[:3000]).digest()
        with pytest.raises(ChecksumMismatch):
            await bench.append(Body(*pieces(BYTES[:2999])), digest=good)
        await bench.append(Body(*pieces(BYTES[:2999]), then="lost"), digest=good)
        assert await bench.offset() == 0
        assert (await bench.append(Body(*pieces(BYTES[:3000])), digest=good)).offset == 3000

    async def test_it_is_synced_by_bytes_and_by_time(self, bench, monkeypatch):
        monkeypatch.setattr(writing_module, "SYNC_BYTES", 1500)
        bench.begin()
        task = asyncio.create_task(bench.append(Body(*pieces(BYTES[:2100]), then="wait")))
        await nothing_is_ready()
        assert bench.incoming.progress(FILE).offset == 2100
        await bench.offset()
        await task
        body = Body(BYTES[2100:2200], then="wait")
        task = asyncio.create_task(bench.append(body, 2100))
        await nothing_is_ready()
        assert bench.incoming.progress(FILE).offset == 2100
        bench.env.advance(writing_module.SYNC_S)
        body.end()
        assert (await task).offset == 2200

    async def test_an_upload_that_goes_on_is_said_to_but_not_with_every_request(self, bench):
        row = bench.begin()
        await bench.append(Body(BYTES[:10], then="lost"))
        assert bench.rows.told == []
        bench.rows.files[FILE] = replace(row, due_at=bench.env.now_ms() + UPLOAD_KEPT_MS - 700_000)
        await bench.append(Body(BYTES[10:20], then="lost"), 10)
        assert bench.rows.told == [Continue(FILE)]

    async def test_an_upload_that_was_dropped_meanwhile_takes_no_byte(self, bench):
        row = bench.begin()
        bench.rows.files[FILE] = replace(row, state="dropped")
        await bench.uploads.end(FILE)
        with pytest.raises(Refused, match="not_found"):
            await bench.uploads.append(row, Part(0, None, None), Body(BYTES))
        assert bench.names == []


class TestTroubledDisk:
    async def test_below_its_floor_nothing_is_taken(self, bench):
        bench.begin()
        bench.disk.free = 1000 + len(BYTES) - 1
        with pytest.raises(Unavailable, match="overloaded"):
            await bench.append(Body(BYTES))
        bench.disk.free += 1
        assert (await bench.append(Body(BYTES))).said == "ready"

    async def test_a_full_disk_keeps_what_came(self, bench):
        bench.begin()
        bench.disk.fault = lambda one: errno.ENOSPC if one.kind == Kind.WRITE and one.offset >= 1400 else 0
        with pytest.raises(Unavailable, match="overloaded"):
            await bench.append(Body(*pieces(BYTES)))
        bench.disk.fault = lambda one: 0
        assert await bench.offset() == 1400
        assert (await bench.append(Body(*pieces(BYTES[1400:])), 1400)).said == "ready"
        assert bench.object() == BYTES

    @pytest.mark.parametrize("kind", [Kind.SYNC, Kind.WRITE])
    async def test_a_failing_one_has_the_upload_begin_anew(self, bench, kind):
        bench.begin()
        await bench.append(Body(BYTES[:700], then="lost"))
        bench.disk.fault = lambda one: errno.EIO if one.kind == kind and one.file.endswith(FILE) else 0
        with pytest.raises(Discarded):
            await bench.append(Body(*pieces(BYTES[700:])), 700)
        bench.disk.fault = lambda one: 0
        assert await bench.offset() == 0
        assert (await bench.append(Body(BYTES))).said == "ready"
        assert bench.object() == BYTES

    async def test_an_object_that_was_not_synced_is_not_believed(self, bench):
        """The next sync of the same bytes would say that all is well."""
        bench.begin()
        syncs = []

        def fault(one):
            syncs.extend([one] if one.kind == Kind.SYNC else [])
            return errno.EIO if one.kind == Kind.SYNC and len(syncs) == 2 else 0

        bench.disk.fault = fault
        with pytest.raises(Discarded):
            await bench.append(Body(BYTES))
        assert await bench.offset() == 0
        assert (await bench.append(Body(BYTES))).said == "ready"
        assert bench.object() == BYTES


class TestFinishing:
    async def test_a_picture_becomes_what_its_inspector_made_and_the_upload_goes(self, bench):
        bench.begin(kind="picture")
        assert (await bench.append(Body(BYTES))).said == "ready"
        assert (bench.object(), bench.object("-s")) == (b"full " + BYTES, b"small " + BYTES[:2500])
        assert len(bench.names) == 2
        assert bench.row.source == hashlib.sha256(BYTES).digest()

    @pytest.mark.parametrize("code", ["unreadable", "too_large", "not_supported"])
    async def test_what_is_refused_leaves_nothing(self, bench, code):
        bench.begin(kind="picture")
        bench.inspector.answers = [Refusal(code)]
        with pytest.raises(Refused, match=code):
            await bench.append(Body(BYTES))
        with pytest.raises(Refused, match=code):
            await bench.offset()
        assert bench.names == []

    async def test_what_the_operator_took_down_is_refused(self, bench):
        bench.begin()
        bench.rows.on_finish = lambda row: replace(row, state="refused", code="rejected")
        with pytest.raises(Refused, match="rejected"):
            await bench.append(Body(BYTES))
        assert bench.names == []

    async def test_what_the_daemon_does_not_want_is_refused(self, bench):
        bench.begin()

        def on_ask(request):
            if type(request).__name__ == "Finish":
                raise Refused("bad_request")

        bench.rows.on_ask = on_ask
        with pytest.raises(Refused, match="bad_request"):
            await bench.append(Body(BYTES))
        assert (bench.row.state, bench.row.code, bench.names) == ("refused", "bad_request", [])

    async def test_it_is_tried_until_daemon_and_inspector_work(self, bench, monkeypatch):
        monkeypatch.setattr(finishing_module, "RETRY_MIN_S", 0.0)
        failures = [Unavailable("timeout")] * 2

        def on_ask(request):
            if failures:
                raise failures.pop()

        bench.rows.on_ask = on_ask
        bench.inspector.answers = [Unavailable("overloaded")]
        bench.begin(kind="picture")
        assert (await bench.append(Body(BYTES))).said == "ready"
        assert bench.object() == b"full " + BYTES

    async def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_inspected_twice(
        self, bench, monkeypatch
    ):
        monkeypatch.setattr(finishing_module, "RETRY_MIN_S", 0.0)
        ask, lost = bench.rows.ask, []

        async def loses_the_first(request):
            answer = await ask(request)
            if not lost:
                lost.append(request)
                raise Unavailable("timeout")
            return answer

        monkeypatch.setattr(bench.rows, "ask", loses_the_first)
        bench.begin(kind="picture")
        assert (await bench.append(Body(BYTES))).said == "ready"
        assert (bench.inspector.begun, len(lost), len(bench.names)) == (1, 1, 2)

    @pytest.mark.parametrize("kind", ["file", "picture"])
    async def test_a_request_that_overlaps_with_the_end_is_told_of_it(self, bench, kind):
        """Its row was read before, and nothing of the upload is left."""
        row = bench.begin(kind=kind)
        await bench.append(Body(BYTES))
        assert (await bench.uploads.look(row)).said == "ready"
        part = Part(len(BYTES), None, None)
        assert (await bench.uploads.append(row, part, Body())).said == "ready"
        with pytest.raises(OffsetConflict):
            await bench.uploads.append(row, Part(0, None, None), Body(BYTES))

    async def test_one_that_takes_long_is_said_to_be_inspected(self, bench, monkeypatch):
        monkeypatch.setattr(uploads_module, "READY_S", 0.0)
        bench.inspector.gate = asyncio.Event()
        bench.begin(kind="picture")
        assert (await bench.append(Body(BYTES))).said == "inspecting"
        assert (await bench.uploads.look(bench.row)).said == "inspecting"
        # A client that did not hear the answer sends the end once more.
        assert (await bench.append(Body(), 5000)).said == "inspecting"
        bench.inspector.gate.set()
        await until(lambda: bench.row.state == "ready")
        assert (
            (await bench.uploads.look(bench.row)).said == (await bench.append(Body(), 5000)).said == "ready"
        )
        assert bench.inspector.begun == 1

    async def test_one_that_is_given_up_meanwhile_leaves_nothing(self, bench):
        bench.inspector.gate = asyncio.Event()
        bench.begin(kind="picture")
        task = asyncio.create_task(bench.append(Body(BYTES)))
        await until(lambda: bench.inspector.begun)
        bench.rows.files[FILE] = replace(bench.row, state="dropped")
        await bench.uploads.end(FILE)
        with pytest.raises(Unavailable):
            await task
        assert bench.names == []

    async def test_a_drained_process_counts_no_attempt(self, bench):
        bench.inspector.gate = asyncio.Event()
        bench.begin(kind="picture")
        task = asyncio.create_task(bench.append(Body(BYTES)))
        await until(lambda: bench.inspector.begun)
        assert bench.incoming.progress(FILE).attempts == 1
        await bench.uploads.close()
        with pytest.raises(Unavailable):
            await task
        assert bench.incoming.progress(FILE) == Progress(5000, 5000, 0)


async def test_a_folder_that_somebody_took_away_is_made_again(tmp_path):
    objects = LocalObjects(tmp_path, SystemDisk(), Inline())
    await objects.prepare()
    path_of(tmp_path, FILE).parent.rmdir()
    Incoming(tmp_path, SystemDisk()).make(FILE)
    await objects.put(FILE, tmp_path / "incoming" / FILE)
    assert path_of(tmp_path, FILE).exists()


class TestStart:
    async def restarted(self, bench):
        left = {name: bytes(content) for name, content in bench.disk.files.items()}
        again = UploadBench(bench.root, MemoryDisk(bench.root, left), bench.rows)
        await again.uploads.resume()
        return again

    async def test_what_is_whole_is_inspected_again(self, bench):
        bench.inspector.gate = asyncio.Event()
        bench.begin(kind="picture")
        task = asyncio.create_task(bench.append(Body(BYTES)))
        await until(lambda: bench.inspector.begun)
        again = await self.restarted(bench)
        await until(lambda: again.row.state == "ready")
        assert again.object() == b"full " + BYTES
        await bench.uploads.close()
        with pytest.raises(Unavailable):
            await task

    async def test_what_ended_the_process_twice_is_refused(self, bench):
        bench.begin(kind="picture")
        descriptor = bench.disk.open(bench.incoming.path(FILE), make=True)
        bench.disk.write(descriptor, BYTES, 0)
        bench.incoming.keep(FILE, descriptor, Progress(5000, 5000, 2))
        again = await self.restarted(bench)
        await until(lambda: again.row.state == "refused")
        await until(lambda: again.names == [])
        assert (again.row.code, again.inspector.begun) == ("unreadable", 0)

    @pytest.mark.parametrize("state", ["ready", "refused", "dropped", ""])
    async def test_what_has_no_upload_any_more_goes(self, bench, state):
        row = bench.begin()
        await bench.append(Body(BYTES[:100], then="lost"))
        bench.rows.files = {FILE: replace(row, state=state)} if state else {}
        assert (await self.restarted(bench)).names == []

    async def test_what_is_strange_is_left_alone_and_keeps_nobody_from_going_on(self, bench):
        broken = "A" * 22
        bench.begin()
        for name in (broken, FILE, "x", "lost+found", f"{FILE}é", f"{FILE}.tar.gz"):
            bench.disk.files[f"incoming/{name}"] = bytearray(BYTES)
        bench.incoming.note(FILE, Progress(5000, 5000))
        bench.disk.fault = lambda operation: errno.EIO if operation.file == f"incoming/{broken}" else 0
        await bench.uploads.resume()
        await until(lambda: bench.row.state == "ready")
        left = {name for name in bench.names if name.startswith("incoming/")}
        assert left == {
            f"incoming/{name}" for name in (broken, "x", "lost+found", f"{FILE}é", f"{FILE}.tar.gz")
        }

    @pytest.mark.parametrize(
        "noted",
        [b"", b"\0" * 64, b"5000 5000", b"x 5000 0", b"-5 5000 0", b"5000 5000 0" + b"\xff", b"1 -2 0"],
    )
    async def test_a_note_that_cannot_be_begins_the_upload_anew(self, bench, noted):
        bench.begin()
        bench.disk.files[f"incoming/{FILE}"] = bytearray(BYTES)
        bench.disk.files[f"incoming/{FILE}.at"] = bytearray(noted)
        assert (await bench.uploads.look(bench.row)).offset == 0
        assert (await bench.append(Body(BYTES))).said == "ready"
        assert bench.object() == BYTES

    async def test_one_that_was_stored_before_its_row_said_so_is_finished(self, bench):
        bench.begin()
        bench.disk.files[f"objects/{folder_of(FILE)}/{FILE}"] = bytearray(BYTES)
        bench.disk.files[f"incoming/{FILE}.at"] = bytearray(f"{len(BYTES)} -1 0".encode())
        assert (await bench.uploads.look(bench.row)).said == "inspecting"
        await until(lambda: bench.row.state == "ready")
        assert bench.object() == BYTES


@settings(
    max_examples=scaled(40, 2000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(breaks=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 2000), st.booleans()), max_size=8))
def test_after_any_breaks_the_file_is_what_was_sent(tmp_path, breaks):
    async def run():
        bench = UploadBench(tmp_path)
        bench.begin()
        offset = 0
        for count, size, is_lost in (*breaks, (len(BYTES), 700, False)):
            sent = BYTES[offset : offset + count]
            then = "lost" if is_lost else "end"
            state = await bench.append(Body(*pieces(sent, size), then=then), offset)
            offset += len(sent)
            assert state.offset == offset == (await bench.uploads.look(bench.row)).offset
        assert bench.object() == BYTES

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["file", "picture"])
@pytest.mark.parametrize("seed", range(seed_base(), seed_base() + scaled(8, 80)))
async def test_no_power_cut_leaves_an_offset_without_its_bytes_nor_a_row_without_its_objects(
    tmp_path, seed, kind, monkeypatch
):
    monkeypatch.setattr(writing_module, "SYNC_BYTES", 1000)
    await sweep(tmp_path, seed, kind)


def note_before_sync(self, file, descriptor, progress):
    self.note(file, progress)
    self._disk.sync(descriptor)


def put_without_sync(self, name, source):
    self._disk.rename(source, path_of(self._directory, name))
    self._disk.sync_names(path_of(self._directory, name).parent)


def put_without_directory(self, name, source):
    descriptor = self._disk.open(source)
    self._disk.sync(descriptor)
    self._disk.close(descriptor)
    self._disk.rename(source, path_of(self._directory, name))


@pytest.mark.parametrize(
    ("part", "name", "broken", "kind"),
    [
        (Incoming, "keep", note_before_sync, "file"),
        # Whoever keeps an upload as it is has synced it before.
        (LocalObjects, "_put", put_without_sync, "picture"),
        (LocalObjects, "_put", put_without_directory, "file"),
    ],
)
async def test_an_order_on_the_disk_that_is_wrong_is_found(tmp_path, part, name, broken, kind, monkeypatch):
    monkeypatch.setattr(writing_module, "SYNC_BYTES", 1000)
    monkeypatch.setattr(part, name, broken)

    async def sweeps():
        for seed in range(200):
            await sweep(tmp_path, seed, kind)

    with pytest.raises(AssertionError, match="seed"):
        await sweeps()


class Apart(dict):
    """Uploads as they would be if requests knew nothing of each other."""

    def setdefault(self, file, upload):
        return upload


async def test_two_requests_that_both_append_are_found(bench):
    """Without the rule that the newest wins, bytes of both are in the file, or the older waits for ever."""
    bench.uploads._uploads = Apart()
    bench.begin()
    older = asyncio.create_task(bench.append(Body(BYTES[:2000], then="wait")))
    await nothing_is_ready()
    assert await bench.offset() != 2000
    assert not older.done()
    older.cancel()
