"""docs/events.md: its commands run as they are written, and its table names every type and key there is."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from chatd.core.event_feed import WORDS
from chatd.protocol.event_feed import Entry
from tests.kit.daemon import daemon_process
from tests.kit.newcomer import ROOT, blocks

DOCUMENT = ROOT / "docs" / "events.md"
ROWS = re.findall(r"^\| `([a-z.<>]+)` \|(.*)\|(.*)\|$", DOCUMENT.read_text(), re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_the_commands_work(tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    async with daemon_process(tmp_path, EVENTS__ENABLED="true") as daemon:
        written = [block.text for block in blocks(DOCUMENT) if block.language == "sh"]
        script = "\n".join(["set -e", *written])
        for said, meant in {
            "http://127.0.0.1:8471": daemon.ops_url,
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
        cursor = (tmp_path / "cursor").read_text()
    answers = output.decode()
    assert '"type":"account"' in answers
    *_, last = answers.splitlines()
    assert last == f"{cursor.strip()} account"


def test_the_table_names_every_type_and_every_key() -> None:
    assert {row[0].partition(".")[0] for row in ROWS} == WORDS
    keys = {key for row in ROWS for key in re.findall(r"`(\w+)`", row[1] + row[2])}
    assert set(Entry.__struct_encode_fields__) - {"id", "type", "time", "room", "by"} <= keys
