"""Bots and official accounts through the API: what an account is, and what clients are shown of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.api.conftest import ADDRESS, WithKey
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon


@pytest.fixture(params=[True, False], ids=["people", "without people"])
def people(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def daemon(tmp_path: Path, people: bool) -> AsyncIterator[RunningDaemon]:
    switches = {"people": {"enabled": people}}
    async with running_daemon(config_for(tmp_path, listen=ADDRESS, **switches)) as running:
        yield running


async def test_the_kind_of_an_account_is_on_its_card(
    people: bool, clients: Clients, with_key: WithKey
) -> None:
    ann, shop = await clients.connect("ann"), await clients.connect("shop", hello={"features": ["account"]})
    caller = await with_key("users")
    answer = (await caller("PUT", "/v1/users/shop", {"name": "Shop", "kind": "official"})).json
    assert (answer["kind"], answer["version"]) == ("official", 1)
    assert (await caller.get("/v1/users"))["users"][0]["kind"] == "official"
    if people:
        (row,) = (await shop.receive("account"))["sections"]["account"]
        assert row["value"]["kind"] == "official"
    plate = {"user": "shop", "name": "Shop", "version": 1, "kind": "official"}
    assert (await ann.request({"type": "users.get", "users": ["shop"]}))["users"] == [plate]
    await caller("PUT", "/v1/users/shop", {"name": "The shop"})
    assert (await caller.get("/v1/users/shop"))["kind"] == "official", "what is absent stays"
    same = (await caller("PUT", "/v1/users/shop", {"kind": "official"})).json
    assert same["version"] == 2, "nothing changed"
    assert (await caller("PUT", "/v1/users/shop", {"kind": "person"})).json.get("kind") is None
    refused = await caller("PUT", "/v1/users/shop", {"kind": "robot"})
    assert (refused.status, refused.json["field"]) == (400, "kind")
    assert "person, bot, official" in refused.json["detail"]
