"""What a database lies on is known, and a database in memory is not passed off as one on a disk."""

from __future__ import annotations

import doctest
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import machine, printout
from bench.report import page
from bench.targets.target import REFERENCE, Extent, Figure, Measured, Target
from tests.bench.test_report import result as result_of

MOUNTS = r"""27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
25 27 0:23 / /tmp rw,relatime - ext4 /dev/vdb rw
30 25 0:27 / /tmp rw,relatime shared:1 master:2 - tmpfs tmp rw
31 27 254:1 / /my\040disk rw - xfs /dev/vdc rw
32 27 0:30 / /ram rw - ramfs none rw
"""
SHM = Path("/dev/shm")

needs_shm = pytest.mark.skipif(
    (machine.filesystem_of(SHM) or {}).get("filesystem") != "tmpfs", reason="there is no tmpfs at /dev/shm"
)


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(machine).failed == 0


@pytest.mark.parametrize(
    ("directory", "kind", "mount", "in_memory"),
    [
        ("/home/nobody-here/store", "ext4", "/", False),
        ("/tmp/store", "tmpfs", "/tmp", True),  # the later mount on it
        ("/tmpfoo/store", "ext4", "/", False),
        ("/my disk/store", "xfs", "/my disk", False),
        ("/ram", "ramfs", "/ram", True),
    ],
)
def test_a_directory_lies_on_the_innermost_mount_that_was_made_last(
    directory: str,
    kind: str,
    mount: str,
    in_memory: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = tmp_path / "mountinfo"
    told.write_text(MOUNTS)
    monkeypatch.setattr(machine, "MOUNTS", told)
    found = machine.filesystem_of(Path(directory))
    assert found is not None
    assert (found["filesystem"], found["mount"], found["in_memory"]) == (kind, mount, in_memory)


def test_where_the_system_does_not_tell_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "MOUNTS", tmp_path / "none")
    assert machine.filesystem_of(tmp_path) is None


def placed(in_memory: bool, generator: tuple[int, ...] = (1, 2)) -> dict[str, Any]:
    """A result as far as it says where everybody was."""
    storage = {"filesystem": "tmpfs" if in_memory else "ext4", "mount": "/tmp", "in_memory": in_memory}
    return {"server": {"cores": [0], "storage": storage}, "generator": {"cores": list(generator)}}


def test_the_printout_says_where_everybody_was() -> None:
    told = "daemon on core 0 · generator on cores 1, 2 · database on ext4, /tmp"
    assert printout.placement(placed(in_memory=False)) == [f"placed  {told}"]
    assert printout.placement({"server": None}) == []


def test_the_printout_warns_of_what_spoils_the_figures() -> None:
    _, warning = printout.placement(placed(in_memory=True))
    assert "IN MEMORY" in warning
    assert "THE SAME CORES" in printout.placement(placed(in_memory=False, generator=(0, 1)))[0]


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_row_of_targets_and_a_page_say_it_too(in_memory: bool) -> None:
    measured = Measured({"x": 1.0}, [placed(in_memory)])

    async def measure(extent: Extent) -> Measured:
        return measured

    target = Target("P0", "made up", (Figure("x", "x"),), measure)
    (head, *_) = target.as_text(measured, Extent(), REFERENCE)
    assert ("IN MEMORY" in head) is in_memory
    assert ("IN MEMORY" in page.page([result_of(**placed(in_memory))])) is in_memory


@pytest.mark.parametrize(("media", "words"), [((False, False), 0), ((True, False), 2), ((True, True), 1)])
def test_a_comparison_notes_different_media_and_memory(
    media: tuple[bool, bool], words: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, in_memory in zip(files, media, strict=True):
        file.write_text(json.dumps(result_of(**placed(in_memory))))
    assert command.main(["compare", *map(str, files)]) == 0
    told = capsys.readouterr().out
    assert ("different media" in told) + ("IN MEMORY" in told) == words


@needs_shm
def test_a_daemon_whose_directory_is_in_memory_is_told_of_before_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(SHM))
    out = tmp_path / "d.json"
    short = ["--duration", "0.2", "--warmup", "0", "--json", str(out)]
    assert command.main(["direct", "--clients", "2", *short]) == 0
    assert "WARNING THE DATABASE LIES IN MEMORY" in capsys.readouterr().out
    result = json.loads(out.read_text())
    assert result["server"]["storage"]["filesystem"] == "tmpfs"
    assert result["server"]["cores"]
    assert result["generator"]["cores"]
