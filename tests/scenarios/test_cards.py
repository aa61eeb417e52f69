"""protocol.md "Cards": what is shown of whom, on all devices, and what nobody can copy, take or fake."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from chatd.config.people import Bounds
from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.stepped_env import SteppedEnv

OPEN = Bounds(default="everyone")
PEOPLE = {"enabled": True, "privacy": {"add": OPEN, "write": OPEN}}
HELLO = {"features": ["account", "people"]}

pytestmark = pytest.mark.settings(people=PEOPLE)


async def comes(clients: Clients, user: str, **options: Any) -> TestClient:
    return await clients.connect(user, hello=HELLO, **options)


async def has_card(client: TestClient, **parts: Any) -> dict[str, Any]:
    profile: dict[str, Any] = (await client.request({"type": "profile.set", **parts}))["profile"]
    return profile


async def sees(client: TestClient, *users: str, **options: Any) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = (await client.request({"type": "users.get", "users": [*users], **options}))[
        "users"
    ]
    return cards


async def finds(client: TestClient, handle: str) -> list[str]:
    found = await client.request({"type": "users.find", "handle": handle})
    return [card["user"] for card in found["users"]]


async def befriend(one: TestClient, other: TestClient) -> None:
    for client, user in ((one, other.user), (other, one.user)):
        await client.request({"type": "friend.request", "user": user})
    for client in (one, other):
        await client.forget()


async def test_s29_the_own_card_is_the_same_on_all_devices(clients: Clients) -> None:
    """Pushed to those that are there, and found by those that come later."""
    phone, tablet = await comes(clients, "ann"), await comes(clients, "ann")
    profile = await has_card(phone, name="Ann", handle="Ann.K", bio="Two wheels.\nOne bell.")
    assert profile == {
        "user": "ann", "name": "Ann", "version": 1, "handle": "ann.k", "page": {"bio": "Two wheels.\nOne bell."},
    }  # fmt: skip
    (row,) = (await tablet.receive("account"))["sections"]["account"]
    assert {"user": "ann", **row["value"]} == profile
    tablet, hello = await clients.reconnect(tablet, **HELLO)
    assert hello["sync"]["sections"]["account"] == [row]
    await has_card(tablet, bio="")
    own, row = [(await phone.receive("account"))["sections"]["account"][0] for _ in range(2)]
    assert (own["value"]["version"], row["value"]["version"]) == (1, 2)
    assert "page" not in row["value"]


async def test_data_of_the_app_is_kept_in_both_encodings_and_null_removes_it(clients: Clients) -> None:
    for encoding, secret in (("msgpack", b"\x00"), ("json", {"$bytes": "AA"})):
        ann = await comes(clients, "ann", encoding=encoding)
        data = {"moods": [1, None], "secret": secret}
        assert (await has_card(ann, bio="x", data=data))["page"] == {"bio": "x", "data": data}
        assert (await has_card(ann, data=None))["page"] == {"bio": "x"}


async def test_a_rename_changes_two_rows_of_the_user_however_many_know_them(
    clients: Clients, daemon: RunningDaemon
) -> None:
    _, (ann, *_) = await clients.in_group("ann", *[f"u{number}" for number in range(20)])
    await has_card(ann, name="Ann")
    before = changes_of(daemon)
    await has_card(ann, name="Anna")
    changed = {table for table, rows in changes_of(daemon).items() if rows != before[table]}
    assert changed == {"users", "pages", "account_rows", "account_state", "meta"}


def changes_of(daemon: RunningDaemon) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(daemon.database)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


async def test_s29_a_watcher_hears_of_a_new_version_and_one_who_does_not_know_people_hears_nothing(
    clients: Clients,
) -> None:
    ann, bob = await comes(clients, "ann"), await comes(clients, "bob")
    old = await clients.connect("old")
    for client in (bob, old):
        await client.request({"type": "watch", "users": ["ann", "eve"]})
    await has_card(ann, name="Ann")
    await has_card(ann, name="Anna")
    versions: list[int] = []
    while versions[-1:] != [2]:
        push = await bob.receive("profiles")
        versions += [row["version"] for row in push["users"] if row["user"] == "ann"]
    assert len(versions) <= 2
    assert await sees(bob, "ann", versions=[1]) == [{"user": "ann", "name": "Anna", "version": 2}]
    assert await sees(bob, "ann", versions=[2]) == []
    await old.expect_silence("profiles")


async def test_of_many_who_want_a_handle_at_once_one_has_it(clients: Clients) -> None:
    users = [await comes(clients, f"u{number}") for number in range(6)]
    wanted = [
        {"type": "profile.set", "handle": "the_one" if number % 2 else "The_One"} for number in range(6)
    ]
    replies = await asyncio.gather(*(user.reply_to(one) for user, one in zip(users, wanted, strict=True)))
    (holder,) = [user for user, reply in zip(users, replies, strict=True) if reply["type"] == "ok"]
    assert {reply.get("code") for reply in replies} == {None, "conflict"}
    assert await finds(users[0], "THE_ONE") == [holder.user]
    await has_card(holder, handle="")
    assert await finds(users[0], "the_one") == []
    other = next(user for user in users if user is not holder)
    assert (await has_card(other, handle="the_one"))["handle"] == "the_one"


FOOLING: list[tuple[dict[str, Any], str]] = [
    ({"name": "Ann\u202eknaB"}, "name"),
    ({"name": "a" + "\u0316" * 9}, "name"),
    ({"fields": [{"name": "Bank\u2066", "value": "1"}]}, "fields[0].name"),
    ({"bio": "\x1b[2J"}, "bio"),
    ({"handle": "\u0430nn"}, "handle"),  # a Cyrillic letter
    ({"handle": "an"}, "handle"),
    ({"theme": {"colors": ["red"]}}, "theme.colors[0]"),
    ({"fields": [{"name": "a", "value": "b", "to": "enemies"}]}, "fields[0].to"),
]


async def test_a_name_that_would_fool_others_is_refused_and_changes_nothing(clients: Clients) -> None:
    ann = await comes(clients, "ann")
    for part, field in FOOLING:
        error = await ann.expect_refusal("bad_request", {"type": "profile.set", "avatar": "a.jpg", **part})
        assert error["field"] == field
    assert await sees(ann, "ann") == [{"user": "ann"}]


@pytest.mark.settings(people=PEOPLE, rates={"enabled": True, "finds_per_day": 3})
async def test_nobody_tries_all_handles(clients: Clients, clock: SteppedEnv) -> None:
    ann, bob = await comes(clients, "ann"), await comes(clients, "bob")
    await has_card(bob, handle="bob")
    assert [await finds(ann, handle) for handle in ("bob", "bib", "bub")] == [["bob"], [], []]
    tablet = await comes(clients, "ann")
    error = await tablet.expect_refusal("rate_limited", {"type": "users.find", "handle": "bob"})
    assert (error["scope"], error["retry"]) == ("user", "later")
    assert 28_000_000 < error["retry_after"] <= 28_800_000  # a third of a day
    assert await finds(bob, "bob") == ["bob"]


@pytest.mark.settings(people=PEOPLE, rates={"enabled": True, "lookups_per_day": 100})
async def test_a_version_that_was_guessed_right_costs_as_much_as_a_card(
    clients: Clients, clock: SteppedEnv
) -> None:
    ann = await comes(clients, "ann")
    strangers = [f"u{number}" for number in range(100)]
    assert await sees(ann, *strangers, versions=[0] * 100) == []
    await ann.expect_refusal("rate_limited", {"type": "users.get", "users": ["u1"], "versions": [0]})


@pytest.mark.settings(people=PEOPLE, rates={"enabled": True})
async def test_a_round_of_changed_cards_is_begun_once_in_ten_minutes(
    clients: Clients, clock: SteppedEnv
) -> None:
    ann = await comes(clients, "ann")
    begun = {"type": "users.get", "since": 0}
    for _ in range(4):  # one for each of a few devices
        await ann.request(begun)
    error = await ann.expect_refusal("rate_limited", begun)
    assert 599_000 < error["retry_after"] <= 600_000
    clock.advance(error["retry_after"] / 1000)
    await (await comes(clients, "ann")).request(begun)


WRONG: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "bad_request", "users"),
    ({"users": ["ann"], "since": 1}, "bad_request", "users"),
    ({"since": 1, "more": "AAAA"}, "bad_request", "users"),
    ({"more": "AAAA"}, "bad_cursor", None),
    ({"users": ["ann", "bob"], "versions": [1]}, "bad_request", "versions"),
    ({"users": [f"u{number}" for number in range(21)], "page": True}, "too_large", "users"),
    ({"users": ["bob"], "as": "stranger"}, "bad_request", "as"),
    ({"users": ["ann"], "as": "enemy"}, "bad_request", "as"),
    ({"users": ["ann"], "as": 7}, "not_found", "as"),
    ({"users": ["ann"], "as": 0}, "bad_request", "as"),
]


async def test_a_wrong_look_is_refused(clients: Clients) -> None:
    ann = await comes(clients, "ann")
    for packet, code, field in WRONG:
        error = await ann.expect_refusal(code, {"type": "users.get", **packet})
        assert error.get("field") == field, packet


@pytest.mark.settings(people={"enabled": False})
async def test_where_people_are_off_there_are_names_and_nothing_else(
    clients: Clients, daemon: RunningDaemon
) -> None:
    ann = await clients.connect("ann")
    await daemon.api("PUT", "/v1/users/bob", name="Bob")
    assert await sees(ann, "bob") == [{"user": "bob", "name": "Bob", "version": 1}]
    for packet in (
        {"type": "profile.set", "bio": "x"},
        {"type": "users.find", "handle": "bob"},
        {"type": "users.get", "since": 0},
        {"type": "users.get", "users": ["bob"], "page": True},
        {"type": "users.get", "users": ["ann"], "as": "friend"},
    ):
        await ann.expect_refusal("not_supported", packet)
    assert not changes_of(daemon)["pages"]


@pytest.mark.settings(people={"enabled": True, "host_owns": ["profiles"]})
async def test_cards_of_the_host_are_shown_and_not_changed_by_phones(
    clients: Clients, daemon: RunningDaemon
) -> None:
    ann = await comes(clients, "ann")
    await daemon.api("PUT", "/v1/users/ann", name="Ann")
    await ann.expect_refusal("not_supported", {"type": "profile.set", "name": "Anna"})
    assert await sees(ann, "ann") == [{"user": "ann", "name": "Ann", "version": 1}]


# --- who sees what


async def test_friends_see_the_page_strangers_the_plate_and_a_line_its_audience(clients: Clients) -> None:
    ann, bob, eve = [await comes(clients, user) for user in ("ann", "bob", "eve")]
    await befriend(ann, bob)
    fields = [{"name": "City", "value": "Ghent"}, {"name": "Diary", "value": "x", "to": "nobody"}]
    await has_card(ann, name="Ann", bio="Two wheels.", fields=fields)
    plate = {"user": "ann", "name": "Ann", "version": 1}
    page = {"bio": "Two wheels.", "fields": fields[:1]}
    assert await sees(bob, "ann", page=True) == [{**plate, "page": page}]
    assert await sees(bob, "ann") == await sees(eve, "ann", page=True) == [plate]
    as_seen = {viewer: (await sees(ann, "ann", **{"as": viewer}))[0] for viewer in ("stranger", "friend")}
    assert as_seen == {"stranger": plate, "friend": {**plate, "page": page}}
    group = await ann.create_group("bikes", eve)
    assert await sees(eve, "ann", page=True) == [{**plate, "common": [group]}]


async def test_whom_one_blocks_sees_what_a_closed_account_shows(
    clients: Clients, daemon: RunningDaemon
) -> None:
    """The same answers, byte for byte, for friends and strangers, and no push either way."""
    ann, gone = await comes(clients, "ann"), await comes(clients, "gone")
    friend, stranger = await comes(clients, "friend"), await comes(clients, "stranger")
    for owner in (ann, gone):
        await befriend(owner, friend)
        await has_card(owner, name="Ann", handle=f"{owner.user}.k", bio="x")
    for viewer in (friend, stranger):
        await ann.request({"type": "contact.set", "user": viewer.user, "blocked": True})
    assert (await daemon.api("PUT", "/v1/users/gone", disabled=True)).status == 200
    for viewer in (friend, stranger):
        await viewer.forget()
        for options in ({}, {"page": True}):
            blocked, closed = await sees(viewer, "ann", "gone", **options)
            assert {**blocked, "user": ""} == {**closed, "user": "", **_handle_of(closed, "ann.k")}
            assert ("name" in blocked) is (viewer is friend)
            assert "page" not in blocked
        assert [await finds(viewer, handle) for handle in ("ann.k", "gone.k", "nobody.k")] == [[], [], []]
        await viewer.request({"type": "watch", "users": ["ann", "gone"]})
    other = await comes(clients, "other")
    await other.request({"type": "watch", "users": ["ann"]})
    await has_card(ann, name="Anna")
    assert await other.receive("profiles") == {"type": "profiles", "users": [{"user": "ann", "version": 2}]}
    for viewer in (friend, stranger):
        await viewer.expect_silence("profiles")


def _handle_of(card: dict[str, Any], handle: str) -> dict[str, Any]:
    return {"handle": handle} if "handle" in card else {}


async def test_a_first_sync_brings_the_plates_of_contacts_and_direct_peers(clients: Clients) -> None:
    ann, bob, carl, dora = [await comes(clients, user) for user in ("ann", "bob", "carl", "dora")]
    for client in (bob, carl, dora):
        await has_card(client, name=client.user.title(), handle=client.user)
    await befriend(ann, bob)
    await carl.send(await carl.open_direct(ann), "hello")
    await ann.request({"type": "contact.set", "user": "dora", "remark": "a remark is no acquaintance"})
    plates = [{"user": user, "name": user.title(), "version": 1, "handle": user} for user in ("bob", "carl")]
    _, hello = await clients.reconnect(ann, **HELLO)
    assert hello["sync"]["users"] == plates
    updated, hello = await clients.reconnect(
        ann, features=["people"], epoch=hello["epoch"], cursor=hello["sync"]["cursor"]
    )
    assert "users" not in hello["sync"]
    first = await updated.request({"type": "sync", "rooms": 1})
    assert first["users"] == plates
    _, hello = await clients.reconnect(ann, features=["account"])
    assert "users" not in hello["sync"]


async def test_what_changed_while_one_was_away_is_asked_for_by_stamp(clients: Clients) -> None:
    ann, *friends = [await comes(clients, user) for user in ("ann", "bob", "carl", "dora")]
    for friend in friends:
        await befriend(ann, friend)
        await has_card(friend, name=friend.user.title())
    first = await ann.request({"type": "users.get", "since": 0})
    assert [card["user"] for card in first["users"]] == ["bob", "carl", "dora"]
    assert "more" not in first
    await has_card(friends[1], name="Carla")
    await has_card(ann, name="Ann")
    now = await ann.request({"type": "users.get", "since": first["stamp"]})
    assert now["users"] == [{"user": "carl", "name": "Carla", "version": 2}]
    assert (await ann.request({"type": "users.get", "since": now["stamp"]}))["users"] == []


@pytest.mark.settings(limits={"page": 20})
async def test_a_round_of_changed_cards_is_continued_where_it_stopped(clients: Clients) -> None:
    ann = await comes(clients, "ann")
    users = [f"u{number:02}" for number in range(25)]
    for user in users:
        friend = await comes(clients, user)
        await befriend(ann, friend)
        await has_card(friend, name="A friend")
    first = await ann.request({"type": "users.get", "since": 0})
    assert "stamp" not in first
    await has_card(friend, name="Changed during the round")
    last = await ann.request({"type": "users.get", "more": first["more"]})
    assert [card["user"] for card in [*first["users"], *last["users"]]] == users
    assert "more" not in last
    now = await ann.request({"type": "users.get", "since": last["stamp"]})
    assert [card["user"] for card in now["users"]] == users[-1:]


@pytest.mark.settings(rates={"enabled": True, "lookups_per_day": 100, "people_per_min": 1000})
async def test_a_remark_opens_no_way_around_the_budget(clients: Clients, clock: SteppedEnv) -> None:
    ann = await comes(clients, "ann")
    bob = await comes(clients, "bob")
    await befriend(ann, bob)
    strangers = [f"u{number}" for number in range(100)]
    await sees(ann, *strangers)
    await ann.request({"type": "contact.set", "user": "eve", "remark": "Eve", "following": True})
    await ann.expect_refusal("rate_limited", {"type": "users.get", "users": ["eve"]})
    await sees(ann, "bob")
