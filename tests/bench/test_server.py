"""A daemon of our own starts on free ports, is watched, and leaves nothing behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from bench.server import Unreachable, healthy, own_endpoint


async def test_a_daemon_runs_until_the_block_ends() -> None:
    async with own_endpoint() as there:
        daemon = there.own
        assert await healthy("127.0.0.1", daemon.ops_port)
        assert daemon.cpu_s() > 0
        assert daemon.rss_bytes_max() > 1024**2
        assert daemon.complaints() == []
    assert not await healthy("127.0.0.1", daemon.ops_port)
    with pytest.raises(ProcessLookupError):
        os.kill(daemon.pid, 0)


async def test_a_daemon_that_does_not_start_is_unreachable_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(Unreachable, match="the daemon stopped with"):
        async with own_endpoint(settings={"CHATD_LIMITS__FRAME_BYTES": "many"}):
            pass
    assert not list(tmp_path.iterdir())


async def test_nobody_is_healthy_where_nobody_listens() -> None:
    assert not await healthy("127.0.0.1", 9)
