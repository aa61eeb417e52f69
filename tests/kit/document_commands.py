"""The shell commands of a document, run as they are written against a daemon as an operator runs it."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kit.daemon import DaemonProcess
from tests.kit.newcomer import blocks

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")

OPERATIONS = "http://127.0.0.1:8471"
CONFIGURATION = " --config /etc/chatd/chatd.toml"


def commands(document: Path) -> list[str]:
    """Return the blocks of commands in a document."""
    return [block.text for block in blocks(document) if block.language == "sh"]


async def run_commands(
    document: Path, daemon: DaemonProcess, directory: Path, others: Mapping[str, str] | None = None
) -> str:
    """Run the commands of a document in `directory`, and return all they print; the first that fails is an error.

    `others`: texts of the document and their meanings here, besides the addresses that all documents use. One that
    does not stand in the document is an error.
    """
    # An error of the server is one of the command, and of the shell.
    (directory / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    script = "\n".join(["set -e", *commands(document)])
    for said, meant in (others or {}).items():
        assert said in script, said
        script = script.replace(said, meant)
    script = script.replace(OPERATIONS, daemon.ops_url)
    script = script.replace(CONFIGURATION, f" --data {daemon.database.parent}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shell = await asyncio.create_subprocess_exec(
        "bash", "-o", "pipefail", "-c", script,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=directory,
        env={"PATH": path, "HOME": str(directory)},
    )  # fmt: skip
    output, _ = await shell.communicate()
    assert shell.returncode == 0, output.decode()
    return output.decode()
