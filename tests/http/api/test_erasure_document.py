"""The commands of docs/erasure.md, run as they are written."""

import gzip
from pathlib import Path

from tests.kit.daemon import daemon_process
from tests.kit.document_commands import needs_curl, run_commands
from tests.kit.newcomer import ROOT

DOCUMENT = ROOT / "docs" / "erasure.md"


@needs_curl
async def test_the_commands_work(tmp_path: Path) -> None:
    asked = 'curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8471/v1'
    waits = {
        "sleep 2": f"until {asked}/exports/u42 | grep -q done; do :; done",
        "sleep 4": f"until {asked}/erasures/u42 | grep -q done; do :; done",
    }
    async with daemon_process(tmp_path) as daemon:
        answers = await run_commands(DOCUMENT, daemon, tmp_path, waits)
    assert '"state":"done"' in answers
    assert '"check":{"time":' in answers
    assert "u43 is erased." in answers
    assert '"user":"u43"' in answers
    assert gzip.decompress((tmp_path / "u42.ndjson.gz").read_bytes()) == b""
