"""protocol.md "Discovery": listed groups and channels are found, and nothing is told of others."""

from typing import Any

import pytest

from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon

pytestmark = pytest.mark.settings(
    rates={"enabled": False},
    discovery={"enabled": True, "members_min": 2},
    channels={"enabled": True, "create": "users"},
)
LISTED = {"join": "open", "listed": True}


async def titles(client: TestClient, **asked: Any) -> list[str]:
    """Return the titles that are found, on all pages."""
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        reply = await client.request({"type": "rooms.find", **asked, **more})
        found += [card["title"] for card in reply["rooms"]]
        if "more" not in reply:
            return found
        more = {"more": reply["more"]}


async def test_a_room_is_found_while_its_owner_lists_it(clients: Clients) -> None:
    ann, bob, eve = await clients.connect_all("ann", "bob", "eve")
    settings = {"policy": LISTED, "about": "Sundays", "tags": ["Cycling", "北京"]}
    room = await ann.create_group("Bike tours 北京", bob, **settings)
    for asked in ({"text": "bike"}, {"text": "TOURS"}, {"text": "北"}, {"tag": "cycling"}):
        assert await titles(eve, **asked) == ["Bike tours 北京"], asked
    assert await titles(eve, text="bike", tag="北京") == ["Bike tours 北京"]
    assert await titles(eve, text="cars", tag="北京") == []
    (card,) = (await eve.request({"type": "rooms.find", "text": "bike"}))["rooms"]
    assert card == {
        "room": room,
        "title": "Bike tours 北京",
        "about": "Sundays",
        "tags": ["Cycling", "北京"],
        "members": 2,
        "join": "open",
    }
    await ann.mutate("room.update", room, title="Car tours", tags=["cars"])
    assert await titles(eve, text="bike") == await titles(eve, tag="cycling") == []
    assert await titles(eve, text="tours") == await titles(eve, tag="CARS") == ["Car tours"]
    await eve.mutate("room.join", room)
    assert (await eve.get_room(room))["members"] == 3
    await ann.mutate("room.update", room, policy={"listed": False})
    assert await titles(bob, text="tours") == []


@pytest.mark.parametrize(
    "hidden",
    [
        {"policy": {"join": "open"}},
        {"policy": {"join": "closed", "listed": True}},
        {"policy": LISTED, "users": []},
    ],
    ids=["not listed", "closed", "too few members"],
)
async def test_of_other_rooms_nothing_is_told(clients: Clients, hidden: dict[str, Any]) -> None:
    ann, eve, _ = await clients.connect_all("ann", "eve", "bob")
    await ann.create_group("Bike tours", **{"users": ["bob"], **hidden})
    never = await eve.request({"type": "rooms.find", "text": "cars"})
    found = await eve.request({"type": "rooms.find", "text": "bike"})
    assert {**found, "id": 0} == {**never, "id": 0}


async def test_a_deleted_room_is_found_no_more(clients: Clients) -> None:
    ann, bob, eve = await clients.connect_all("ann", "bob", "eve")
    room = await ann.create_group("Bike tours", bob, policy=LISTED)
    assert await titles(eve, text="bike") == ["Bike tours"]
    await ann.mutate("room.delete", room)
    assert await titles(eve, text="bike") == []


async def test_the_largest_come_first_and_pages_show_each_once(clients: Clients) -> None:
    ann, bob, eve = await clients.connect_all("ann", "bob", "eve")
    names = [f"Bikes {number}" for number in range(7)]
    for name in names:
        await ann.create_group(name, bob, policy=LISTED)
    largest = await ann.create_group("Bikes of all", bob, policy=LISTED)
    await eve.mutate("room.join", largest)
    channel = await ann.create_group("Bike news", kind="channel", policy={"listed": True})
    await bob.mutate("room.join", channel)
    await eve.mutate("room.join", channel)
    found = await titles(eve, text="bike", limit=3)
    assert sorted(found[:2]) == ["Bike news", "Bikes of all"]
    assert sorted(found[2:]) == names


async def test_what_asks_for_nothing_is_refused(clients: Clients) -> None:
    (eve,) = await clients.connect_all("eve")
    for asked, code, field in (
        ({}, "bad_request", "text"),
        ({"text": "?!"}, "bad_request", "text"),
        ({"text": "a", "more": "never"}, "bad_cursor", "more"),
        ({"text": "a", "limit": 51}, "too_large", "limit"),
    ):
        refused = await eve.expect_refusal(code, {"type": "rooms.find", **asked})
        assert refused["field"] == field, asked


@pytest.mark.settings(discovery={"enabled": False})
async def test_without_it_there_is_no_such_request(clients: Clients) -> None:
    (eve,) = await clients.connect_all("eve")
    await eve.expect_refusal("not_supported", {"type": "rooms.find", "text": "bike"})


async def test_the_host_keeps_a_room_out(clients: Clients, daemon: RunningDaemon) -> None:
    ann, bob, eve = await clients.connect_all("ann", "bob", "eve")
    room = await ann.create_group("Bike tours", bob, policy=LISTED)
    answer = await daemon.api("PATCH", f"/v1/rooms/{room}", barred=True)
    assert (answer.status, answer.json["barred"]) == (200, True)
    assert await titles(eve, text="bike") == []
    await ann.mutate("room.update", room, policy={"listed": False})
    await ann.mutate("room.update", room, policy={"listed": True})
    assert await titles(eve, text="bike") == []
    await daemon.api("PATCH", f"/v1/rooms/{room}", barred=False)
    assert await titles(eve, text="bike") == ["Bike tours"]
