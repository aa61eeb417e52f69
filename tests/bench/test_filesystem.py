"""What a database lies on is known, and a database in memory is not passed off as one on a disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import machine, printout
from bench.report import page
from bench.targets.target import REFERENCE, Extent, Figure, Measured, Target
from tests.bench.test_report import result as result_of

SHM = Path("/dev/shm")

needs_shm = pytest.mark.skipif(
    (machine.filesystem_of(SHM) or {}).get("filesystem") != "tmpfs", reason="there is no tmpfs at /dev/shm"
)


@needs_shm
def test_a_directory_lies_on_the_innermost_mount() -> None:
    inner, outer = machine.filesystem_of(SHM), machine.filesystem_of(Path("/"))
    assert inner is not None
    assert (inner["mount"], inner["in_memory"]) == ("/dev/shm", True)
    assert outer is not None
    assert outer["mount"] == "/"


def test_where_the_system_does_not_tell_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine.filesystem_of(SHM) is None


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
