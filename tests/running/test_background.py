"""What goes on beside the connections: whatever a key server answers and whatever fails, it does not end."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatd.handlers import supervision
from chatd.handlers.upkeep import Upkeep
from chatd.identity.ring import KeyRing
from tests.kit.daemon import config_for, daemon_process, running_daemon
from tests.kit.keyserver import KeyServer, key_server


@pytest.fixture
def provider() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.mark.parametrize(("part", "work"), [(Upkeep, "run"), (Upkeep, "watch_lag"), (KeyRing, "keep_fresh")])
async def test_a_task_that_failed_begins_again(
    part: Any, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, begun = getattr(part, work), asyncio.Event()

    async def fails_first(self: Any, *arguments: Any) -> None:
        if "begins again" not in caplog.text:
            raise RuntimeError("a defect")
        begun.set()
        await real(self, *arguments)

    monkeypatch.setattr(supervision, "RESTART_S", 0)
    monkeypatch.setattr(part, work, fails_first)
    async with running_daemon(config_for(tmp_path)):
        await begun.wait()


@pytest.mark.parametrize(("answer", "times"), [("heading", 1), ("nowhere", 2)])
async def test_no_key_server_keeps_the_daemon_from_reloading_or_leaving(
    provider: KeyServer, tmp_path: Path, answer: str, times: int
) -> None:
    """One that drips, and one whose redirect cannot be read, which is asked again all the same."""
    settings = {"AUTH__JWKS_URL": provider.url(answer), "AUTH__JWKS_RETRY_S": "1"}
    async with daemon_process(tmp_path, **settings) as daemon:
        await asked(provider, times)
        daemon.reload()
        await daemon.says("settings read again; changed: nothing")
        assert await daemon.terminate() == 0
        assert "left" in daemon.log


async def asked(provider: KeyServer, times: int) -> None:
    """Return when it was asked so often."""
    while len(provider.paths) < times:
        await asyncio.sleep(0.01)
