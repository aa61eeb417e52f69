"""The clients of the simulation keep the rules of protocol.md that no run is sure to show."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.simulation.choices import Choices
from tests.simulation.client import SimClient
from tests.simulation.connection import Connection
from tests.simulation.environment import Environment, Quirks
from tests.simulation.history import Conversation, Packet
from tests.simulation.loop import SimLoop

NOT_NOW = {"type": "error", "id": 2, "code": "internal", "retry": "later", "retry_after": 5000}


class OpenConnection:
    """A connection whose requests get no answer."""

    ready = True
    unanswered = 0
    open_keys: frozenset[str] = frozenset()
    said = Conversation("phone a", "user0", "d", False, 0.0, {}, 0.0)

    def __init__(self) -> None:
        self.asked: list[Packet] = []

    def ask(self, packet: Packet) -> None:
        self.asked.append(packet)


class IdleEnvironment:
    def __init__(self) -> None:
        self.loop = SimLoop(Choices(lanes={}).lane("order"))


@pytest.fixture
def client() -> Iterator[SimClient]:
    choices, environment = Choices(lanes={}), IdleEnvironment()
    yield SimClient(
        cast(Environment, environment), "phone a", "user0", choices.lane("a"), choices.lane("air"), Quirks()
    )
    environment.loop.close()


def pass_time(client: SimClient, seconds: float) -> None:
    client.environment.loop.run_until_complete(asyncio.sleep(seconds))


@pytest.mark.parametrize("request_", [{"type": "sync", "more": "m"}, {"type": "room.get", "room": "g"}])
def test_what_is_refused_for_now_is_asked_again(client: SimClient, request_: dict[str, Any]) -> None:
    connection = OpenConnection()
    client.connection = cast(Connection, connection)
    client.reply({**request_, "id": 2}, NOT_NOW)
    assert not client.idle
    pass_time(client, 4.9)
    assert connection.asked == []
    pass_time(client, 0.2)
    assert [{**packet, "id": 2} for packet in connection.asked] == [{**request_, "id": 2}]
    assert client.idle


def test_what_was_refused_ends_with_its_connection(client: SimClient) -> None:
    client.resting = True
    client.connection = cast(Connection, OpenConnection())
    client.reply({"type": "sync", "more": "m", "id": 2}, NOT_NOW)
    client.connection_lost()
    client.connection = cast(Connection, connection := OpenConnection())
    pass_time(client, 6.0)
    assert connection.asked == []
