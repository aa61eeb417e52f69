"""Devices dial from the local addresses they are given, in turn, so that one address does not run out of ports."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from bench.client.device import Device
from bench.client.poller import Poller
from bench.engine.record import Script
from bench.engine.run_state import Access, Pacing, RunState


@pytest.mark.parametrize(
    ("sources", "dialled_from"),
    [
        ((), ["127.0.0.1", "127.0.0.1", "127.0.0.1"]),
        (("127.0.0.2", "127.0.0.3"), ["127.0.0.2", "127.0.0.3", "127.0.0.2"]),
    ],
)
def test_devices_dial_from_their_source_addresses_in_turn(
    sources: tuple[str, ...], dialled_from: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, closing(Poller()) as poller:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/ws"
        access = Access(url, "secret", sources=sources)
        state = RunState(access, Script("dial"), Pacing(1, 0), poller)
        devices = [Device(state) for _ in dialled_from]
        for number, device in enumerate(devices):
            device.enter(number)
            poller.run(lambda device=device: device.alive)
        addresses = []
        for _ in devices:
            end, (address, _) = listener.accept()
            end.close()
            addresses.append(address)
    assert addresses == dialled_from
