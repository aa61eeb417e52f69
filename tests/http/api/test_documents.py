"""The commands of docs/api.md, run as they are written against a daemon as an operator runs it."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.kit.daemon import daemon_process
from tests.kit.newcomer import ROOT, blocks


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_the_commands_at_the_beginning_work(tmp_path: Path) -> None:
    written = [block.text for block in blocks(ROOT / "docs" / "api.md") if block.language == "sh"]
    assert len(written) == 2
    # An error of the server is one of the command, and of the shell.
    (tmp_path / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    async with daemon_process(tmp_path) as daemon:
        script = "\n".join(["set -e", *written])
        for said, meant in {
            "cd /var/lib/chatd": f"cd {daemon.database.parent}",
            "http://127.0.0.1:8471": daemon.ops_url,
            " --config /etc/chatd/chatd.toml": f" --data {daemon.database.parent}",
        }.items():
            assert said in script
            script = script.replace(said, meant)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        shell = await asyncio.create_subprocess_exec(
            "bash", "-o", "pipefail", "-c", script,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={"PATH": path, "HOME": str(tmp_path)},
        )  # fmt: skip
        output, _ = await shell.communicate()
        assert shell.returncode == 0, output.decode()
    answers = output.decode()
    assert '"user":"u42","name":"Ann"' in answers
    assert '"token":"' in answers
    assert '"key":"order-1001","body":{"text":"Hi"}' in answers
    assert answers.endswith('{"line":1,"ok":true}\n{"line":2,"ok":true}\n')
