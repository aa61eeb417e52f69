"""docs/moderation.md: its commands run as they are written, with a report that a user filed."""

from pathlib import Path

from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import daemon_process
from tests.kit.document_commands import needs_curl, run_commands
from tests.kit.newcomer import ROOT

DOCUMENT = ROOT / "docs" / "moderation.md"


@needs_curl
async def test_the_commands_work_and_answer_what_is_written(tmp_path: Path) -> None:
    async with daemon_process(tmp_path, MODERATION__ENABLED="true") as daemon:
        clients = Clients(daemon.url)
        room, (alice, bob) = await clients.in_group("alice", "bob")
        seq = (await alice.send(room, "your card?"))["seq"]
        report = {"type": "report", "key": fresh_key(), "reason": "fraud", "room": room, "seq": seq}
        assert (await bob.request(report))["report"] == "r1"
        await clients.leave()
        directory = {"/var/lib/chatd": str(daemon.database.parent)}
        answers = await run_commands(DOCUMENT, daemon, tmp_path, directory)
    assert '{"what":"mute","until":1,"reason":"spam"}' in answers
    assert '"state":"closed"' in answers
    assert "Muted u42. Undo with: chatd user free u42\n" in answers
    assert "r1: limit is done.\n" in answers
    assert "r1 is closed.\n" in answers
    assert '{"does":"mask","text":"****, buy now"' in answers
