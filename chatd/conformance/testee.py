"""The client under test: one JSON object a line, over its standard input and output, or over a WebSocket.

docs/conformance.md, "A testee", has the lines for those who write one.
"""

import asyncio
import json
import os
import shlex
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

Line = dict[str, Any]

PATIENCE_S = 30.0
"""Longest wait for an answer of a testee: it answers at once, on a busy machine within seconds."""

LINE_BYTES = 1 << 24
"""Longest line: the state of a client with thousands of messages."""


class TesteeError(Exception):
    """A testee does not keep to its lines, said `error`, or is gone."""


class Channel(Protocol):
    """Lines to a testee and from it."""

    async def send(self, text: str) -> None: ...
    async def receive(self) -> str:
        """Return the next line; raises EOFError when there is none any more."""
        ...

    async def kill(self) -> None:
        """End the testee at once, without a good-bye."""
        ...


class ProcessChannel:
    """A command, spoken to over its standard input and output; its standard error is ours."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: str) -> "ProcessChannel":
        """Start the command in a group of its own. Raises TesteeError when there is none."""
        try:
            return cls(
                await asyncio.create_subprocess_exec(
                    *shlex.split(command),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=LINE_BYTES,
                    start_new_session=True,
                )
            )
        except OSError as error:
            raise TesteeError(f"cannot start {command!r}: {error.strerror}") from None

    async def send(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode() + b"\n")
        with suppress(ConnectionError):
            await self._process.stdin.drain()

    async def receive(self) -> str:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise EOFError
        return line.decode(errors="replace")

    async def kill(self) -> None:
        # The whole group: `npm run testee` is not the process that matters.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


class SocketChannel:
    """A testee that connected to `ws://KIT/testee`; after a `kill` it connects anew."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        with suppress(ConnectionClosed):
            await self._socket.send(text)

    async def receive(self) -> str:
        try:
            text = await self._socket.recv()
        except ConnectionClosed:
            raise EOFError from None
        return text if isinstance(text, str) else text.decode(errors="replace")

    async def kill(self) -> None:
        # It does it itself: a page reloads, a simulator restarts its app.
        with suppress(ConnectionClosed):
            await self._socket.send(json.dumps({"type": "life", "id": 0, "what": "kill"}))
            await self._socket.wait_closed()


@dataclass(frozen=True)
class Hello:
    """The first line of a testee."""

    client: str
    profiles: frozenset[str]
    virtual: bool


OnAsk = Callable[[int], None]


class Testee:
    """One testee that said hello. `ask` sends a line and returns its `ok`; `on_ask` learns that it wants a token."""

    def __init__(self, channel: Channel, hello: Hello) -> None:
        self.hello = hello
        self.on_ask: OnAsk = lambda number: None
        self._channel = channel
        self._waiting: dict[int, asyncio.Future[Line]] = {}
        self._last_id = 0
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def meet(cls, channel: Channel) -> "Testee":
        """Wait for the hello. Raises TesteeError when the first line is none."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                line = _line(await channel.receive())
        except TimeoutError:
            raise TesteeError(f"the testee said no hello within {PATIENCE_S:g} s") from None
        except EOFError:
            raise TesteeError("the testee ended before its hello") from None
        if line.get("type") != "hello" or not isinstance(line.get("profiles"), list):
            raise TesteeError(
                'the first line of a testee is {"type":"hello","client":…,"profiles":[…],"time":…}, '
                f"and not {json.dumps(line)[:200]}"
            )
        virtual = line.get("time", "real") == "virtual"
        return cls(channel, Hello(str(line.get("client", "?")), frozenset(line["profiles"]), virtual))

    async def ask(self, kind: str, /, **fields: Any) -> Line:
        """Send a line and return its `ok`. Raises TesteeError."""
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        if self._reader.done():
            raise TesteeError("the testee has ended")
        await self._channel.send(json.dumps({"type": kind, "id": number, **fields}))
        try:
            async with asyncio.timeout(PATIENCE_S):
                line = await answer
        except TimeoutError:
            raise TesteeError(f"no answer to `{kind}` within {PATIENCE_S:g} s") from None
        finally:
            self._waiting.pop(number, None)
        if line["type"] == "error":
            raise TesteeError(f"`{kind}` {_action(fields)}failed: {line.get('message', 'without a message')}")
        return line

    async def give_token(self, number: int, token: str | None) -> None:
        """Answer an `ask`; None: the app has none."""
        given = {} if token is None else {"token": token}
        await self._channel.send(json.dumps({"type": "token", "id": number, **given}))

    async def kill(self) -> None:
        """End the testee at once."""
        self._reader.cancel()
        await self._channel.kill()

    async def _read(self) -> None:
        reason = "the testee has ended"
        try:
            while True:
                self._take(_line(await self._channel.receive()))
        except EOFError:
            pass
        except TesteeError as error:
            reason = str(error)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(TesteeError(reason))

    def _take(self, line: Line) -> None:
        if line.get("type") == "ask" and isinstance(line.get("id"), int):
            self.on_ask(line["id"])
            return
        answer = self._waiting.get(line.get("id", 0))
        if line.get("type") not in ("ok", "error") or answer is None:
            raise TesteeError(
                f"expected `ok` or `error` with the id of a command, and not {json.dumps(line)[:200]}"
            )
        if not answer.done():
            answer.set_result(line)


def _action(fields: Line) -> str:
    return f"{fields['what']} " if "what" in fields else ""


def _line(text: str) -> Line:
    try:
        line = json.loads(text)
    except ValueError:
        raise TesteeError(f"a line of the testee is no JSON: {text.strip()[:200]!r}") from None
    if not isinstance(line, dict):
        raise TesteeError(f"a line of the testee is no object: {text.strip()[:200]}")
    return line
