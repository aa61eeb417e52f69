"""`chatd import`, with the daemon stopped and with it running: progress by parts, one report, an exit code."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from chatd.cli import importing
from tests.cli.conftest import Run
from tests.kit.daemon import daemon_process

Import = Callable[..., Awaitable[tuple[int, str, str]]]
THEN = 1_546_215_120_000
ROOM = {"type": "room", "room": "C1", "kind": "group", "time": THEN, "members": ["ann"]}


@pytest.fixture(params=["stopped", "running"])
async def bring(request: pytest.FixtureRequest, tmp_path: Path, run: Run) -> AsyncIterator[Import]:
    """Run `chatd import ARGUMENTS` on a server; return the exit code, and what it printed on both streams."""
    async with AsyncExitStack() as stack:
        if request.param == "running":
            await stack.enter_async_context(daemon_process(tmp_path))

        async def call(*arguments: str, input: str = "") -> tuple[int, str, str]:
            words = ("import", *arguments, "--data", str(tmp_path / "store"))
            result = await asyncio.to_thread(run, *words, input=input)
            return result.exit_code, result.stdout, result.stderr

        yield call


def said(key: int, **keys: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "room": "C1",
        "key": f"{key}",
        "user": "ann",
        "time": THEN + key,
        "text": "x",
        **keys,
    }


def counts(output: str) -> dict[str, str]:
    """Return the lines of a report by their words."""
    return {words[0].strip(): words[1] for line in output.splitlines() if (words := line.rsplit("  ", 1))}


async def test_parts_make_one_report_and_a_wrong_line_an_exit_code(
    bring: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "LINES_AT_ONCE", 10)
    rows = [ROOM, *(said(key) for key in range(25)), said(99, room="C2"), said(98, text="y" * 2_000_000)]
    (tmp_path / "old.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, output, errors = await bring(str(tmp_path / "old.ndjson"))
    assert code == 1, errors
    assert "messages                     25\n" in output
    assert "left out unknown_room                   1  first line 27\n" in output
    assert "left out line_too_long                  1  first line 28: " in output
    assert errors == "chatd: 2 were left out; correct their lines and import the file again\n"
    code, output, errors = await bring(
        "-", "--from", "20", input="".join(json.dumps(row) + "\n" for row in rows[:26])
    )
    assert (code, errors) == (0, "")
    assert "messages                      0\nduplicates                    7\n" in output
