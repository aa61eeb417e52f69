"""The routes one by one: what they do to users, tokens and keys, what they answer, and what the audit tells of it."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from chatd.http.api.application import TABLE
from chatd.http.api.problems import ROWS
from chatd.http.api.route import PARAMETERS, Asked, scopes_of
from chatd.protocol.errors import ERRORS, HTTP_ERRORS
from chatd.storage.sqlite import api as rows
from tests.http.api.conftest import Caller, WithKey
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.stepped_env import SteppedEnv

DAY_S = 86_400


async def audit_of(daemon: RunningDaemon) -> list[tuple[str, str, str]]:
    """(key, action, target) of all entries but those of making keys, the oldest first."""
    entries = (await daemon.api("GET", "/v1/audit?limit=200")).json["audit"]
    return [(one["key"], one["action"], one["target"]) for one in reversed(entries) if one["key"] != "socket"]


# --- users


async def test_a_user_is_added_and_changed_value_by_value(with_key: WithKey) -> None:
    caller = await with_key("users")
    first = (await caller("PUT", "/v1/users/u42", {"name": "Ann", "avatar": "a.png"})).json
    assert {**first, "created_at": 0} == {
        "user": "u42", "name": "Ann", "avatar": "a.png", "version": 1, "disabled": False, "has_password": False,
        "created_at": 0,
    }  # fmt: skip
    assert (await caller("PUT", "/v1/users/u42", {"name": "Ann B."})).json == {
        **first,
        "name": "Ann B.",
        "version": 2,
    }
    assert (await caller.get("/v1/users/u42"))["avatar"] == "a.png"
    missing = await caller("GET", "/v1/users/u43")
    assert (missing.status, missing.json["code"]) == (404, "not_found")


async def test_who_was_never_here_is_refused_on_request(with_key: WithKey) -> None:
    caller = await with_key("users")
    for method, path, content in (
        ("PUT", "/v1/users/typo", {"disabled": True, "seen": True}),
        ("POST", "/v1/users/typo/revoke", {"seen": True}),
        ("PUT", "/v1/users/typo/password", {"password_hash": "$argon2id$x"}),
        ("DELETE", f"/v1/users/typo/devices/{'A' * 22}", None),
    ):
        answer = await caller(method, path, content)
        assert (answer.status, answer.json["code"]) == (404, "not_found"), path
    assert (await caller.get("/v1/users"))["users"] == []


async def test_lists_are_read_page_by_page(with_key: WithKey) -> None:
    caller = await with_key("users")
    wanted = [f"u{number}" for number in range(5)]
    for user in wanted:
        await caller("PUT", f"/v1/users/{user}", {})
    for limit, sizes in ((2, [2, 2, 1]), (5, [5]), (200, [5])):
        seen, pages, more = [], [], ""
        while not pages or more:
            page = await caller.get(f"/v1/users?limit={limit}" + (f"&more={more}" if more else ""))
            pages.append(len(page["users"]))
            seen += [row["user"] for row in page["users"]]
            more = page.get("more", "")
        assert (seen, pages) == (wanted, sizes)


async def test_rooms_and_devices_of_a_user_are_listed_and_noted(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("users")
    group, (alice, *_) = await clients.in_group("alice", "bob", "carol")
    direct, _ = await clients.in_direct("alice", "bob")
    first = await caller.get("/v1/users/alice/rooms?limit=1")
    second = await caller.get(f"/v1/users/alice/rooms?limit=1&more={first['more']}")
    rooms = first["rooms"] + second["rooms"]
    assert [(row["room"], row["kind"], row["members"]) for row in rooms] == [
        (group, "group", 3),
        (direct, "direct", 2),
    ]
    assert rooms[0]["role"] == "owner"
    assert [row.get("peer") for row in rooms] == [None, "bob"]
    assert "more" not in second
    devices = (await caller.get("/v1/users/alice/devices"))["devices"]
    assert alice.device in [row["device"] for row in devices]
    assert (await caller("DELETE", f"/v1/users/alice/devices/{alice.device}")).json == {}
    await alice.expect_bye(4201)
    reads = [("GET /v1/users/{user}/rooms", "alice")] * 2 + [("GET /v1/users/{user}/devices", "alice")]
    assert await audit_of(daemon) == [
        (caller.id, action, target)
        for action, target in [*reads, ("DELETE /v1/users/{user}/devices/{device}", "alice")]
    ]


async def test_numbers_are_explained_to_the_support_desk_with_an_entry_in_the_audit(
    daemon: RunningDaemon, clients: Clients, with_key: WithKey
) -> None:
    caller = await with_key("users.read")
    room, (alice, _bob) = await clients.in_group("alice", "bob")
    sent = [(await alice.send(room, "x"))["seq"] for _ in range(2)]
    sent.append((await alice.send(room, "@bob", body={"mentions": ["bob"]}))["seq"])
    badge = await caller.get("/v1/users/bob/badge")
    assert badge == {"badge": 3, "rooms": [{"room": room, "counts": 3, "why": "unread"}]}
    first = await caller.get(f"/v1/users/bob/unread?room={room}&limit=2")
    assert (first["unread"], first["unread_mentions"], first["seqs"]) == (3, 1, sent[:2])
    rest = await caller.get(f"/v1/users/bob/unread?room={room}&more={first['more']}")
    assert (rest["seqs"], rest["mentions"], rest.get("more")) == (sent[2:], sent[2:], None)
    assert (await caller("GET", f"/v1/users/eve/unread?room={room}")).status == 404
    actions = [action for _, action, _ in await audit_of(daemon)]
    assert {"GET /v1/users/{user}/badge", "GET /v1/users/{user}/unread"} <= set(actions)


# --- tokens


async def test_a_token_lets_a_phone_in(daemon: RunningDaemon, clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("tokens", "users")
    made = (await caller("POST", "/v1/tokens", {"user": "alice", "ttl_s": 600})).json
    assert made["expires_in"] == 600
    alice = await clients.connect("alice", token=made["token"])
    await caller("POST", "/v1/users/alice/revoke")
    await alice.expect_bye(4201)
    again = (await caller("POST", "/v1/tokens", {"user": "alice"})).json["token"]
    await clients.connect("alice", token=again)
    await caller("PUT", "/v1/users/alice", {"disabled": True})
    refused = await caller("POST", "/v1/tokens", {"user": "alice"})
    assert (refused.status, refused.json["code"]) == (403, "forbidden")


async def test_a_token_may_be_bound_and_restricted(clients: Clients, with_key: WithKey) -> None:
    caller = await with_key("tokens")
    device = "A" * 22
    made = await caller("POST", "/v1/tokens", {"user": "alice", "device": device, "allow": ["read"]})
    alice = await clients.open("alice", device=device, token=made.json["token"])
    await alice.say_hello()
    await alice.expect_refusal("forbidden", {"type": "room.direct", "user": "bob"})
    too_long = await caller("POST", "/v1/tokens", {"user": "alice", "ttl_s": 30 * 86_400})
    assert (too_long.status, too_long.json["code"]) == (400, "bad_request")


# --- keys


async def test_a_key_is_told_once_and_stored_as_a_digest(daemon: RunningDaemon, with_key: WithKey) -> None:
    caller = await with_key("users", "keys")
    listed = await caller("GET", "/v1/keys")
    assert [row["name"] for row in listed.json["keys"]] == ["key-1"]
    assert "secret" not in listed.body.decode()
    files = b"".join(path.read_bytes() for path in daemon.database.parent.glob("chatd.sqlite*"))
    assert caller.id.encode() in files
    assert caller.secret.encode() not in files
    assert caller.secret[-43:].encode() not in files


async def test_a_name_is_taken_once(with_key: WithKey) -> None:
    caller = await with_key("keys", "users")
    for expected in (200, 409):
        answer = await caller("POST", "/v1/keys", {"name": "one", "scopes": ["users"]})
        assert answer.status == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"scopes": ["tokens"]},
        {"scopes": ["users"]},  # its maker may only read them
        {"scopes": ["users.read"], "expires_at": 0},
        {"scopes": ["users.read"], "expires_at": 9_000_000_000_000},
    ],
)
async def test_no_key_makes_a_stronger_one(with_key: WithKey, asked: dict[str, object]) -> None:
    caller = await with_key("keys", "users.read", expires_at=8_000_000_000_000)
    answer = await caller("POST", "/v1/keys", {"name": "child", **asked})
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    fine = {"name": "child", "scopes": ["users.read"], "expires_at": 8_000_000_000_000}
    assert (await caller("POST", "/v1/keys", fine)).status == 200


async def test_no_key_takes_over_a_stronger_one(with_key: WithKey) -> None:
    strong, caller = await with_key("tokens"), await with_key("keys")
    answer = await caller("POST", f"/v1/keys/{strong.id}/rotate", {})
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert (await strong("POST", "/v1/tokens", {"user": "alice"})).status == 200


async def test_while_a_key_is_rotated_both_secrets_work(daemon: RunningDaemon, with_key: WithKey) -> None:
    caller = await with_key("users", "keys")
    rotated = await caller("POST", f"/v1/keys/{caller.id}/rotate", {"overlap_s": 3600})
    assert rotated.json["key"]["id"] == caller.id
    new = Caller(daemon.api_url, rotated.json["secret"])
    for one in (caller, new):
        await one.get("/v1/users")
    again = await new("POST", f"/v1/keys/{caller.id}/rotate", {"overlap_s": 0})
    newest = Caller(daemon.api_url, again.json["secret"])
    for one, status in ((caller, 401), (new, 401), (newest, 200)):
        assert (await one("GET", "/v1/users")).status == status


async def test_keys_survive_a_restart(daemon: RunningDaemon, with_key: WithKey) -> None:
    caller, gone = await with_key("users"), await with_key("users")
    await daemon.api("DELETE", f"/v1/keys/{gone.id}")
    await daemon.restart()
    caller.url = gone.url = daemon.api_url
    assert (await caller("GET", "/v1/users")).status == 200
    assert (await gone("GET", "/v1/users")).status == 401


async def test_a_scope_without_a_route_is_no_scope(daemon: RunningDaemon) -> None:
    for scope in ("", "tokens.read", "everything", "users.write", "socket"):
        answer = await daemon.api("POST", "/v1/keys", name="k", scopes=[scope])
        assert (answer.status, answer.json["field"]) == (400, "scopes")


# --- the audit


async def test_every_change_is_in_the_audit_and_no_refusal(daemon: RunningDaemon, with_key: WithKey) -> None:
    caller = await with_key(*sorted(scopes_of(TABLE)))
    await caller("PUT", "/v1/users/u1", {"name": "Ann"}, {"X-Request-Id": "r-1"})
    await caller("PUT", "/v1/users/u1", {"name": "Ann"})  # no change, but asked for
    await caller("POST", "/v1/users/u1/revoke")
    await caller("POST", "/v1/users/nobody/revoke", {"seen": True})
    await caller("PUT", "/v1/users/nobody/password", {"password_hash": "$argon2id$x"})
    await caller("POST", "/v1/tokens", {"user": "u1"})
    await caller("GET", "/v1/users/u1")
    await caller("DELETE", "/v1/keys/aaaaaaaa")
    assert await audit_of(daemon) == [
        (caller.id, action, "u1")
        for action in (
            "PUT /v1/users/{user}",
            "PUT /v1/users/{user}",
            "POST /v1/users/{user}/revoke",
            "POST /v1/tokens",
        )
    ]
    newest = (await caller.get("/v1/audit?target=u1&limit=1"))["audit"][0]
    assert newest["action"] == "POST /v1/tokens"
    page = await caller.get("/v1/audit?target=u1&limit=3")
    rest = await caller.get(f"/v1/audit?target=u1&limit=3&more={page['more']}")
    assert [one["request"] for one in rest["audit"]] == ["r-1"]
    assert "more" not in rest


async def test_an_entry_is_in_the_commit_of_its_change(daemon: RunningDaemon) -> None:
    await daemon.api("PUT", "/v1/users/u1", name="Ann")
    before = daemon.app.store.stamp
    await daemon.api("PUT", "/v1/users/u1", name="Bea")
    assert daemon.app.store.stamp == before + 1
    assert len((await daemon.api("GET", "/v1/audit?target=u1")).json["audit"]) == 2


async def test_old_entries_are_forgotten_however_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "FORGOTTEN_AT_ONCE", 2)
    clock = SteppedEnv()
    async with running_daemon(config_for(tmp_path, api={"audit_kept_days": 1}), clock) as daemon:

        async def left() -> list[str]:
            await daemon.app.maintenance.forget_audit()
            return [one["target"] for one in (await daemon.api("GET", "/v1/audit")).json["audit"]]

        for _ in range(5):
            await daemon.api("PUT", "/v1/users/u1")
        clock.advance(DAY_S)
        await daemon.api("PUT", "/v1/users/u2")
        assert await left() == ["u2", *["u1"] * 5]
        clock.advance(1)
        assert await left() == ["u2"]
        clock.advance(DAY_S)
        assert await left() == []


# --- problems


def test_every_code_has_a_row() -> None:
    assert set(ROWS) == set(ERRORS) | set(HTTP_ERRORS)
    assert all(400 <= row.status < 600 for row in ROWS.values())


async def test_a_problem_names_the_row_of_its_code(with_key: WithKey) -> None:
    caller = await with_key("users")
    answer = await caller("PUT", "/v1/users/u1", {"name": "x" * 300})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json == {
        "type": "/v1/errors/too_large", "title": "too large", "status": 413, "code": "too_large", "retry": "never",
        "field": "name", "detail": "`name` must have at most 256 characters",
    }  # fmt: skip
    row = await Caller(caller.url).get(answer.json["type"])
    assert (row["code"], row["status"], row["retry"]) == ("too_large", 413, "never")
    for code in ERRORS | HTTP_ERRORS:
        assert (await caller.get(f"/v1/errors/{code}"))["meaning"]
    assert (await caller("GET", "/v1/errors/nonsense")).status == 404


async def test_an_unknown_route_or_method_is_a_problem_too(with_key: WithKey) -> None:
    caller = await with_key("users")
    nowhere = await caller("GET", "/v1/nowhere")
    assert (nowhere.status, nowhere.json["code"]) == (404, "not_found")
    wrong = await caller("DELETE", "/v1/users/u1")
    assert (wrong.status, wrong.json["status"]) == (405, 405)
    assert set(wrong.headers["allow"].split(", ")) >= {"GET", "PUT"}


# --- the table


def test_a_description_can_be_made_of_the_table() -> None:
    kinds = {kind for route in TABLE for kind in (route.asked, route.answer)}
    _, parts = msgspec.json.schema_components(kinds)
    assert {"PutUser", "UserAnswer", "NewKey", "TokenAnswer"} <= set(parts)
    names = [name for route in TABLE for name in re.findall(r"\{(\w+)\}", route.path)]
    assert set(names) == set(PARAMETERS)
    assert len({(route.method, route.path) for route in TABLE}) == len(TABLE)
    asked = [kind for route in TABLE for kind in get_args(route.asked) or [route.asked]]
    assert all(issubclass(kind, Asked) for kind in asked)
