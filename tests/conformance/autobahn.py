"""Autobahn's fuzzing client: its place, its installation, and one run of it.

It needs Python 2.7, and is installed in a directory outside the repository, apart from the daemon. `python -m
tests.conformance.autobahn` installs it.
"""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

# The last release; it runs on Python 2 only.
VERSION = "autobahntestsuite==25.10.1"
# There are twenty packages, some of which are built.
INSTALL_S = 240
CASES = ("*",)
# Load; compression, which chatd never negotiates (protocol.md "The WebSocket").
LEFT_OUT = ("9.*", "12.*", "13.*")

START = "from autobahntestsuite import wstest; wstest.run()"


class NotThere(Exception):
    """The client cannot be had here; the text is the reason."""


def home() -> Path:
    """Return the directory of the client: AUTOBAHN_HOME, or the cache of the user."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("AUTOBAHN_HOME") or cache / "chatd" / "autobahn")


def python2() -> str:
    """Return a Python 2.7 that runs; raises NotThere when there is none."""
    versions = sorted(Path.home().glob(".pyenv/versions/2.7.*/bin/python2.7"))
    for candidate in (shutil.which("python2.7"), *map(str, versions)):
        if candidate and _says(candidate, "import sys; print(sys.version_info[0])") == "2":
            return candidate
    raise NotThere("there is no Python 2.7 here, and Autobahn's test suite runs on nothing else")


def installed() -> Path:
    """Return the directory of the client, installed when it is empty; raises NotThere when that cannot be done."""
    directory, python = home(), python2()
    if (directory / "zope" / "__init__.py").exists():
        return directory
    pip = [python, "-m", "pip", "install", "--quiet", "--target", str(directory), VERSION]
    try:
        done = subprocess.run(pip, capture_output=True, text=True, timeout=INSTALL_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotThere(f"{VERSION} could not be installed: {error}") from None
    if done.returncode:
        raise NotThere(f"{VERSION} could not be installed: {done.stderr[-300:]}")
    # Without this file Python 2 does not see the namespace package.
    (directory / "zope" / "__init__.py").touch()
    return directory


async def behaviours(url: str, reports: Path) -> dict[str, str]:
    """Run all cases but LEFT_OUT against an echo at `url`; return OK, NON-STRICT, INFORMATIONAL, FAILED, ... by case.

    Every connection offers `chatd.v1.msgpack`. `reports` is a directory for what the client writes.
    """
    directory = installed()
    agent = {"agent": "chatd", "url": url, "protocols": ["chatd.v1.msgpack"]}
    spec = {
        "outdir": str(reports),
        "servers": [agent],
        "cases": list(CASES),
        "exclude-cases": list(LEFT_OUT),
        "exclude-agent-cases": {},
    }
    (reports / "spec.json").write_text(json.dumps(spec))
    client = await asyncio.create_subprocess_exec(
        python2(), "-c", START, "-m", "fuzzingclient", "-s", str(reports / "spec.json"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(directory)},
    )  # fmt: skip
    _, complaints = await client.communicate()
    index = reports / "index.json"
    assert index.exists(), complaints.decode(errors="replace")[-2000:]
    return {case: found["behavior"] for case, found in json.loads(index.read_text())["chatd"].items()}


def _says(python: str, program: str) -> str:
    try:
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=20)
    except OSError:
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    print(installed())
