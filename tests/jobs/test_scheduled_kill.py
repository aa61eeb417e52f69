"""A scheduled message is sent once, or waits, through kill -9 at any moment."""

import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from chatd.core.scheduled import scheduled_of
from chatd.storage.sqlite.connection import open_file
from tests.kit.inprocess import in_process

ROOT = Path(__file__).parents[2]
# It schedules messages that are due at once, several a commit, and sends them; it says whose schedule is acknowledged.
DAEMON = """
import asyncio, sys
from pathlib import Path
from chatd.core import scheduled
from chatd.protocol.drafts import Schedule
from chatd.protocol.messages import SentBody
from chatd.protocol.rooms import RoomCreate
from tests.kit.inprocess import in_process

directory, run, breaks = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
if breaks:
    # The message is one commit, and the end of its row another one that the process does not live to see.
    scheduled.forget = lambda *args: print("kept", flush=True)

async def main():
    async with in_process(directory) as server:
        ask = server.app.writer.submit_and_wait
        made = await ask("ann", RoomCreate(key="key-of-the-room", kind="group", title="t"))
        room = made.summary.room
        print("room", room, flush=True)
        number = 0
        while True:
            keys = [f"key-{run}-{number + place:06}" for place in range(5)]
            number += 5
            asked = [Schedule(room=room, key=key, at=1, body=SentBody(text=key)) for key in keys]
            await asyncio.gather(*(ask("ann", one) for one in asked))
            print("waits", *keys, flush=True)
            await server.app.scheduled.send_due()

asyncio.run(main())
"""


def killed(directory: Path, run: int, lines: int, *breaks: str) -> tuple[str, set[str]]:
    """Run the daemon until it has said so many lines, then kill it; return the room, and keys that it acknowledged."""
    command = [sys.executable, "-c", DAEMON, str(directory), str(run), *breaks]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    words = [line.split() for line in said if line.endswith("\n")]
    return words[0][1], {key for first, *keys in words if first == "waits" for key in keys}


def found(directory: Path) -> tuple[Counter[str], set[str], set[str]]:
    """Return the keys of stored messages, of rows that wait, and of rows that will be looked at."""
    with closing(open_file(directory / "chatd.sqlite", mode="rw")) as connection:
        sent = Counter(
            key for (key,) in connection.execute("SELECT client_key FROM events WHERE kind = 'message'")
        )
        rows = connection.execute(
            "SELECT name, body FROM section_rows WHERE section = 'scheduled' AND body IS NOT NULL"
        ).fetchall()
        looks = {key for (key,) in connection.execute("SELECT key FROM scheduled")}
    assert not any(scheduled_of(body).error for _, body in rows)
    return sent, {name for name, _ in rows}, looks


async def test_each_is_sent_once_or_waits_through_kill_9(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for run, lines in enumerate((2, 5)):
        room, keys = killed(tmp_path, run, lines)
        acknowledged |= keys
        sent, waiting, looks = found(tmp_path)
        assert set(sent.values()) <= {1}
        assert not waiting & sent.keys()
        assert waiting == looks
        assert acknowledged <= waiting | sent.keys()
    async with in_process(tmp_path) as server:
        await server.app.scheduled.send_due()
        assert server.app.rooms.cache.rooms.keys() <= {room}
    sent, waiting, looks = found(tmp_path)
    assert (acknowledged <= sent.keys(), set(sent.values()), waiting, looks) == (True, {1}, set(), set())


def test_a_row_that_is_removed_later_is_found_out(tmp_path: Path) -> None:
    # The room, five that wait, and a sixth look at one of them: the five were sent by then.
    killed(tmp_path, 0, 8, "row-removed-later")
    sent, waiting, _ = found(tmp_path)
    assert waiting & sent.keys()
