"""docs/webhooks.md: its commands run as they are written, its receiver receives, its tables name what there is."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import get_args

import msgspec

from bench.machine import free_ports
from chatd.config.hooks import BeforeHook, Endpoint
from chatd.webhooks.interface import Do, Item
from tests.kit.daemon import daemon_process
from tests.kit.document_commands import commands, needs_curl, run_commands
from tests.kit.newcomer import ROOT, blocks

DOCUMENT = ROOT / "docs" / "webhooks.md"
TEXT = DOCUMENT.read_text()


def written(language: str) -> list[str]:
    return [block.text for block in blocks(DOCUMENT) if block.language == language]


def endpoint_at(port: int, secret: Path) -> str:
    return msgspec.json.encode(
        [{"name": "backend", "url": f"http://127.0.0.1:{port}/", "secret_file": str(secret)}]
    ).decode()


async def has(path: Path, words: str) -> None:
    while words not in (path.read_text() if path.exists() else ""):
        await asyncio.sleep(0.02)


def environment(tmp_path: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


@needs_curl
async def test_the_commands_work(tmp_path: Path) -> None:
    listen, _ = commands(DOCUMENT)
    (port,) = free_ports(1)
    shown = tmp_path / "shown.txt"
    with shown.open("wb") as output:
        listener = await asyncio.create_subprocess_shell(
            f"exec {listen.strip()} --port {port}", stdout=output, cwd=tmp_path, env=environment(tmp_path)
        )
    await has(shown, "secret_file")
    hooks = endpoint_at(port, tmp_path / "hook.secret")
    async with daemon_process(tmp_path, EVENTS__ENABLED="true", HOOKS__ENDPOINTS=hooks) as daemon:
        # It goes on beside the others.
        others = {listen: "", "chatd.sock": str(daemon.database.parent / "chatd.sock")}
        assert "backend goes on from there." in await run_commands(DOCUMENT, daemon, tmp_path, others)
        while shown.read_text().count("user u42  change profile  by socket") < 2:
            await asyncio.sleep(0.02)
    listener.terminate()
    await listener.wait()
    assert "✓ signed  " in shown.read_text()
    assert "✗" not in shown.read_text()


async def test_the_receiver_receives(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    (program,) = written("python")
    assert '("127.0.0.1", 9000)' in program
    secret, out = tmp_path / "hook.secret", tmp_path / "out.txt"
    secret.touch(0o600)
    secret.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=\n")
    with out.open("wb") as output:
        receiver = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program.replace("9000", str(port)), stdout=output, stderr=asyncio.subprocess.DEVNULL,
            cwd=tmp_path,
        )  # fmt: skip
    hooks = endpoint_at(port, secret)
    async with daemon_process(tmp_path, EVENTS__ENABLED="true", HOOKS__ENDPOINTS=hooks) as daemon:
        code, said = await daemon.run("hook", "replay", "backend", "--after", "")
        assert (code, said) == (0, "backend goes on from there.\n")
        await has(out, '"type": "presence.reset"')
    receiver.terminate()
    await receiver.wait()


def test_the_tables_name_every_key_of_a_hook_and_every_verdict() -> None:
    named = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE))))
    keys = {*Endpoint.__struct_fields__, *BeforeHook.__struct_fields__, *get_args(Do)}
    assert keys <= named
    (item,) = [block for block in written("json") if '"type":"before"' in block]
    shown = msgspec.json.decode(item)["items"][0]
    assert set(shown) == set(Item.__dataclass_fields__) - {"fields"}
