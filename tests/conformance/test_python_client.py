"""The Python client against the kit: every scenario in both encodings on a virtual clock, some on a real one."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chatd.conformance.launch import listening
from chatd.conformance.runner import Options, run
from tests.conformance.kit_runs import PYTHON, SCENARIOS, failures, played


async def test_it_passes_every_scenario() -> None:
    report = await played(PYTHON)
    assert failures(report) == {}
    assert report.virtual
    assert report.count("skipped") == 0
    assert report.count("passed") >= 2 * 200


# One of each kind: a window, a wait, a state that comes about, a refusal, a close.
ON_A_REAL_CLOCK = (
    "gap-after-500ms",
    "gap-that-closes-by-itself",
    "message-is-sent-and-stored",
    "refused-for-good",
    "close-4200-replaced",
    "kill-before-the-ack",
)


async def test_it_passes_on_a_real_clock() -> None:
    report = await played(f"{PYTHON} --time real", ON_A_REAL_CLOCK, ("msgpack",), jobs=6)
    assert failures(report) == {}
    assert not report.virtual
    assert report.count("passed") == len(ON_A_REAL_CLOCK)


async def test_an_app_that_connects_is_tested_too_and_ends_itself_when_it_is_told() -> None:
    names = ("gap-after-500ms", "kill-before-the-ack")
    over = asyncio.Event()
    async with listening("127.0.0.1:0") as launcher:
        app = asyncio.create_task(_app(launcher.url, over))
        try:
            report = await run([SCENARIOS[name] for name in names], launcher, Options(encodings=("msgpack",)))
        finally:
            over.set()
    # It is not cancelled: that would leave a process that is just being made. Nobody listens any more.
    await asyncio.gather(app, return_exceptions=True)
    assert failures(report) == {}
    assert report.count("passed") == len(names)


async def _app(url: str, over: asyncio.Event) -> None:
    """A testee behind a WebSocket: a process, whose lines are passed on, and which is killed and started again."""
    while not over.is_set():
        process = await asyncio.create_subprocess_exec(
            *PYTHON.split(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with connect(url, proxy=None) as socket, asyncio.TaskGroup() as group:
                out = group.create_task(_lines_out(process.stdout.readline, socket.send))
                async for text in socket:
                    if json.loads(text).get("what") == "kill":
                        break
                    process.stdin.write(str(text).encode() + b"\n")
                out.cancel()
        finally:
            process.kill()
            await process.wait()


async def _lines_out(read: Callable[[], Awaitable[bytes]], send: Callable[[str], Awaitable[None]]) -> None:
    # The kit may be done, and its socket closed.
    with suppress(ConnectionClosed):
        while line := await read():
            await send(line.decode())
