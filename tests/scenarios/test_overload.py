"""More than the daemon can serve: its refusals, without an effect on others."""

import asyncio
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.kit import http
from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import PROGRAM, RunningDaemon, daemon_process

FILES = 488  # of which 416 are set apart, 63 are for connections and 9 for sockets that are none yet


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_daemon_with_few_descriptors_refuses_in_time_and_serves_on(tmp_path: Path) -> None:
    program = ("bash", "-c", f"ulimit -n {FILES}; exec {shlex.join(PROGRAM)}")
    limits = {f"LIMITS__UNAUTHENTICATED{scope}": "900" for scope in ("", "_PER_ADDRESS")}
    async with daemon_process(tmp_path, program, LIMITS__CONNECTIONS="1000", **limits) as daemon:
        await daemon.wait_for_log("room for 63 of limits.connections = 1000")
        clients = Clients(daemon.url)
        room, (ann, ben) = await clients.in_direct("ann", "ben")
        port = int(daemon.http_url.rpartition(":")[2])
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(FILES)]
        for _ in range(61):
            await clients.open("silent")
        with pytest.raises(InvalidStatus, match="503"):
            await clients.open("silent")

        await ann.send(room, "can you hear me?")
        assert (await ben.next_event(room, "message"))["body"]["text"] == "can you hear me?"
        assert (await http.request(f"{daemon.ops_url}/readyz")).status == 200
        metrics = (await http.request(f"{daemon.ops_url}/metrics")).body.decode()
        assert 'chatd_handshake_rejected_total{reason="descriptors"} 1.0' in metrics

        for _, writer in silent:
            writer.close()
        for client in clients.peers[2:]:
            await client.hang_up()
        await clients.connect("late")
        await clients.leave()
        assert "Traceback" not in daemon.log


# --- one user floods, others live as before

USUAL = {"enabled": True, "hello_address_per_min": 100_000}
FLOODS: dict[str, Callable[[str], dict[str, Any]]] = {
    "requests": lambda room: {"type": "users.get", "users": ["ann"]},
    "sends": lambda room: {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "buy this"}},
    "typing": lambda room: {"type": "typing", "room": room},
    "pages": lambda room: {"type": "history", "room": room},
    "reactions": lambda room: {
        "type": "react", "room": room, "key": fresh_key(), "target": 1, "emoji": "x", "set": True,
    },
}  # fmt: skip
ROUNDS, AT_ONCE = 10, 64


async def floods(client: TestClient, packet: Callable[[str], dict[str, Any]], room: str) -> None:
    """Batches without end and without waiting, until the server has had enough of this connection."""
    for _ in range(ROUNDS):
        await client.link.send([packet(room) for _ in range(AT_ONCE)])
        await asyncio.sleep(0)


@pytest.mark.settings(rates=USUAL)
@pytest.mark.parametrize("kind", FLOODS)
async def test_one_who_floods_takes_nothing_from_others(
    clients: Clients, daemon: RunningDaemon, kind: str
) -> None:
    room, (ann, ben, _) = await clients.in_group("ann", "ben", "mallory")
    devices = [await clients.connect("mallory") for _ in range(5)]
    flooding = [asyncio.create_task(floods(device, FLOODS[kind], room)) for device in devices]
    heard = [await talks(ann, ben, room, number) for number in range(10)]
    await asyncio.gather(*flooding)
    heard += [await talks(ann, ben, room, number) for number in range(10, 15)]
    assert heard == [f"message {number}" for number in range(15)]
    assert b"chatd_rate_limited_total{" in (await http.request(f"{daemon.ops_url}/metrics")).body


async def talks(ann: TestClient, ben: TestClient, room: str, number: int) -> str:
    """Send one message between bystanders, never refused, received by the other; return its text."""
    await ann.send(room, f"message {number}")
    while True:
        event = await ben.next_event(room, "message")
        if event["user"] == "ann":
            return str(event["body"]["text"])
