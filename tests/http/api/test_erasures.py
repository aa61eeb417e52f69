"""Erasures and exports over HTTP: what a host asks, sees and fetches, and what the audit tells of it."""

import gzip
import json
from typing import Any

from tests.http.api.conftest import WithKey
from tests.http.api.test_routes import audit_of
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.waiting import until

PLANTED = "Zq7planted"


async def ended(daemon: RunningDaemon, path: str) -> dict[str, Any]:
    """Wait for a job, by the admin socket, which has no rate; return its answer."""
    while (answer := (await daemon.api("GET", path)).json)["state"] != "done":
        pass
    found: dict[str, Any] = answer
    return found


async def test_a_person_is_erased_and_the_receipt_tells_all(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    room, (ann, bob) = await clients.in_group("ann", "bob")
    await ann.send(room, PLANTED)
    caller = await with_key("privacy", "users")
    await caller("PUT", "/v1/users/ann", {"name": "Ann"})
    asked = (await caller("PUT", "/v1/erasures/ann", {"reports": "drop"})).json
    assert (asked["user"], asked["state"], asked["reports"]) == ("ann", "running", "drop")
    await until(lambda: ann.link.close_code == 4202)
    again = await caller("PUT", "/v1/erasures/ann", {"messages": "keep"})
    assert again.status in (200, 409)
    answer = await ended(daemon, "/v1/erasures/ann")
    receipt = {place.pop("place"): place for place in answer["receipt"]}
    assert receipt["events"] == {"erased": 1, "how": "emptied"}
    assert receipt["users"] == {"erased": 1, "how": "emptied"}
    assert "check" not in answer
    events = await bob.request_history(room)
    assert [event.get("recalled") for event in events] == [True]
    checked = (await caller("POST", "/v1/erasures/ann/check")).json
    assert checked["check"]["found"] == 0
    actions = [action for _, action, target in await audit_of(daemon) if target == "ann"]
    assert actions[-1] == "POST /v1/erasures/{user}/check"
    assert "PUT /v1/erasures/{user}" in actions


async def test_an_erased_id_is_closed_until_the_host_opens_it_as_new(
    daemon: RunningDaemon, with_key: WithKey
) -> None:
    caller = await with_key("privacy", "users")
    await caller("PUT", "/v1/users/ann", {"name": "Ann"})
    await caller("PUT", "/v1/erasures/ann")
    await ended(daemon, "/v1/erasures/ann")
    closed = await caller.get("/v1/users/ann")
    assert (closed["name"], closed["disabled"]) == ("", True)
    opened = (await caller("PUT", "/v1/users/ann", {"name": "Another"})).json
    assert (opened["name"], opened["disabled"]) == ("Another", False)
    assert opened["version"] > closed["version"]
    assert "reopened" in await caller.get("/v1/erasures/ann")
    refused = await caller("POST", "/v1/erasures/ann/check")
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert (await caller.get("/v1/users/ann"))["name"] == "Another"


async def test_the_list_of_erasures_is_read_page_by_page_from_a_time_on(with_key: WithKey) -> None:
    caller = await with_key("privacy")
    assert (await caller("GET", "/v1/erasures/ann")).json["code"] == "not_found"
    asked = [(await caller("PUT", f"/v1/erasures/u{number}")).json for number in range(5)]
    found, more = [], ""
    while True:
        page = await caller.get(f"/v1/erasures?limit=2&more={more}")
        found += [one["user"] for one in page["erasures"]]
        more = page.get("more", "").replace(" ", "%20")
        if not more:
            break
    assert found == [f"u{number}" for number in range(5)]
    late = await caller.get(f"/v1/erasures?since={asked[2]['asked']}")
    assert {one["user"] for one in late["erasures"]} <= {"u3", "u4"}
    wrong = await caller("GET", "/v1/erasures?more=nothing")
    assert wrong.json["code"] == "bad_request"


async def test_an_export_is_fetched_and_the_audit_has_it(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    room, (ann, _) = await clients.in_group("ann", "bob")
    await ann.send(room, PLANTED)
    caller = await with_key("privacy")
    assert (await caller("GET", "/v1/exports/ann")).status == 404
    assert (await caller("GET", "/v1/exports/ann/file")).status == 404
    assert (await caller("PUT", "/v1/exports/ann")).json["state"] == "running"
    answer = await ended(daemon, "/v1/exports/ann")
    file = await caller("GET", "/v1/exports/ann/file")
    assert (file.status, len(file.body)) == (200, answer["bytes"])
    assert file.headers["content-type"] == "application/gzip"
    rows = [json.loads(line) for line in gzip.decompress(file.body).splitlines()]
    assert PLANTED in [row["event"]["body"]["text"] for row in rows if row["table"] == "events"]
    assert (caller.id, "GET /v1/exports/{user}/file", "ann") in await audit_of(daemon)
    assert answer["until"] - answer["done"] == 7 * 86_400_000


async def test_who_was_never_here_is_refused_on_request(with_key: WithKey) -> None:
    caller = await with_key("privacy")
    answer = await caller("PUT", "/v1/erasures/typo", {"seen": True})
    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_a_key_that_only_reads_erases_nobody(with_key: WithKey) -> None:
    caller = await with_key("privacy.read")
    for method, path in (
        ("PUT", "/v1/erasures/ann"),
        ("POST", "/v1/erasures/ann/check"),
        ("PUT", "/v1/exports/ann"),
    ):
        assert (await caller(method, path)).status == 403
    assert (await caller.get("/v1/erasures"))["erasures"] == []
