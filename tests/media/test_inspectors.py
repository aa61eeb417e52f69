"""The processes that open uploads: what they are asked, how they end, and that hostile bytes end nothing else."""

import asyncio
import re
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatd.config.media import Media
from chatd.media import inspectors as module
from chatd.media.inspect.fences import missing_fences
from chatd.media.inspection import Found, Refusal
from chatd.media.inspectors import COMMAND, Inspectors
from chatd.protocol.errors import Unavailable
from tests.house.test_units import SERVICE
from tests.kit.inspecting import Files
from tests.kit.newcomer import ROOT

HERE = Path(__file__).parent / "inspect"
FENCED = pytest.mark.skipif(missing_fences() != (), reason="this system has not all fences")
SYSTEMD = shutil.which("systemd-analyze")


@pytest.fixture(autouse=True)
def found_by_its_processes(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@asynccontextmanager
async def running(media=None, command=COMMAND):
    inspectors = Inspectors(media or Media(), command)
    try:
        yield inspectors
    finally:
        await inspectors.close()


def faulty(fault, *arguments):
    return (sys.executable, str(HERE / "faulty_inspector.py"), fault, *map(str, arguments))


@FENCED
async def test_everything_is_opened_behind_the_fences(tmp_path):
    samples = real_samples()
    async with running(Media(fences="required")) as inspectors:
        await inspectors.start()
        assert inspectors.missing == ()
        assert set(inspectors.libraries) == {"pictures", "heic", "sounds"}
        for name, (kind, content) in samples.items():
            found = await inspectors.inspect(kind, "message", Files(tmp_path, content).opened)
            assert isinstance(found, Found), (name, found)
            assert found.facts.size == (tmp_path / "full").stat().st_size > 0
        assert inspectors.running == 1
        assert inspectors.waiting == 0


def real_samples():
    pytest.importorskip("pyvips")
    pytest.importorskip("pillow_heif")
    pytest.importorskip("av")
    from tests.kit import media_samples as made

    pictures = {
        form: ("picture", made.picture(form)) for form in ("jpeg", "png", "webp", "gif", "avif", "heic")
    }
    return pictures | {
        "animation": ("picture", made.animation("gif")),
        "sticker": ("sticker", made.with_alpha("png")),
        "orientation": ("picture", made.photograph(6)),
        "note": ("voice", made.voice("ogg", "libopus")),
        "note of Chrome": ("voice", made.voice("webm", "libopus")),
        "note of an iPhone": ("voice", made.voice("ipod", "aac")),
        "H.264": ("video", made.video("mp4", "libx264", "aac")),
        "HEVC": ("video", made.turned(made.video("mov", "libx265", "aac"), (0, 1, -1, 0))),
        "VP9": ("video", made.video("webm", "libvpx-vp9", "libopus")),
        "AV1": ("video", made.video("mp4", "libsvtav1")),
    }


def calls_of_the_unit():
    """The names of the system calls that the unit of docs/operations.md lets through."""
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", SERVICE, re.MULTILINE):
        names = {call for name in line.removeprefix("~").split() for call in calls_of(name)}
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def calls_of(name):
    if not name.startswith("@"):
        return {name}
    said = subprocess.run(
        [SYSTEMD, "syscall-filter", name], capture_output=True, text=True, timeout=60
    ).stdout
    named = (line.strip() for line in said.splitlines()[1:])
    return {call for one in named if one and not one.startswith("#") for call in calls_of(one)}


@FENCED
@pytest.mark.skipif(SYSTEMD is None, reason="there is no systemd-analyze here")
async def test_the_shipped_unit_lets_the_fences_be_raised(tmp_path):
    calls = calls_of_the_unit()
    assert {"read", "prctl", "landlock_restrict_self"} <= calls
    assert not {"ptrace", "mount", "reboot"} & calls
    (tmp_path / "calls").write_text("\n".join(calls))
    command = (sys.executable, str(HERE / "under_unit.py"), str(tmp_path / "calls"), *COMMAND)
    async with running(Media(fences="required"), command) as inspectors:
        await inspectors.start()
        for kind, content in real_samples().values():
            assert isinstance(
                await inspectors.inspect(kind, "message", Files(tmp_path, content).opened), Found
            )


@FENCED
@pytest.mark.skipif(SYSTEMD is None, reason="there is no systemd-analyze here")
async def test_a_unit_without_landlock_is_noticed(tmp_path):
    (tmp_path / "calls").write_text("\n".join(call for call in calls_of_the_unit() if "landlock" not in call))
    command = (sys.executable, str(HERE / "under_unit.py"), str(tmp_path / "calls"), *COMMAND)
    async with running(Media(), command) as inspectors:
        await inspectors.start()
        assert inspectors.missing == ("landlock",)


async def test_without_fences_nothing_is_opened_where_they_are_required(tmp_path):
    async with running(Media(fences="required"), faulty("is not fenced")) as inspectors:
        with pytest.raises(Unavailable):
            await inspectors.start()
        assert inspectors.missing == ("landlock", "seccomp")
        with pytest.raises(Unavailable):
            await inspectors.inspect("picture", "message", Files(tmp_path, b"").opened)
        assert inspectors.running == 0
    async with running(Media(), faulty("is not fenced")) as inspectors:
        await inspectors.start()
        assert inspectors.missing == ("landlock", "seccomp")


@pytest.mark.parametrize("fault", ["dies", "babbles"])
async def test_what_no_process_survives_is_refused(tmp_path, fault, caplog):
    files = Files(tmp_path, b"x")
    async with running(command=faulty(fault)) as inspectors:
        answer = await inspectors.inspect("picture", "message", files.opened)
        assert isinstance(answer, Refusal)
        assert answer.code == "unreadable"
        assert files.opened_times == 2
        assert [
            record.getMessage() for record in caplog.records if "ended at a picture" in record.getMessage()
        ]
        assert inspectors.running == 0


async def test_a_process_that_died_is_replaced(tmp_path):
    files = Files(tmp_path, b"once")
    async with running(command=faulty("dies once", tmp_path / "mark")) as inspectors:
        answer = await inspectors.inspect("picture", "message", files.opened)
        assert answer.code == "not_supported"
        assert (tmp_path / "mark").exists()


async def test_a_file_that_takes_too_long_is_refused_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "INSPECT_S", 0.05)
    files = Files(tmp_path, b"x")
    async with running(command=faulty("hangs")) as inspectors:
        answer = await inspectors.inspect("picture", "message", files.opened)
        assert (answer.code, files.opened_times) == ("unreadable", 1)
        assert inspectors.running == 0


async def test_a_process_that_was_taken_over_is_not_believed(tmp_path):
    async with running(command=faulty("lies")) as inspectors:
        answer = await inspectors.inspect("picture", "message", Files(tmp_path, b"x").opened)
        assert isinstance(answer, Refusal)


async def test_a_process_is_replaced_after_some_files(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "JOBS_MAX", 2)
    async with running(command=faulty("names itself")) as inspectors:
        pids = [
            (await inspectors.inspect("picture", "message", Files(tmp_path, b"x").opened)).reason
            for _ in range(4)
        ]
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_no_more_run_than_allowed_and_the_others_wait(tmp_path):
    async with running(Media(inspectors=2), faulty("hangs")) as inspectors:
        asked = [
            asyncio.create_task(inspectors.inspect("picture", "message", Files(tmp_path, b"x").opened))
            for _ in range(module.WAITING_MAX)
        ]
        async with asyncio.timeout(60):
            while inspectors.running < 2 or not inspectors.is_full:
                await asyncio.sleep(0.01)
        assert (inspectors.running, inspectors.waiting) == (2, module.WAITING_MAX)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        assert (inspectors.running, inspectors.waiting) == (0, 0)


async def test_what_is_opened_at_the_end_is_tried_by_no_other_process(tmp_path):
    async with running(Media(inspectors=1), faulty("hangs")) as inspectors:
        files = Files(tmp_path, b"x")
        asked = asyncio.create_task(inspectors.inspect("picture", "message", files.opened))
        async with asyncio.timeout(60):
            while not files.opened_times:
                await asyncio.sleep(0.01)
            while not inspectors.running:
                await asyncio.sleep(0.01)
        await inspectors.close()
        with pytest.raises(Unavailable):
            await asked
        assert inspectors.running == 0


@pytest.mark.parametrize("command", [faulty("never starts"), ("/nowhere/python",)])
async def test_where_no_process_starts_uploads_wait(tmp_path, command):
    async with running(command=command) as inspectors:
        with pytest.raises(Unavailable):
            await inspectors.inspect("picture", "message", Files(tmp_path, b"x").opened)
        assert (inspectors.running, inspectors.waiting) == (0, 0)
