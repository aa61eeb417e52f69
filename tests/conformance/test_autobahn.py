"""WebSocket conformance: Autobahn's fuzzing client against the listener of the daemon. Every case that is not OK is
explained in docs/conformance.md, and every explanation there is of such a case."""

from pathlib import Path

import pytest

from tests.conformance.any_kind_echo import AnyKindEchoServer
from tests.conformance.autobahn import NotThere, behaviours, installed
from tests.kit.document import tables
from tests.kit.newcomer import ROOT

DOCUMENT = ROOT / "docs" / "conformance.md"
# The cases of the release: with fewer, some were not run.
CASES_MIN = 247


def explained() -> dict[str, str]:
    """Return the behaviours in the table of the document, by case."""
    rows = [row for table in tables(DOCUMENT.read_text()) for row in table if "Behaviour" in row]
    return {case: row["Behaviour"] for row in rows for case in row["Case"].replace("`", "").split(", ")}


async def test_every_case_is_ok_or_explained(tmp_path: Path) -> None:
    try:
        installed()
    except NotThere as reason:
        pytest.skip(str(reason))
    server = AnyKindEchoServer()
    await server.listener.start()
    try:
        found = await behaviours(server.url, tmp_path)
    finally:
        await server.stop()
    assert len(found) >= CASES_MIN
    assert {case: behaviour for case, behaviour in found.items() if behaviour != "OK"} == explained()
