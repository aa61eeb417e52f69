"""screen.py: pipes get plain lines, a terminal keeps what is being typed."""

import asyncio
import errno
import io
import os
import pty
import re
import termios

import pytest

from chatd.cli.chat.screen import CLEAR_LINE, PipeScreen, TerminalScreen, screen_for, tail

LINE = (("#1 ", "faint"), ("alice: ", "other"), ("[red]hi[/red] :smile:", ""))


async def test_pipes_get_plain_lines():
    target = io.StringIO()
    screen = screen_for(io.StringIO("one\ntwo\nthree"), target)
    assert isinstance(screen, PipeScreen)
    screen.show(LINE)
    screen.status("✓")
    assert target.getvalue() == "#1 alice: [red]hi[/red] :smile:\n"
    assert [line async for line in screen.lines()] == ["one", "two", "three"]


async def test_letters_a_locale_lacks_are_question_marks():
    target = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    screen_for(io.StringIO(), target).show((("Grüße 👋", ""),))
    assert target.buffer.getvalue() == "Grüße ?\n".encode("latin-1")


async def test_bytes_that_are_no_text_do_not_end_the_lines():
    source = io.TextIOWrapper(io.BytesIO(b"one\n\xff\nthree"), encoding="utf-8")
    assert [line async for line in screen_for(source, io.StringIO()).lines()] == ["one", "\udcff", "three"]


class Unreadable(io.StringIO):
    """An input that fails, as that of a program in the background does."""

    def readline(self, size: int = -1) -> str:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


async def test_an_input_that_cannot_be_read_is_said(capsys):
    assert [line async for line in screen_for(Unreadable(), io.StringIO()).lines()] == []
    assert "the input cannot be read: Input/output error" in capsys.readouterr().err


async def test_long_lines_are_not_broken_in_a_pipe():
    target = io.StringIO()
    screen_for(io.StringIO(), target).show((("word " * 100, ""),))
    assert target.getvalue().count("\n") == 1


class Terminal:
    """A terminal with a keyboard in the hands of the test."""

    def __init__(self) -> None:
        self.keyboard, device = pty.openpty()
        self.input = open(device, "r+b", buffering=0)  # noqa: SIM115 closed by close()
        self.source = io.TextIOWrapper(self.input)
        self.target = Target()
        self.screen = screen_for(self.source, self.target)

    def presses(self, keys: str) -> None:
        os.write(self.keyboard, keys.encode())

    def close(self) -> None:
        self.source.close()
        os.close(self.keyboard)


class Target(io.StringIO):
    """A terminal's output, kept."""

    def isatty(self) -> bool:
        return True

    @property
    def plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue())


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    made = Terminal()
    yield made
    made.close()


async def entered(terminal: Terminal) -> list[str]:
    return [line async for line in terminal.screen.lines()]


async def test_lines_are_typed_until_ctrl_d(terminal):
    assert isinstance(terminal.screen, TerminalScreen)
    typing = asyncio.create_task(entered(terminal))
    await asyncio.sleep(0)
    terminal.presses("Grüße\rtwo\r\x04")
    assert await typing == ["Grüße", "two"]


async def test_a_message_does_not_tear_what_is_being_typed(terminal):
    pressed = asyncio.Event()
    terminal.screen.on_key = pressed.set
    typing = asyncio.create_task(entered(terminal))
    await asyncio.sleep(0)
    terminal.presses("half a th")
    await pressed.wait()
    terminal.screen.show(LINE)
    terminal.screen.status("✓✓")
    shown = terminal.target.plain
    assert shown.endswith(
        f"{CLEAR_LINE}#1 alice: [red]hi[/red] :smile:\n{CLEAR_LINE}> half a th{CLEAR_LINE}✓✓ > half a th"
    )
    terminal.presses("ought\r\x04")
    assert await typing == ["half a thought"]


async def test_the_terminal_is_set_back(terminal):
    before = termios.tcgetattr(terminal.input)
    typing = asyncio.create_task(entered(terminal))
    await asyncio.sleep(0)
    assert termios.tcgetattr(terminal.input) != before
    typing.cancel()
    await asyncio.gather(typing, return_exceptions=True)
    assert termios.tcgetattr(terminal.input) == before


async def test_enter_alone_is_not_typing(terminal):
    keys = []
    terminal.screen.on_key = lambda: keys.append(1)
    typing = asyncio.create_task(entered(terminal))
    await asyncio.sleep(0)
    terminal.presses("\r\x04")
    assert await typing == [""]
    assert keys == []


def test_colours_can_be_switched_off(terminal, monkeypatch):
    terminal.screen.show(LINE)
    assert "\x1b[1;32m" in terminal.target.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    quiet = Target()
    screen_for(terminal.source, quiet).show(LINE)
    assert "\x1b[1;32m" not in quiet.getvalue()


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [("abc", 5, "abc"), ("abcdef", 3, "def"), ("你好吗", 4, "好吗"), ("你好", 3, "好")],
)
def test_the_end_of_a_long_line_is_shown(text, cells, shown):
    assert tail(text, cells) == shown
