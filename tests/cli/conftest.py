"""Running commands: in this process for speed, or as a shell would."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatd.cli.main import main

SECRET = "0123456789abcdef0123456789abcdef"

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own working directory and no CHATD_ variables."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("CHATD_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Invoke `chatd ARGUMENTS`; `input` is stdin, other names are the environment."""

    def invoke(*arguments: str, input: str | None = None, **environment: str) -> Result:
        return CliRunner().invoke(main, arguments, input=input, env=environment)

    return invoke


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m chatd ARGUMENTS` as a process of its own."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "chatd", *arguments],
            capture_output=True, text=True, timeout=240, cwd=tmp_path, env={**os.environ, **environment},
        )  # fmt: skip

    return call


class Server:
    """`chatd dev` as a process of its own, started on a free port, ended as Ctrl-C does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatd", "dev", "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory,
        )  # fmt: skip
        self.output = ""
        self.wait_says("Ctrl-C stops the server.")

    def wait_says(self, words: str) -> None:
        """Reads what it prints until a line with `words`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if words in line:
                return
        raise AssertionError(f"the server ended:\n{self.output}")

    @property
    def url(self) -> str:
        found = re.search(r"ws://\S+", self.output)
        assert found is not None
        return found[0]

    def chatd(self, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run another command beside the server."""
        return subprocess.run(
            [sys.executable, "-m", "chatd", *arguments],
            capture_output=True, text=True, timeout=240, cwd=self.directory, input=input,
        )  # fmt: skip

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        self.output += self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One development server for a module of tests."""
    # Short names: the path of a Unix socket has at most 107 bytes.
    running = Server(tmp_path_factory.mktemp("s"))
    yield running
    running.stop()
