"""A daemon as a process: its event loop, its signals, its log, its service manager."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

from chatd import __version__
from chatd.config.model import Config
from chatd.server.daemon import Daemon
from chatd.server.reload import Reload, Reread
from chatd.server.systemd import READY, STOPPING, WATCHDOG, notify, status, watchdog_interval_s
from chatd.telemetry.logs import defects_counted, logging_to
from chatd.telemetry.supervision import supervised

log = logging.getLogger(__name__)

GEN2_THRESHOLD = 100  # a full collection at 100,000 objects takes 24 ms: ten times rarer than by default
LOST = 5  # exit code when the disk failed to flush a commit: the next after those of cli/exits.py
IMPATIENT = 130  # exit code after a second signal: as a shell reports SIGINT


def run(config: Config, reread: Reread) -> None:
    """Run a daemon until SIGTERM or SIGINT; a second signal ends it at once, which loses nothing acknowledged.

    SIGHUP asks `reread` for the configuration of now.
    """
    with logging_to(sys.stderr, config.log), asyncio.Runner(loop_factory=event_loop) as runner:
        runner.run(serve(Daemon(config), reread))


def event_loop() -> asyncio.AbstractEventLoop:
    """uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def serve(daemon: Daemon, reread: Reread) -> None:
    """Start, tell, wait for a signal, stop. A store that is lost ends the process without being closed.

    Signals are heard before anything is opened: whoever sees the first answer may stop the daemon at once, and
    a default SIGTERM would end it without closing the store.
    """
    stopping, reload = asyncio.Event(), Reload(daemon, reread)
    listen_to_signals(stopping, reload)
    await daemon.start()
    freeze()
    with defects_counted(daemon.app.counters):
        await serve_started(daemon, stopping, reload)


async def serve_started(daemon: Daemon, stopping: asyncio.Event, reload: Reload) -> None:
    """Tell, wait for the signal, stop."""
    lasting = {"watchdog": feed_watchdog, "reload": reload.run}
    beside = [asyncio.create_task(supervised(name, work)) for name, work in lasting.items()]
    log.info("chatd %s listens on %s", __version__, ", ".join(daemon.addresses))
    if shortage := daemon.descriptors.shortage(daemon.config.limits.connections):
        log.warning("%s", shortage)
    notify(READY, status(f"listening on {daemon.addresses[0]}"))
    await first_of(stopping.wait(), daemon.wait_lost())
    if not stopping.is_set():
        await give_up(daemon)
    notify(STOPPING, status("leaving"))
    for task in beside:
        task.cancel()
    try:
        await daemon.stop()
    except TimeoutError:
        log.error("the disk does not answer: leaving without closing the database; the next start checks it")
        leave(0)
    log.info("left")


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when one of them does."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def give_up(daemon: Daemon) -> NoReturn:
    """End without another write: what was acknowledged is on the disk, and the next start reads what else is."""
    log.critical(
        "the disk failed: nothing is acknowledged any more, leaving for a new start to read what is there"
    )
    notify(STOPPING, status("the disk failed"))
    await daemon.abandon()
    leave(LOST)


def leave(code: int) -> NoReturn:
    """End the process now, with nothing but the log written out: threads that wait for a disk are not waited for."""
    logging.shutdown()
    os._exit(code)


def freeze() -> None:
    """Take what start-up made out of the reach of the collector, and let it search old objects rarely."""
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, GEN2_THRESHOLD)


def listen_to_signals(stopping: asyncio.Event, reload: Reload) -> None:
    """SIGTERM and SIGINT stop; the second one ends the process. SIGHUP reads the configuration again."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            log.warning("a second signal: leaving at once")
            leave(IMPATIENT)
        log.info("leaving")
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload.ask)


async def feed_watchdog() -> None:
    """Tell the service manager that the loop turns, as often as it wants."""
    interval = watchdog_interval_s()
    while interval is not None:
        notify(WATCHDOG)
        await asyncio.sleep(interval)
