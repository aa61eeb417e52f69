"""Where a conversation is shown and typed: a terminal with a line to type in, or plain pipes for scripts."""

import asyncio
import os
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from chatd.cli.line_editor import Ended, LineEditor
from chatd.cli.wording import Line

STYLES = {
    "": "",
    "own": "bold cyan",
    "other": "bold green",
    "note": "yellow",
    "faint": "dim",
    "error": "bold red",
}
CLEAR_LINE = "\r\x1b[2K"  # carriage return, erase the whole line (ECMA-48, 8.3.41)


class Screen(Protocol):
    """Shows lines and a status, and gives the lines typed. `on_key` is called when the user types."""

    on_key: Callable[[], None]

    def show(self, line: Line) -> None:
        """Add a line at the end."""
        ...

    def status(self, text: str) -> None:
        """Replace the status beside the prompt."""
        ...

    def lines(self) -> AsyncIterator[str]:
        """The lines typed, until the end of input."""
        ...


class PipeScreen:
    """Plain lines on stdout, lines from stdin. A status is not shown: it would not be one line."""

    def __init__(self, source: TextIO, console: Console) -> None:
        self.on_key: Callable[[], None] = _nothing
        self._source = source
        self._console = console

    def show(self, line: Line) -> None:
        """Print the line at once, for whoever reads the pipe."""
        self._console.print(_text(line), soft_wrap=True)
        self._console.file.flush()

    def status(self, text: str) -> None:
        """Nothing to show it on."""

    async def lines(self) -> AsyncIterator[str]:
        """Lines of stdin, read by a thread: stdin may be a file, which no event loop can wait for."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            for line in iter(self._source.readline, ""):
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, "")

        # A daemon thread, because a read of a silent pipe cannot be interrupted at the end.
        threading.Thread(target=read, daemon=True, name="stdin").start()
        while line := await queue.get():
            yield line.rstrip("\r\n")


class TerminalScreen:
    """Messages scroll above; the last line holds the status and what is being typed."""

    def __init__(self, descriptor: int, console: Console) -> None:
        self.on_key: Callable[[], None] = _nothing
        self._descriptor = descriptor
        self._console = console
        self._editor = LineEditor()
        self._status = ""

    def show(self, line: Line) -> None:
        """Print the line above the one being typed."""
        self._console.file.write(CLEAR_LINE)
        self._console.print(_text(line))
        self._draw()

    def status(self, text: str) -> None:
        """Replace the status before the prompt."""
        if text != self._status:
            self._status = text
            self._draw()

    async def lines(self) -> AsyncIterator[str]:
        """Lines as they are entered; the terminal is set back at the end."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        with _each_key(self._descriptor):
            loop.add_reader(self._descriptor, self._take, queue)
            try:
                self._draw()
                while (line := await queue.get()) is not None:
                    yield line
            finally:
                loop.remove_reader(self._descriptor)
                self._console.file.write(CLEAR_LINE)
                self._console.file.flush()

    def _take(self, queue: "asyncio.Queue[str | None]") -> None:
        keys = os.read(self._descriptor, 4096)
        if not keys:  # the terminal went away
            queue.put_nowait(None)
            return
        before = self._editor.text
        for event in self._editor.feed(keys):
            queue.put_nowait(None if isinstance(event, Ended) else event.text)
        if self._editor.text and self._editor.text != before:
            self.on_key()
        self._draw()

    def _draw(self) -> None:
        prompt = f"{self._status} > " if self._status else "> "
        room = max(8, self._console.width - cell_len(prompt) - 1)
        self._console.file.write(f"{CLEAR_LINE}{prompt}{tail(self._editor.text, room)}")
        self._console.file.flush()


def tail(text: str, cells: int) -> str:
    """The end of `text` that fits so many columns; wide characters take two."""
    while cell_len(text) > cells:
        text = text[1:]
    return text


def screen_for(source: TextIO, target: TextIO) -> Screen:
    """The screen for these: a terminal only when both are one."""
    console = Console(file=target, highlight=False, markup=False, emoji=False)
    if source.isatty() and target.isatty():
        return TerminalScreen(source.fileno(), console)
    return PipeScreen(source, console)


def standard_screen() -> Screen:
    """The screen for stdin and stdout."""
    return screen_for(sys.stdin, sys.stdout)


@contextmanager
def _each_key(descriptor: int) -> Iterator[None]:
    """Keys arrive as they are pressed and are not echoed; Ctrl-C still interrupts."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _text(line: Line) -> Text:
    return Text.assemble(*((text, STYLES[style]) for text, style in line))


def _nothing() -> None:
    """Nobody cares who types."""
