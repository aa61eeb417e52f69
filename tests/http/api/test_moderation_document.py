"""docs/moderation.md: its commands run as they are written, with a report that a user filed."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import daemon_process
from tests.kit.newcomer import ROOT, blocks

COMMANDS = [block.text for block in blocks(ROOT / "docs" / "moderation.md") if block.language == "sh"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_the_commands_work_and_answer_what_is_written(tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    async with daemon_process(tmp_path, MODERATION__ENABLED="true") as daemon:
        clients = Clients(daemon.url)
        room, (alice, bob) = await clients.in_group("alice", "bob")
        seq = (await alice.send(room, "your card?"))["seq"]
        report = {"type": "report", "key": fresh_key(), "reason": "fraud", "room": room, "seq": seq}
        assert (await bob.request(report))["report"] == "r1"
        await clients.leave()
        script = "\n".join(["set -e", *COMMANDS])
        for said, meant in {
            "/var/lib/chatd": str(daemon.database.parent),
            " --config /etc/chatd/chatd.toml": f" --data {daemon.database.parent}",
        }.items():
            assert said in script
            script = script.replace(said, meant)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        shell = await asyncio.create_subprocess_exec(
            "bash", "-o", "pipefail", "-c", script,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path,
            env={"PATH": path, "HOME": str(tmp_path)},
        )  # fmt: skip
        output, _ = await shell.communicate()
        assert shell.returncode == 0, output.decode()
    answers = output.decode()
    assert '{"what":"mute","until":1,"reason":"spam"}' in answers
    assert '"state":"closed"' in answers
    assert "Muted u42. Undo with: chatd user free u42\n" in answers
    assert "r1: limit is done.\n" in answers
    assert "r1 is closed.\n" in answers
    assert '{"does":"mask","text":"****, buy now"' in answers
