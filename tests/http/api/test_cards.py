"""Cards that the host writes: handle, badge and page, whole or not at all, and what phones may do to them then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.api.conftest import ADDRESS, WithKey
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon

PAGE = {
    "theme": {"name": "dusk"},
    "fields": [{"name": "City", "value": "Ghent"}],
    "data": {"key": {"$bytes": "AAE"}},
}


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, listen=ADDRESS, people={"enabled": True})) as running:
        yield running


async def test_a_card_is_written_read_and_shown(clients: Clients, with_key: WithKey) -> None:
    ann = await clients.connect("ann", hello={"features": ["account"]})
    caller = await with_key("users")
    values = {"name": "Ann", "handle": "Ann.K", "verified": "staff", "page": PAGE}
    answer = (await caller("PUT", "/v1/users/ann", values)).json
    wanted = {"name": "Ann", "handle": "ann.k", "verified": "staff", "version": 1, "page": PAGE}
    assert {name: answer[name] for name in wanted} == wanted
    assert await caller.get("/v1/users/ann") == answer
    (row,) = (await ann.receive("account"))["sections"]["account"]
    assert row["value"] == {**wanted, "page": {**PAGE, "data": {"key": b"\x00\x01"}}}
    error = await ann.expect_refusal("forbidden", {"type": "profile.set", "name": "Bank"})
    assert error["field"] == "name"
    await caller("PUT", "/v1/users/ann", {"verified": "", "page": {}})
    assert "page" not in await caller.get("/v1/users/ann")
    await ann.request({"type": "profile.set", "name": "Anna"})


async def test_a_card_that_is_refused_changes_nothing(with_key: WithKey) -> None:
    caller = await with_key("users")
    await caller("PUT", "/v1/users/bob", {"handle": "bob"})
    for values, status, field in (
        ({"handle": "BOB"}, 409, "handle"),
        ({"handle": "b"}, 400, "handle"),
        ({"name": "a\u202e"}, 400, "name"),
        ({"page": {"bio": "\x00"}}, 400, "page.bio"),
        ({"page": {"fields": [{"name": "a\n", "value": ""}]}}, 400, "page.fields[0].name"),
        ({"page": {"data": "x" * 4097}}, 413, "page.data"),
        ({"page": {"bio": "x" * 501}}, 413, "page.bio"),
    ):
        answer = await caller("PUT", "/v1/users/ann", {"avatar": "a.png", **values})
        assert (answer.status, answer.json.get("field")) == (status, field), values
    assert (await caller("GET", "/v1/users/ann")).status == 404
