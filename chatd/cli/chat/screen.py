"""The screen of a conversation: a terminal with an input line, or plain pipes for scripts."""

import asyncio
import io
import os
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

import click
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from chatd.cli.chat.line_editor import Ended, LineEditor
from chatd.cli.chat.wording import Line

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
    """The output of lines and a status, and the input of lines. `on_key` is called when the user types."""

    on_key: Callable[[], None]
    is_script: bool
    """Whether no person watches, so that a line that cannot be carried out makes the command fail."""

    def show(self, line: Line) -> None:
        """Add a line at the end."""
        ...

    def complain(self, text: str) -> None:
        """Show that something could not be done."""
        ...

    def status(self, text: str) -> None:
        """Replace the status beside the prompt."""
        ...

    def lines(self) -> AsyncIterator[str]:
        """Return the typed lines, until the end of input."""
        ...


class PipeScreen:
    """A screen of pipes: lines on stdout, complaints on stderr, input from stdin. The status is not shown."""

    is_script = True

    def __init__(self, source: TextIO, console: Console) -> None:
        self.on_key: Callable[[], None] = _nothing
        self._source = source
        self._console = console

    def show(self, line: Line) -> None:
        """Print the line at once, for the reader of the pipe."""
        self._console.print(_text(line), soft_wrap=True)
        self._console.file.flush()

    def complain(self, text: str) -> None:
        """Print it on stderr."""
        click.echo(f"chatd: {text}", err=True)

    def status(self, text: str) -> None:
        """Do nothing."""

    async def lines(self) -> AsyncIterator[str]:
        """Return the lines of stdin, read by a thread: stdin may be a file, which no event loop can wait for."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            try:
                for line in iter(self._source.readline, ""):
                    loop.call_soon_threadsafe(queue.put_nowait, line)
            except OSError as error:  # a directory, for example
                loop.call_soon_threadsafe(self.complain, f"the input cannot be read: {error.strerror}")
            loop.call_soon_threadsafe(queue.put_nowait, "")

        # A daemon thread, because a read of a silent pipe cannot be interrupted at the end.
        threading.Thread(target=read, daemon=True, name="stdin").start()
        while line := await queue.get():
            yield line.rstrip("\r\n")


class TerminalScreen:
    """A screen on a terminal: messages scroll above the last line, which has the status and the input in `encoding`."""

    is_script = False

    def __init__(self, descriptor: int, console: Console, encoding: str) -> None:
        self.on_key: Callable[[], None] = _nothing
        self._descriptor = descriptor
        self._console = console
        self._editor = LineEditor(encoding)
        self._status = ""

    def show(self, line: Line) -> None:
        """Print the line above the input line."""
        self._console.file.write(CLEAR_LINE)
        self._console.print(_text(line))
        self._draw()

    def complain(self, text: str) -> None:
        """Print it above the input line, in the style of errors."""
        self.show(((f"-- {text}", "error"),))

    def status(self, text: str) -> None:
        """Replace the status before the prompt."""
        if text != self._status:
            self._status = text
            self._draw()

    async def lines(self) -> AsyncIterator[str]:
        """Return the lines as they are entered; the terminal is restored at the end."""
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
        try:
            keys = os.read(self._descriptor, 4096)
        except OSError:
            keys = b""
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
    """Return the end of `text` that fits so many columns; wide characters take two."""
    while cell_len(text) > cells:
        text = text[1:]
    return text


def screen_for(source: TextIO, target: TextIO) -> Screen:
    """Return the screen for these streams: a terminal only when both are one.

    Letters that `target` lacks are shown as question marks; bytes of `source` that are no text become lone
    surrogates, which the caller must refuse.
    """
    if isinstance(source, io.TextIOWrapper):
        source.reconfigure(errors="surrogateescape")
    if isinstance(target, io.TextIOWrapper):
        target.reconfigure(errors="replace")
    console = Console(file=target, highlight=False, markup=False, emoji=False)
    if source.isatty() and target.isatty():
        return TerminalScreen(source.fileno(), console, source.encoding or "utf-8")
    return PipeScreen(source, console)


def standard_screen() -> Screen:
    """Return the screen for stdin and stdout; a closed stream is empty, and shows nothing."""
    return screen_for(sys.stdin or io.StringIO(), sys.stdout or io.StringIO())


@contextmanager
def _each_key(descriptor: int) -> Iterator[None]:
    """Let keys arrive as they are pressed, without echo; Ctrl-C still interrupts."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _text(line: Line) -> Text:
    return Text.assemble(*((text, STYLES[style]) for text, style in line))


def _nothing() -> None:
    """Do nothing."""
