"""The commands of docs/erasure.md, run as they are written."""

import asyncio
import gzip
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.kit.daemon import daemon_process
from tests.kit.newcomer import ROOT, blocks


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_the_commands_work(tmp_path: Path) -> None:
    written = [block.text for block in blocks(ROOT / "docs" / "erasure.md") if block.language == "sh"]
    assert len(written) == 7
    (tmp_path / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    async with daemon_process(tmp_path) as daemon:
        script = "\n".join(["set -e", *written])
        waits = {
            "sleep 2": 'until curl -H "Authorization: Bearer $KEY" URL/v1/exports/u42 | grep -q done; do :; done',
            "sleep 4": 'until curl -H "Authorization: Bearer $KEY" URL/v1/erasures/u42 | grep -q done; do :; done',
        }
        for said, meant in {
            **waits,
            "http://127.0.0.1:8471": daemon.ops_url,
            " --config /etc/chatd/chatd.toml": f" --data {daemon.database.parent}",
        }.items():
            assert said in script
            script = script.replace(said, meant)
        script = script.replace("URL/", f"{daemon.ops_url}/")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        shell = await asyncio.create_subprocess_exec(
            "bash", "-o", "pipefail", "-c", script,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path,
            env={"PATH": path, "HOME": str(tmp_path)},
        )  # fmt: skip
        output, _ = await shell.communicate()
        assert shell.returncode == 0, output.decode()
    answers = output.decode()
    assert '"state":"done"' in answers
    assert '"check":{"time":' in answers
    assert "u43 is erased." in answers
    assert '"user":"u43"' in answers
    assert gzip.decompress((tmp_path / "u42.ndjson.gz").read_bytes()) == b""
