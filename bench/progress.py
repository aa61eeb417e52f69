"""Progress on standard error: one line that renews itself on a terminal, plain lines elsewhere."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

TERMINAL_INTERVAL_S = 0.25  # fast enough to look alive, too slow to cost anything
PLAIN_INTERVAL_S = 5.0  # a log of a minute's run stays a dozen lines
_CLEAR_LINE = "\r\x1b[K"
_BAR_CELLS = 20


@contextmanager
def shown(describe: Callable[[], str], stream: TextIO | None = None) -> Iterator[None]:
    """Shows `describe()` now and then until the block ends, and once more at its end."""
    out = stream if stream is not None else sys.stderr
    terminal = out.isatty()
    interval_s = TERMINAL_INTERVAL_S if terminal else PLAIN_INTERVAL_S
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    timer: asyncio.TimerHandle

    def show(end: str = "") -> None:
        line = f"  {describe()}  {time.monotonic() - started:.0f} s"
        out.write(f"{_CLEAR_LINE}{line}{end}" if terminal else f"{line}\n")
        out.flush()

    def tick() -> None:
        nonlocal timer
        show()
        timer = loop.call_later(interval_s, tick)

    timer = loop.call_later(interval_s, tick)
    try:
        yield
    finally:
        timer.cancel()
        show("\n")


def bar(done: int, total: int) -> str:
    cells = _BAR_CELLS * done // total if total else _BAR_CELLS
    return f"[{'#' * cells}{'.' * (_BAR_CELLS - cells)}] {done:,}/{total:,}"
