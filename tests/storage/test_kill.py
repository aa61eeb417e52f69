"""A killed process loses nothing it acknowledged (the promise of every ack): kill -9 at random moments, then read."""

import subprocess
import sys
from pathlib import Path

import pytest

from chatd.protocol.codec import decode_event
from tests.kit.adapters import sqlite

ROOT = Path(__file__).parents[2]
WRITER = """
import asyncio, sys
from pathlib import Path
from tests.kit.adapters import sqlite
from tests.kit.history_builder import HistoryBuilder

async def main():
    store = await sqlite(Path(sys.argv[1]))
    builder = HistoryBuilder(store)
    names = [membership.name for membership in await store.memberships("ann")]
    rooms = await store.load_rooms(names)
    room = rooms[names[0]] if names else await builder.group("ann")
    builder.keys = room.seq
    while True:
        await builder.post_many(room, "ann", 1 + room.seq % 7)
        print(room.seq, flush=True)

asyncio.run(main())
"""


def acknowledged(directory: Path, acks: int) -> int:
    """Write until so many commits were acknowledged, then kill; the last number that was acknowledged."""
    command = [sys.executable, "-c", WRITER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        heard = [process.stdout.readline() for _ in range(acks)]
        process.kill()
        heard += process.stdout.readlines()  # what it still said until the kill
    whole = [line for line in heard if line.endswith("\n")]
    return int(whole[-1])


@pytest.mark.parametrize("acks", [1, 40, 333])
async def test_everything_acknowledged_is_there_after_kill_9(directory: Path, acks: int) -> None:
    last = 0
    for _ in range(2):
        last = max(last, acknowledged(directory, acks))
    store = await sqlite(directory)
    (membership,) = await store.memberships("ann")
    (room,) = (await store.load_rooms([membership.name])).values()
    page = await store.log(room.number, 1, room.seq + 99, 10**6, 10**9)
    seqs = [decode_event(blob).seq for blob in page.events]
    assert seqs == list(range(1, room.seq + 1))
    assert room.ordinal == room.seq - 1
    assert last <= room.seq <= last + 7  # at most the one commit whose acknowledgement was not received
    await store.close()
