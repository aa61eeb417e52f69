"""Node and the packages of web/, for tests of TypeScript; without Node they are skipped."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
NODE_MAJOR = 20
LIMIT_S = 250.0
"""Longest run of a tool: below the limit of a test, so that what it said is shown."""


@dataclass(frozen=True)
class Node:
    """The programs `node` and `npm`, with the packages of web/ installed."""

    node: str
    npm: str

    @property
    def with_sockets(self) -> tuple[str, ...]:
        """The command of a program that needs a WebSocket: Node 20 has one behind a flag, Node 22 without."""
        return (self.node, "--experimental-websocket", "--no-warnings")

    def run(
        self, *arguments: object, cwd: Path = WEB, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> str:
        """Run node and return what it printed; raises AssertionError with all of it when it fails."""
        return self._run(self.node, *map(str, arguments), cwd=cwd, stdin=stdin, env=env)

    def run_npm(self, *arguments: object, cwd: Path) -> str:
        """Run npm and return what it printed."""
        return self._run(self.npm, *map(str, arguments), cwd=cwd)

    def run_package(self, name: str, *arguments: object) -> str:
        """Run a program of the packages of web/, in it, and return what it printed."""
        return self._run(str(WEB / "node_modules" / ".bin" / name), *map(str, arguments))

    def bundle(self, *sources: object, folder: Path) -> None:
        """Bundle TypeScript files for Node into a folder, as modules named .mjs."""
        flags = ("--bundle", "--platform=node", "--format=esm", "--target=es2022", "--log-level=warning")
        names = (f"--outdir={folder}", "--out-extension:.js=.mjs")
        self.run_package("esbuild", *sources, *flags, *names)

    def testee(self, folder: Path) -> str:
        """Build the SDK and its testee into a folder; return the command that starts the testee."""
        self.run(WEB / "sdk" / "build.mjs", folder / "dist", "--debug")
        shutil.copy(WEB / "sdk" / "testee.mjs", folder)
        return " ".join((*self.with_sockets, str(folder / "testee.mjs")))

    def _run(
        self, *command: str, cwd: Path = WEB, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> str:
        done = subprocess.run(
            command,
            cwd=cwd,
            input=stdin,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the packages of web/; skips the test when there is none, or one that is too old."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("node and npm are not installed")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < NODE_MAJOR:
        pytest.skip(f"node is {version.strip()}, the tools need {NODE_MAJOR}")
    _install(npm)
    return Node(found, npm)


def _install(npm: str) -> None:
    """Install the packages once, also when several processes test at the same time."""
    with (WEB / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (WEB / "node_modules" / ".package-lock.json").exists():
            return
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts"], cwd=WEB, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"npm cannot install the packages of web/: {done.stderr.strip()[-300:]}")
