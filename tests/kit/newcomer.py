"""The documents as a newcomer uses them: their code blocks, and a shell beside a development server to run them in."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
# The longest takes 3 s; a loaded machine may need much longer.
COMMAND_S = 240.0

# The ports of `make run`, for clients and for operators.
PORTS = ("8470", "8471")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, its text, and the line of the document it begins on."""

    language: str
    text: str
    line: int

    @property
    def lines(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.strip()]


def blocks(document: Path) -> list[Block]:
    """Return the fenced code blocks of a Markdown file, in order."""
    text = document.read_text()
    found = re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(one[1].strip(), one[2], text.count("\n", 0, one.start()) + 1) for one in found]


def links(document: Path) -> Iterator[Path]:
    """Return the files that a Markdown file links to."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
        if "://" not in target:
            yield document.parent / target


def recipe(target: str, *variables: str) -> str:
    """Return the commands of `make TARGET` once everything is installed."""
    stamps = ("-o", ".venv/installed", "-o", ".venv/installed-dev")
    made = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", *stamps, target, *variables],
        cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_S, check=True,
    )  # fmt: skip
    return made.stdout.strip()


class Newcomer:
    """A user in an empty directory with one server, started by `make run` on a port of its own.

    Commands run as they are written, with three exceptions: `.venv/bin/` is the folder of this Python, the ports are
    those of the server, and the work of `make` is done without installing first.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.output = ""
        self._server: subprocess.Popen[str] | None = None
        self._ports = PORTS

    def make_run(self) -> str:
        """Start the server as `make run` does; return its output, with the usual ports in place of its own."""
        command = self._translated(recipe("run", "ARGS=--port 0"))
        self._server = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=self.directory, env=self._environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert self._server.stdout is not None
        for line in self._server.stdout:
            self.output += line
            if line.startswith("Ctrl-C stops"):
                break
        found = re.findall(r"127\.0\.0\.1:([0-9]+)", self.output)
        assert self._server.poll() is None, self.output
        assert len(found) > 2, self.output
        self._ports = (found[0], found[2])
        return self._shown(self.output)

    def save(self, name: str, text: str) -> None:
        """Save a program under the name that the document gives it."""
        (self.directory / name).write_text(self._translated(text))

    def run(self, line: str, typed: str = "") -> str:
        """Run a line of shell and return its output; a command that fails is an AssertionError."""
        done = subprocess.run(
            ["sh", "-c", self._translated(line)],
            cwd=self.directory, env=self._environment(), input=typed,
            capture_output=True, text=True, timeout=COMMAND_S,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return self._shown(done.stdout)

    def leave(self) -> None:
        """Press Ctrl-C and wait for the end of the server."""
        if self._server is not None and self._server.stdout is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.stdout.read()
            self._server.stdout.close()
            self._server.wait(COMMAND_S)

    def _translated(self, text: str) -> str:
        for written, real in zip(PORTS, self._ports, strict=True):
            text = text.replace(f":{written}", f":{real}")
        # Another port has to be named where the usual one is the default.
        if self._ports != PORTS:
            text = re.sub(r"(chatd chat )", rf"\1--url ws://127.0.0.1:{self._ports[0]}/v1/ws ", text)
        return text.replace(".venv/bin/", f"{BIN}/")

    def _shown(self, output: str) -> str:
        for written, real in zip(PORTS, self._ports, strict=True):
            output = output.replace(f":{real}", f":{written}")
        output = re.sub(r"[^\s($\"]*/(?=(?:chatd|python) )", ".venv/bin/", output)
        output = re.sub(r"#login=\S+", "#login=…", output)  # another code at each start
        return output.replace(" --url ws://127.0.0.1:8470/v1/ws\n", "\n")

    def _environment(self) -> dict[str, str]:
        """Return the environment of a shell that does not know where chatd is installed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATD_")}
        return {**kept, "PATH": os.defpath}


def loosened(line: str) -> str:
    """Return a line of output without the numbers, which differ from run to run."""
    return re.sub(r"[0-9]+(?:\.[0-9]+)?", "N", line).strip()
