"""The daemon as a process: its event loop, signals, log and service manager."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

from chatd import __version__
from chatd.config.loading import Loaded
from chatd.config.origins import Origins
from chatd.server.console import ConsoleSources, not_served
from chatd.server.daemon import Daemon
from chatd.server.event_loop import event_loop
from chatd.server.reload import Reload, Reread
from chatd.server.systemd import READY, STOPPING, WATCHDOG, notify, status, watchdog_interval_s
from chatd.telemetry.log_ring import LogRing
from chatd.telemetry.logs import defects_counted, logging_to
from chatd.telemetry.supervision import supervised

log = logging.getLogger(__name__)

GEN2_THRESHOLD = 100  # a full collection at 100,000 objects takes 24 ms: ten times rarer than by default
LOST = 5  # exit code when the disk failed to flush a commit: the next after those of cli/exits.py
SECOND_SIGNAL = 130  # exit code after a second signal: as a shell reports SIGINT


def run(loaded: Loaded, reread: Reread) -> None:
    """Run a daemon until SIGTERM or SIGINT; a second signal ends it at once, which loses nothing acknowledged.

    On SIGHUP `reread` reads the configuration again.
    """
    config, sources = loaded.config, console_sources(loaded)
    with logging_to(sys.stderr, config.log, sources.log), asyncio.Runner(loop_factory=event_loop) as runner:
        daemon = Daemon(config)
        daemon.adopt(sources)
        runner.run(serve(daemon, reread))


def console_sources(loaded: Loaded) -> ConsoleSources:
    """Return the parts of this process that the console shows."""
    config = loaded.config
    lines_max = 0 if not_served(config) else config.console.log_lines
    return ConsoleSources(Origins(loaded.origins), LogRing(lines_max))


async def serve(daemon: Daemon, reread: Reread) -> None:
    """Start, report, wait for a signal, stop. A store that is lost ends the process without being closed.

    Signals are handled before anything is opened: a client of the first answer may stop the daemon at once, and
    a default SIGTERM would end it without closing the store.
    """
    stopping, reload = asyncio.Event(), Reload(daemon, reread)
    listen_to_signals(stopping, reload)
    await daemon.start()
    freeze()
    with defects_counted(daemon.app.counters):
        await serve_started(daemon, stopping, reload)


async def serve_started(daemon: Daemon, stopping: asyncio.Event, reload: Reload) -> None:
    """Report the start, wait for the signal, stop."""
    works = {"watchdog": feed_watchdog, "reload": reload.run}
    tasks = [asyncio.create_task(supervised(name, work)) for name, work in works.items()]
    log.info("chatd %s listens on %s", __version__, ", ".join(daemon.addresses))
    if shortage := daemon.descriptors.shortage(daemon.config.limits.connections):
        log.warning("%s", shortage)
    notify(READY, status(f"listening on {daemon.addresses[0]}"))
    await first_of(stopping.wait(), daemon.wait_lost())
    if not stopping.is_set():
        await give_up(daemon)
    notify(STOPPING, status("stopping"))
    for task in tasks:
        task.cancel()
    try:
        await daemon.stop()
    except TimeoutError:
        log.error("the disk does not answer: exiting without closing the database; the next start checks it")
        leave(0)
    log.info("stopped")


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when the first of them does."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def give_up(daemon: Daemon) -> NoReturn:
    """Exit without another write: acknowledged writes are on the disk, and the next start reads the rest."""
    log.critical(
        "the disk failed: nothing is acknowledged any more, exiting; the next start reads what was stored"
    )
    notify(STOPPING, status("the disk failed"))
    await daemon.abandon()
    leave(LOST)


def leave(code: int) -> NoReturn:
    """End the process now, after writing the log; do not wait for threads that wait for a disk."""
    logging.shutdown()
    os._exit(code)


def freeze() -> None:
    """Exempt the objects of the start from garbage collection, make full collections rare, and let them begin."""
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, GEN2_THRESHOLD)
    gc.enable()


def listen_to_signals(stopping: asyncio.Event, reload: Reload) -> None:
    """Handle signals: SIGTERM and SIGINT stop, a second one ends the process, SIGHUP reloads."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            log.warning("a second signal: exiting at once")
            leave(SECOND_SIGNAL)
        log.info("stopping")
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload.ask)


async def feed_watchdog() -> None:
    """Notify the watchdog of the service manager, as often as it asks for, while the loop runs."""
    interval = watchdog_interval_s()
    while interval is not None:
        notify(WATCHDOG)
        await asyncio.sleep(interval)
