"""The daemon under test: inside the event loop of the test for speed, or as the process an operator runs."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench.machine import free_ports
from chatd.config.model import Config
from chatd.config.secret import Secret
from chatd.env import Env
from chatd.server.app import App
from chatd.server.daemon import Daemon
from tests.kit import http
from tests.kit.empty_database import lay_empty_database
from tests.kit.leak_detector import LeakDetector, check_no_secret
from tests.kit.tokens import SECRET

# A start takes 0.3 s; a loaded machine may need much longer, a hanging one needs a limit.
START_S = 120.0
# The deadline of a drain is 15 s, on a machine that is not busy.
STOP_S = 120.0

PROGRAM = (sys.executable, "-m", "chatd", "serve")

# The changes of the scenarios: ports of their own, no rate limits, and coalescing so short that a test which
# waits for a coalesced push waits for a moment.
SECTIONS: dict[str, dict[str, Any]] = {
    "listen": {"address": "127.0.0.1:0", "ops_address": "127.0.0.1:0"},
    "storage": {"min_free_bytes": 0},
    "auth": {"secret": Secret(SECRET)},
    "limits": {"unauthenticated_per_address": 1000},
    "rates": {"enabled": False},
    "delivery": {
        "head_interval_s": 0.05,
        "receipts_interval_s": 0.05,
        "presence_interval_s": 0.05,
        "presence_linger_s": 0.1,
        "members_interval_s": 0.05,
        "reactions_interval_s": 0.05,
    },
    "drain": {"window_s": 0.0, "deadline_s": 60.0},
    "log": {"level": "warning"},
}


def config_for(directory: Path, **sections: dict[str, Any]) -> Config:
    """Return the configuration of scenarios with these changes, section by section; values are not validated."""
    config = Config()
    for name, own in {**SECTIONS, **{name: {} for name in sections}}.items():
        values = {**SECTIONS.get(name, {}), **own, **sections.get(name, {})}
        if name == "storage":
            values = {"directory": str(directory), **values}
        section = msgspec.structs.replace(getattr(config, name), **values)
        config = msgspec.structs.replace(config, **{name: section})
    return config


class RunningDaemon:
    """A daemon in this event loop, with its addresses; `restart` stops it cleanly and starts it again."""

    def __init__(self, config: Config, env: Env | None = None, **parts: Any) -> None:
        self.config = config
        self._env = env
        self._parts = parts
        self._daemon = Daemon(config, env, **parts)
        self._ear = LeakDetector()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._daemon.public_port}/v1/ws"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self._daemon.public_port}"

    @property
    def ops_url(self) -> str:
        return f"http://127.0.0.1:{self._daemon.ops_port}"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._daemon.api_port}"

    @property
    def database(self) -> Path:
        return Path(self.config.storage.directory) / "chatd.sqlite"

    @property
    def app(self) -> App:
        """The parts behind the listeners, for a test that counts what is left in them."""
        return self._daemon.app

    @property
    def sockets(self) -> int:
        """The number of connections of all listeners, those that only speak HTTP included."""
        listeners = self._daemon._listeners.values()
        return sum(len(listener._server.server_state.connections) for listener in listeners)

    async def api(self, method: str, path: str, **content: Any) -> http.Answer:
        """Call the admin socket, as the back end of a host app does on the same machine."""
        socket_path = Path(self.config.storage.directory) / "chatd.sock"
        return await http.request(
            f"http://admin{path}", method, content=content or None, socket_path=socket_path
        )

    async def start(self) -> None:
        self._ear.open()
        try:
            if "open_store" not in self._parts:
                daemon, directory = self._daemon, Path(self.config.storage.directory)
                lay_empty_database(directory, daemon.env.random_bytes, daemon._whole.sqlite.migrations)
            await self._daemon.start()
        except BaseException:
            self._ear.close()
            raise

    async def stop(self) -> None:
        """Stop; raises Leaked when anything it logged held a secret."""
        shown = {"the configuration": f"{self.config!r} {self.config}"}
        if self._daemon.addresses:
            shown["the metrics"] = self._daemon.metrics()[0].decode()
            shown["the readiness checks"] = str(await self._daemon.checks())
        await self._daemon.stop()
        for where, text in shown.items():
            check_no_secret(text, where)
        self._ear.close()

    async def fold(self) -> None:
        """Run the hourly maintenance now: fold operations that are older than the daemon must keep."""
        await self._daemon.compact()

    async def restart(self, **sections: dict[str, Any]) -> None:
        """Stop, then start on the same directory, with these sections changed."""
        await self.stop()
        self.config = _changed(self.config, sections)
        await self.start_again()

    def reconfigure(self, **sections: dict[str, Any]) -> list[str]:
        """Put these changes in force while it runs, as a reload does; return the files that hold something else now."""
        self.config = _changed(self.config, sections)
        return self._daemon.reconfigure(self.config)

    async def start_again(self) -> None:
        """Start a new daemon of the same configuration after a stop; its port is another."""
        self._daemon = Daemon(self.config, self._env, **self._parts)
        await self.start()


def _changed(config: Config, sections: dict[str, dict[str, Any]]) -> Config:
    for name, values in sections.items():
        section = msgspec.structs.replace(getattr(config, name), **values)
        config = msgspec.structs.replace(config, **{name: section})
    return config


@asynccontextmanager
async def running_daemon(
    config: Config, env: Env | None = None, **parts: Any
) -> AsyncIterator[RunningDaemon]:
    """Run a daemon of this configuration around the block; `env` is its time and randomness.

    `parts`: its capabilities, and the function that opens its store, as `Daemon` takes them.
    """
    daemon = RunningDaemon(config, env, **parts)
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.stop()


class DaemonProcess:
    """A process of `python -m chatd serve` as an operator runs it: configured by the environment, ended by signals."""

    def __init__(self, directory: Path, program: Sequence[str] = PROGRAM, **settings: str) -> None:
        self.directory = directory
        self._program = program
        # Descriptors that the process inherits from the test.
        self.inherits: tuple[int, ...] = ()
        self.log_path = directory / "daemon.log"
        self._public_port, self._ops_port = free_ports(2)
        self._environment = {
            "CHATD_LISTEN__ADDRESS": f"127.0.0.1:{self._public_port}",
            "CHATD_LISTEN__OPS_ADDRESS": f"127.0.0.1:{self._ops_port}",
            "CHATD_STORAGE__DIRECTORY": str(directory / "store"),
            "CHATD_AUTH__SECRET": SECRET,
            "CHATD_RATES__ENABLED": "false",
            "CHATD_DRAIN__WINDOW_S": "0",
            **{f"CHATD_{name}": value for name, value in settings.items()},
        }
        self._running: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._public_port}/v1/ws"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self._public_port}"

    @property
    def ops_url(self) -> str:
        return f"http://127.0.0.1:{self._ops_port}"

    @property
    def database(self) -> Path:
        return self.directory / "store" / "chatd.sqlite"

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    @property
    def log(self) -> str:
        """Return everything the daemon logged so far, over all its starts."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    async def start(self) -> None:
        """Start the process and return when it is ready to serve."""
        with self.log_path.open("ab") as log:
            self._running = await asyncio.create_subprocess_exec(
                *self._program,
                stdout=log,
                stderr=log,
                env=self._whole_environment(),
                pass_fds=self.inherits,
            )
        try:
            async with asyncio.timeout(START_S):
                while not await self._is_ready():
                    assert self._running.returncode is None, f"the daemon ended:\n{self.log}"
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the daemon did not get ready:\n{self.log}") from None

    async def terminate(self) -> int:
        """Send SIGTERM and return the exit code once the daemon has drained."""
        return await self._end(signal.SIGTERM)

    async def wait_exit(self) -> int:
        """Return the exit code of a daemon that ends by itself."""
        assert self._running is not None
        return await asyncio.wait_for(self._running.wait(), STOP_S)

    async def kill9(self) -> None:
        """Send SIGKILL: no goodbye, no flush."""
        await self._end(signal.SIGKILL)

    async def terminate_twice(self) -> int:
        """Send SIGTERM, and once more when the first was logged; return the exit code."""
        assert self._running is not None
        self._running.send_signal(signal.SIGTERM)
        await self.wait_for_log("stopping")
        return await self._end(signal.SIGTERM)

    def reload(self) -> None:
        """Send SIGHUP, on which it reads its configuration again."""
        assert self._running is not None
        self._running.send_signal(signal.SIGHUP)

    async def wait_for_log(self, words: str, *, times: int = 1) -> None:
        """Return when `words` occur in the log, so many times."""
        async with asyncio.timeout(START_S):
            while self.log.count(words) < times:
                await asyncio.sleep(0.01)

    async def restart(self) -> None:
        await self.terminate()
        await self.start()

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run a chatd command with the same environment; return its exit code and its output."""
        command = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chatd",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._whole_environment(),
        )
        output, _ = await command.communicate()
        check_no_secret(output.decode(), f"what {arguments[0]} says")
        return command.returncode or 0, output.decode()

    def _whole_environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHATD_")}
        return {**inherited, **self._environment}

    async def _is_ready(self) -> bool:
        try:
            return (await http.request(f"{self.ops_url}/readyz")).status == 200
        except (OSError, IndexError):
            # No listener yet, or a connection that ended without an answer.
            return False

    async def _end(self, signal_number: signal.Signals) -> int:
        assert self._running is not None
        if self._running.returncode is None:
            self._running.send_signal(signal_number)
        code = await asyncio.wait_for(self._running.wait(), STOP_S)
        check_no_secret(self.log, "the log")
        return code


@asynccontextmanager
async def daemon_process(
    directory: Path, program: Sequence[str] = PROGRAM, **settings: str
) -> AsyncIterator[DaemonProcess]:
    """Run a daemon process around the block; `settings` are environment names without CHATD_."""
    daemon = DaemonProcess(directory, program, **settings)
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.kill9()
