"""The corpus against the daemon as an operator runs it, again and again: memory and descriptors do not grow."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.hostile.attacker import Attacker
from tests.hostile.case import FOREIGN, OWN, Case
from tests.hostile.client_bytes import frame
from tests.hostile.corpus import CASES
from tests.hostile.packets import DIRECT
from tests.kit.client import TestClient
from tests.kit.daemon import DaemonProcess, daemon_process

# Rounds after the first, in which caches fill.
ROUNDS = 2
AT_ONCE = 16
# The objects of a connection are in cycles: some 9 KiB wait for a collection, which comes after a few thousand. Each
# of the large values is 60 kB, so that a leak of them is twice this.
GROWTH_BYTES_MAX = 32 << 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

# A map with a key that is no text and a large value, which some decoders never gave back (CVE-2026-114613).
LEAKY = b"\x84\xa4type\xa4send\xa2id\x01\xa4body\x81\x05\xda\xea\x60" + b"x" * 60_000 + b"\xa3key\xa8leak-bad"
LEAKS = 1000


def resident_bytes(server: DaemonProcess) -> int:
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * PAGE_BYTES


def descriptors(server: DaemonProcess) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))


class Attempts:
    """The attempts of mallory on a daemon process."""

    def __init__(self, server: DaemonProcess, rooms: dict[str, str]) -> None:
        parts = urlsplit(server.url)
        self._place = str(parts.hostname), int(parts.port or 0)
        self._rooms = rooms
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def all(self) -> None:
        await asyncio.gather(*(self._one(number, case) for number, case in enumerate(CASES)))
        await self.leaks()

    async def leaks(self) -> None:
        """Send the large value beside the bad key, on one connection that stays."""
        mallory = await self._connected("msgpack", f"mallory{len(CASES)}")
        for _ in range(LEAKS):
            mallory.send(frame(LEAKY))
            assert await mallory.outcome() == "error bad_request"
        await mallory.leave()

    async def _one(self, number: int, case: Case) -> None:
        async with self._at_once:
            mallory = await self._connected(
                case.encoding if case.when != "connect" else "",
                f"mallory{number}" if case.when == "later" else "",
            )
            sent = case.sent
            for name, room in self._rooms.items():
                sent = sent.replace(name.encode(), room.encode())
            await mallory.attempt(case, sent)
            await mallory.leave()

    async def _connected(self, encoding: str, user: str) -> Attacker:
        mallory = await Attacker.connect(*self._place)
        if encoding:
            await mallory.upgrade(encoding)
        if user:
            await mallory.say_hello(user)
        return mallory


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_the_corpus_again_and_again_costs_no_memory(tmp_path: Path) -> None:
    async with daemon_process(tmp_path, LIMITS__UNAUTHENTICATED_PER_ADDRESS="1000") as server:
        alice = await TestClient.connect(server.url, "alice")
        await alice.say_hello()
        users = [f"mallory{number}" for number in range(len(CASES) + 1)]
        room = await alice.create_group("everybody", *users[:100], public=True)
        attempts = Attempts(server, {OWN: room, DIRECT: room, FOREIGN: await alice.create_group("private")})
        await attempts.all()
        memory, opened = resident_bytes(server), descriptors(server)
        for _ in range(ROUNDS):
            await attempts.all()
        assert resident_bytes(server) - memory < GROWTH_BYTES_MAX
        await alice.catch_up()
        assert descriptors(server) <= opened + AT_ONCE
        await alice.hang_up()
        assert '"level": "error"' not in server.log, server.log
