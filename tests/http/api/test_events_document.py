"""docs/events.md: its commands run as they are written, and its table names every type and key there is."""

import re
from pathlib import Path

from chatd.core.event_feed import WORDS
from chatd.protocol.event_feed import Entry
from tests.kit.daemon import daemon_process
from tests.kit.document_commands import needs_curl, run_commands
from tests.kit.newcomer import ROOT

DOCUMENT = ROOT / "docs" / "events.md"
ROWS = re.findall(r"^\| `([a-z.<>]+)` \|(.*)\|(.*)\|$", DOCUMENT.read_text(), re.MULTILINE)


@needs_curl
async def test_the_commands_work(tmp_path: Path) -> None:
    async with daemon_process(tmp_path, EVENTS__ENABLED="true") as daemon:
        answers = await run_commands(DOCUMENT, daemon, tmp_path)
        cursor = (tmp_path / "cursor").read_text()
    assert '"type":"account"' in answers
    *_, last = answers.splitlines()
    assert last == f"{cursor.strip()} account"


def test_the_table_names_every_type_and_every_key() -> None:
    assert {row[0].partition(".")[0] for row in ROWS} == WORDS
    keys = {key for row in ROWS for key in re.findall(r"`(\w+)`", row[1] + row[2])}
    assert set(Entry.__struct_encode_fields__) - {"id", "type", "time", "room", "by"} <= keys
