"""The daemon as a process: signals."""

import logging
import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chatd.config.console import Console
from chatd.config.loading import Loaded
from chatd.config.model import Config
from chatd.config.reloadable import ReloadPlan, Unusable
from chatd.server.daemon import Daemon
from chatd.server.runner import console_sources, serve
from chatd.telemetry.counters import Counters


class Hasty(Daemon):
    """A daemon that gets SIGTERM before its start is over, right after its first answer."""

    stopped = False
    app: Any = SimpleNamespace(counters=Counters())

    async def start(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    async def stop(self) -> None:
        self.stopped = True
        logging.getLogger("anybody").error("no defect: it has no traceback")
        try:
            raise RuntimeError("a defect")
        except RuntimeError:
            logging.getLogger("anybody").exception("failed")

    @property
    def addresses(self) -> list[str]:
        return ["127.0.0.1:0"]


def unread(running: Config) -> ReloadPlan:
    raise Unusable("nobody asked for it")


@pytest.fixture(autouse=True)
def untouched_signals() -> Iterator[None]:
    """A process that a signal ends without being asked would take the test run with it: it fails instead."""
    kept = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("SIGTERM came before anybody listened"))
    yield
    signal.signal(signal.SIGTERM, kept)


async def test_a_signal_during_the_start_stops_in_order_and_defects_are_counted() -> None:
    daemon = Hasty(Config())
    await serve(daemon, unread)
    assert daemon.stopped
    assert daemon.app.counters.defects == 1


@pytest.mark.parametrize("enabled", [True, False])
def test_lines_of_the_log_are_kept_only_for_a_console_that_is_served(enabled: bool) -> None:
    ring = console_sources(Loaded(Config(console=Console(enabled=enabled)), {})).log
    ring.append(logging.INFO, "a line")
    assert len(ring.after(0, 10)) == enabled
