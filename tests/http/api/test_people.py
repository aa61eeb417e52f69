"""The graph over HTTP: numbered changes, imports, comparison, privacy of users, and why somebody may not."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatd.commands.graph import Replaced
from chatd.core.audit import Audit
from chatd.core.graph import EDGES_MAX, Wanted
from chatd.core.graph_digest import bucket_of, digest_of
from chatd.http.api import people
from tests.http.api.conftest import ADDRESS, Caller, WithKey
from tests.http.api.test_bulk import answers, lines
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon

PHONE = {"features": ["people", "account"]}
PEOPLE = {"enabled": True, "host_owns": ("friends", "follows", "blocks")}


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, listen=ADDRESS, people=PEOPLE)) as running:
        yield running


@pytest.fixture
async def host(with_key: WithKey) -> Caller:
    return await with_key("people", "users")


def changes(first: int, *edges: tuple[str, str, str], feed: str = "main") -> dict[str, Any]:
    rows = [{"n": n, "op": op, "a": a, "b": b} for n, (op, a, b) in enumerate(edges, first)]
    return {"feed": feed, "changes": rows}


async def send(host: Caller, *edges: tuple[str, str, str], first: int = 1, feed: str = "main") -> Any:
    answer = await host("POST", "/v1/people/changes", changes(first, *edges, feed=feed))
    assert answer.status == 200, answer.body
    return answer.json["n"]


async def edges_of(host: Caller, user: str) -> Any:
    return (await host.get(f"/v1/people/digest?user={user}")).get("edges", {})


async def refused(host: Caller, method: str, path: str, content: Any = None) -> tuple[int, str, str | None]:
    answer = await host(method, path, content)
    return answer.status, answer.json["code"], answer.json.get("field")


# --- changes


async def test_changes_are_edges_at_once_and_phones_hear_of_them(
    daemon: RunningDaemon, clients: Clients, host: Caller
) -> None:
    ann = await clients.connect("ann", hello=PHONE)
    assert await send(host, ("friend", "ann", "bob"), ("follow", "ann", "eve")) == 2
    told = (await ann.receive("account"))["sections"]["contacts"]
    assert {(row["name"], row["value"].get("state", "none")) for row in told} == {
        ("bob", "friend"),
        ("eve", "none"),
    }
    assert await edges_of(host, "ann") == {"friend": ["bob"], "follow": ["eve"]}
    assert await edges_of(host, "bob") == {"friend": ["ann"]}
    await ann.expect_refusal("not_supported", {"type": "friend.request", "user": "carol"})


async def test_a_thousand_changes_are_a_few_commits(daemon: RunningDaemon, host: Caller) -> None:
    before = daemon.app.store.stamp
    await send(host, *(("follow", "ann", f"u{number}") for number in range(1000)))
    assert daemon.app.store.stamp == before + 1000 // EDGES_MAX
    assert len((await edges_of(host, "ann"))["follow"]) == 1000
    assert (await host.get("/v1/people/digest"))["feeds"] == {"main": 1000}


async def test_numbers_that_were_seen_are_skipped_and_a_hole_is_told(host: Caller) -> None:
    await send(host, ("friend", "a", "b"), ("unfriend", "a", "b"))
    assert await send(host, ("friend", "a", "b")) == 2
    assert await edges_of(host, "a") == {}
    answer = await host("POST", "/v1/people/changes", changes(4, ("friend", "a", "c")))
    assert (answer.status, answer.json["code"], answer.json["expected"]) == (409, "feed_gap", 3)
    # Another feed has numbers of its own.
    assert await send(host, ("friend", "a", "c"), feed="other") == 1


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"feed": "f", "changes": []}, "changes"),
        ({"feed": "a b", "changes": [{"n": 1, "op": "friend", "a": "a", "b": "b"}]}, "feed"),
        ({"feed": "f", "changes": [{"n": 0, "op": "friend", "a": "a", "b": "b"}]}, "changes[0].n"),
        ({"feed": "f", "changes": [{"n": 1, "op": "marry", "a": "a", "b": "b"}]}, "changes[0].op"),
        ({"feed": "f", "changes": [{"n": 1, "op": "friend", "a": "a", "b": "a"}]}, "changes[0].b"),
        ({"feed": "f", "changes": [{"n": 1, "op": "friend", "a": "a/", "b": "b"}]}, "changes[0].a"),
        (changes(1, *[("friend", "a", "b")] * (people.CHANGES_MAX + 1)), "changes"),
    ],
)
async def test_wrong_changes_are_refused_whole(host: Caller, content: Any, field: str) -> None:
    status, code, named = await refused(host, "POST", "/v1/people/changes", content)
    assert (status, code) in ((400, "bad_request"), (413, "too_large"))
    assert named == field
    assert (await host.get("/v1/people/digest"))["feeds"] == {}


async def test_numbers_go_up_by_one_in_a_request(host: Caller) -> None:
    content = changes(1, ("friend", "a", "b"), ("friend", "a", "c"))
    content["changes"][1]["n"] = 3
    assert await refused(host, "POST", "/v1/people/changes", content) == (400, "bad_request", "changes[1].n")


async def test_two_that_send_the_same_feed_at_once_do_no_harm(host: Caller) -> None:
    edges = [("friend" if number % 2 == 0 else "unfriend", "a", "b") for number in range(301)]
    both = await asyncio.gather(*(host("POST", "/v1/people/changes", changes(1, *edges)) for _ in range(2)))
    assert [answer.json for answer in both] == [{"n": 301}] * 2
    assert await edges_of(host, "a") == {"friend": ["b"]}


@pytest.mark.parametrize("people", [{"enabled": False}, {"enabled": True}])
async def test_a_host_that_keeps_nothing_changes_nothing(tmp_path: Path, people: dict[str, Any]) -> None:
    async with running_daemon(config_for(tmp_path, people=people)) as daemon:
        body = changes(1, ("friend", "a", "b"))
        for method, path, content in (
            ("POST", "/v1/people/changes", body),
            ("GET", "/v1/people/digest", {}),
            ("POST", "/v1/people/reconcile", {"buckets": {}}),
        ):
            answer = await daemon.api(method, path, **content)
            assert (answer.status, answer.json["code"]) == (501, "not_supported"), path


# --- import


async def test_an_import_replaces_the_edges_of_its_users(host: Caller) -> None:
    await send(host, ("friend", "a", "b"), ("friend", "a", "c"), ("follow", "a", "x"), ("block", "d", "a"))
    found = answers(await host("POST", "/v1/people/import", lines(
        {"user": "a", "friends": ["c", "d", "d"], "blocks": []},
        {"user": "e", "follows": ["a"]},
        {"user": "f"},
    )))  # fmt: skip
    assert found == [
        {"line": 1, "ok": True, "user": "a", "added": 1, "removed": 1},
        {"line": 2, "ok": True, "user": "e", "added": 1, "removed": 0},
        {"line": 3, "ok": True, "user": "f", "added": 0, "removed": 0},
    ]
    # `follows` of a were not named, and stay.
    assert await edges_of(host, "a") == {"friend": ["c", "d"], "follow": ["x"]}
    assert await edges_of(host, "b") == {}
    assert await edges_of(host, "d") == {"friend": ["a"], "block": ["a"]}


async def test_a_wrong_line_of_an_import_spoils_no_other(host: Caller) -> None:
    body = lines(
        {"user": "a", "friends": ["a"]}, {"user": "a", "friends": ["b/"]}, {"user": "a", "friends": ["b"]}
    )
    found = answers(await host("POST", "/v1/people/import", body))
    assert [(one.get("code", "ok"), one.get("field")) for one in found] == [
        ("bad_request", "user"), ("bad_request", "friends[0]"), ("ok", None),
    ]  # fmt: skip


async def test_an_import_of_many_edges_is_cut_into_commits_and_phones_are_told_once(
    daemon: RunningDaemon, clients: Clients, host: Caller
) -> None:
    ann = await clients.open("ann")
    cursor = (await ann.say_hello(**PHONE))["sync"]["cursor"]
    others = [f"u{number}" for number in range(2 * EDGES_MAX + 1)]
    (found,) = answers(await host("POST", "/v1/people/import", lines({"user": "ann", "friends": others})))
    assert found["added"] == len(others)
    with closing(sqlite3.connect(daemon.database)) as database:
        commits = dict(database.execute("SELECT stamp, count(*) FROM contacts GROUP BY stamp"))
    assert sorted(commits.values()) == [2, 2 * EDGES_MAX, 2 * EDGES_MAX]
    assert (await ann.receive("account"))["more"] is True
    await ann.expect_silence("account")
    names: set[str] = set()
    page = await ann.request({"type": "sync", "cursor": cursor})
    while True:
        names |= {row["name"] for row in page.get("sections", {}).get("contacts", ())}
        if "more" not in page:
            break
        page = await ann.request({"type": "sync", "more": page["more"]})
    assert names == set(others)


async def test_the_same_import_twice_writes_nothing_the_second_time(
    daemon: RunningDaemon, host: Caller
) -> None:
    body = lines(*({"user": f"u{a}", "friends": [f"u{b}" for b in range(9) if a != b]} for a in range(9)))
    first = answers(await host("POST", "/v1/people/import", body))
    assert sum(one["added"] for one in first) == 9 * 8 / 2
    before = daemon.app.store.stamp
    assert {
        (one["added"], one["removed"]) for one in answers(await host("POST", "/v1/people/import", body))
    } == {(0, 0)}
    assert daemon.app.store.stamp == before


async def test_a_line_that_nobody_waits_for_takes_no_other_with_it(daemon: RunningDaemon) -> None:
    audit = Audit("key", "POST /v1/people/import", "a", "r")
    waiting = [
        asyncio.ensure_future(daemon.app.host.graph.replace(Wanted(user, {"friend": frozenset("z")}), audit))
        for user in "abc"
    ]
    await asyncio.sleep(0)
    waiting[0].cancel()
    assert await waiting[1] == await waiting[2] == Replaced(1, 0)
    # Later ones are carried out as well.
    assert await daemon.app.host.graph.replace(Wanted("d", {"friend": frozenset("z")}), audit) == Replaced(
        1, 0
    )


# --- compare


async def test_the_digest_leads_to_the_edge_that_is_wrong(host: Caller) -> None:
    await send(host, ("friend", "a", "b"), ("friend", "a", "c"), ("follow", "c", "a"))
    whole = await host.get("/v1/people/digest")
    assert whole["feeds"] == {"main": 3}
    assert whole["counts"] == {"friend": 4, "follow": 1, "block": 0}
    assert whole["buckets"][bucket_of("c")] == {
        "friend": list(digest_of("friend", "c", ["a"])),
        "follow": list(digest_of("follow", "c", ["a"])),
    }
    ours = {bucket: dict(cells) for bucket, cells in whole["buckets"].items()}
    same = await host("POST", "/v1/people/reconcile", {"feed": "main", "n": 3, "buckets": ours})
    assert same.json == {"equal": True, "differ": []}
    ours[bucket_of("a")]["friend"] = list(digest_of("friend", "a", ["b", "d"]))
    other = await host("POST", "/v1/people/reconcile", {"buckets": ours})
    assert other.json == {"equal": False, "differ": [bucket_of("a")]}
    page = await host.get(f"/v1/people/digest?bucket={bucket_of('a')}")
    assert page["users"] == {"a": {"friend": list(digest_of("friend", "a", ["b", "c"]))}}
    assert (await edges_of(host, "a"))["friend"] == ["b", "c"]


async def test_a_comparison_as_of_another_change_is_refused(host: Caller) -> None:
    await send(host, ("friend", "a", "b"))
    for n in (0, 2):
        answer = await host("POST", "/v1/people/reconcile", {"feed": "main", "n": n, "buckets": {}})
        assert (answer.status, answer.json["code"], answer.json["expected"]) == (409, "feed_behind", 1)


async def test_a_digest_that_lies_is_no_more_than_different(host: Caller) -> None:
    for buckets in (
        {"zzzz": {}},
        {"3fa2": {"friend": [1]}},
        {"3fa2": {"marriage": [1, 2]}},
        {"3fa2": {"friend": [-1, 2]}},
    ):
        status, code, _ = await refused(host, "POST", "/v1/people/reconcile", {"buckets": buckets})
        assert (status, code) == (400, "bad_request"), buckets
    huge = {"3fa2": {"friend": [2**53 - 1, 2**64]}}
    answer = await host("POST", "/v1/people/reconcile", {"buckets": huge})
    assert answer.json == {"equal": False, "differ": ["3fa2"]}
    empty = await host("POST", "/v1/people/reconcile", {"buckets": {"3fa2": {"friend": [0, 0]}}})
    assert empty.json == {"equal": True, "differ": []}


async def test_edges_and_users_are_read_page_by_page(host: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PAGE_MAX", 2)
    await send(host, *(("friend", "a", other) for other in "bcde"), ("follow", "a", "c"))
    found: list[Any] = []
    more = ""
    while True:
        page = await host.get(f"/v1/people/digest?user=a{more}")
        found.append(page["edges"])
        if "more" not in page:
            break
        more = f"&more={page['more']}"
    assert [name for edges in found for name in edges["friend"]] == ["b", "c", "d", "e"]
    assert [edges.get("follow", []) for edges in found].count(["c"]) == 1
    users = [name for name in "abcde" if bucket_of(name) == bucket_of("a")]
    assert [*(await host.get(f"/v1/people/digest?bucket={bucket_of('a')}"))["users"]] == users


# --- users


async def test_the_contacts_of_a_user_are_exported_page_by_page(host: Caller, daemon: RunningDaemon) -> None:
    await send(host, *(("friend", "a", other) for other in "bcd"), ("block", "a", "d"), ("block", "d", "a"))
    first = await host.get("/v1/users/a/contacts?limit=2")
    rest = await host.get(f"/v1/users/a/contacts?limit=2&more={first['more']}")
    rows = [*first["contacts"], *rest["contacts"]]
    assert [(row["user"], row["state"], row.get("blocked", False)) for row in rows] == [
        ("b", "friend", False), ("c", "friend", False), ("d", "friend", True),
    ]  # fmt: skip
    assert "more" not in rest
    audit = (await daemon.api("GET", "/v1/audit?target=a")).json["audit"]
    assert {one["action"] for one in audit} == {"GET /v1/users/{user}/contacts"}


async def test_the_host_sets_and_locks_the_rules_of_a_user(clients: Clients, host: Caller) -> None:
    ann = await clients.connect("ann", hello=PHONE)
    rules = {"page": {"to": "nobody"}, "add": {"to": "everyone"}}
    answer = await host("PUT", "/v1/users/ann/privacy", {"rules": rules, "locked": True})
    assert answer.json == {"rules": rules, "locked": True}
    told = (await ann.receive("account"))["sections"]["account"]
    assert [(row["name"], row["value"]["locked"]) for row in told] == [("privacy", True)]
    await ann.expect_refusal("forbidden", {"type": "privacy.set", "rules": {"page": {"to": "friends"}}})
    answer = await host(
        "PUT", "/v1/users/ann/privacy", {"rules": {"page": {"to": "friends"}}, "locked": False}
    )
    assert answer.json == {"rules": {**rules, "page": {"to": "friends"}}, "locked": False}
    await ann.request({"type": "privacy.set", "rules": {"page": {"to": "nobody"}}})
    for rules, wrong in (
        ({"write": {"to": "nobody"}}, (403, "forbidden", "rules.write")),
        ({"read": {"to": "nobody"}}, (400, "bad_request", "rules")),
    ):
        assert (await refused(host, "PUT", "/v1/users/ann/privacy", {"rules": rules}))[:2] == wrong[:2]


async def test_it_is_explained_why_somebody_may_not(host: Caller, clients: Clients) -> None:
    async def why(a: str, b: str, what: str) -> tuple[str, str, str, str]:
        found = await host.get(f"/v1/people/explain?a={a}&b={b}&what={what}")
        return found["outcome"], found["rule"], found["of"], found["relation"]

    assert await why("a", "b", "write") == ("ask", "audience", "b", "stranger")
    await send(host, ("friend", "a", "b"), ("follow", "c", "b"))
    assert await why("a", "b", "write") == ("yes", "audience", "b", "friend")
    assert await why("c", "b", "page") == ("no", "audience", "b", "follower")
    assert await why("a", "b", "presence") == ("yes", "audience", "b", "friend")
    a = await clients.connect("a", hello=PHONE)
    await a.request({"type": "preferences", "presence": False})
    assert await why("a", "b", "presence") == ("no", "preferences", "a", "friend")
    await host("PUT", "/v1/users/b", {"disabled": True})
    assert await why("a", "b", "write") == ("no", "closed", "b", "friend")
    await send(host, ("block", "b", "a"), first=3)
    assert await why("a", "b", "write") == ("no", "block", "b", "friend")
    assert (await refused(host, "GET", "/v1/people/explain?a=a&b=b&what=read"))[1] == "bad_request"


async def test_both_rows_of_every_friendship_are_there(daemon: RunningDaemon, host: Caller) -> None:
    await send(host, *(("friend", f"u{a}", f"u{b}") for a in range(6) for b in range(a)))
    answers(await host("POST", "/v1/people/import", lines({"user": "u1", "friends": ["u9"]})))
    with closing(sqlite3.connect(daemon.database)) as database:
        pairs = {*database.execute("SELECT owner, user FROM contacts WHERE state = 4")}
    assert pairs == {(b, a) for a, b in pairs}
    assert json.dumps(sorted(b for a, b in pairs if a == "u1")) == '["u9"]'
