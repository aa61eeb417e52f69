"""The commands of docs/api.md, run as they are written against a daemon as an operator runs it."""

from pathlib import Path

from tests.kit.daemon import daemon_process
from tests.kit.document_commands import commands, needs_curl, run_commands
from tests.kit.newcomer import ROOT

DOCUMENT = ROOT / "docs" / "api.md"


@needs_curl
async def test_the_commands_at_the_beginning_work(tmp_path: Path) -> None:
    assert len(commands(DOCUMENT)) == 2
    async with daemon_process(tmp_path) as daemon:
        directory = {"cd /var/lib/chatd": f"cd {daemon.database.parent}"}
        answers = await run_commands(DOCUMENT, daemon, tmp_path, directory)
    assert '"user":"u42","name":"Ann"' in answers
    assert '"token":"' in answers
    assert '"key":"order-1001","body":{"text":"Hi"}' in answers
    assert answers.endswith('{"line":1,"ok":true}\n{"line":2,"ok":true}\n')
