"""protocol.md "Contacts and circles", "Friendship": users on several devices, who see of each other what they may."""

import asyncio
from typing import Any

import pytest

from chatd.core.accounts import Amend
from chatd.core.maintenance import NoteDay
from chatd.jobs.contact_expiry import ContactExpiry
from chatd.storage.sqlite.sections import TOMBSTONE_DAYS
from tests.kit.client import TestClient
from tests.kit.client_socket import encode
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.stepped_env import SteppedEnv

DAY_S = 86_400
NO_TOTALS = {"rooms": 0, "unread": 0, "mentions": 0}
HELLO = {"features": ["account", "people"]}

pytestmark = pytest.mark.settings(people={"enabled": True})

Rows = dict[str, dict[str, Any]]


class Phone:
    """A device that keeps contacts by the rules of account rows, and nothing else."""

    def __init__(self, clients: Clients, client: TestClient) -> None:
        self._clients = clients
        self.client = client
        self.rows: dict[str, tuple[int, dict[str, Any] | None]] = {}
        self.cursor: dict[str, str] = {}
        self.full_sections: list[str] = []
        self.totals: dict[str, int] | None = None

    @classmethod
    async def of(cls, clients: Clients, user: str) -> "Phone":
        phone = cls(clients, await clients.open(user))
        await phone.hello()
        return phone

    async def hello(self) -> None:
        """Say hello with the cursor, and take the pages of the round."""
        reply = await self.client.say_hello(**HELLO, **self.cursor)
        page = reply["sync"]
        self.totals = page.get("totals")
        self.take(page)
        while "more" in page:
            page = await self.client.request({"type": "sync", "more": page["more"]})
            self.take(page)
        self.cursor = {"epoch": reply["epoch"], "cursor": page["cursor"]}
        self.full_sections = page.get("full_sections", [])

    async def come_back(self) -> None:
        self.client = await self._clients.open(self.client.user, device=self.client.device)
        await self.hello()

    async def leave(self) -> None:
        await self.listen()
        await self.client.hang_up()

    async def listen(self) -> None:
        """Take all that was pushed."""
        await self.client.catch_up()
        for packet in [packet for packet in self.client.waiting() if packet["type"] == "account"]:
            self.take(packet)
        await self.client.forget()

    def take(self, page: dict[str, Any]) -> None:
        for row in page.get("sections", {}).get("contacts", []):
            if row["stamp"] >= self.rows.get(row["name"], (0, None))[0]:
                self.rows[row["name"]] = (row["stamp"], row.get("value"))

    @property
    def contacts(self) -> Rows:
        return {user: value for user, (_, value) in self.rows.items() if value is not None}

    def states(self) -> dict[str, str]:
        return {user: value.get("state", "none") for user, value in self.contacts.items()}

    async def ask(self, kind: str, user: str, **fields: Any) -> dict[str, Any]:
        return dict((await self.client.request({"type": kind, "user": user, **fields}))["contact"])


async def phones(clients: Clients, *users: str) -> list[Phone]:
    return [await Phone.of(clients, user) for user in users]


async def all_listen(*phones: Phone) -> None:
    for phone in phones:
        await phone.listen()


async def befriend(one: Phone, other: Phone) -> None:
    await one.ask("friend.request", other.client.user)
    await other.ask("friend.accept", one.client.user)
    await all_listen(one, other)


async def test_all_devices_of_both_see_a_request_become_a_friendship_and_end(clients: Clients) -> None:
    """S27. Those that are there at once, one that was away with its cursor, a new one in its first round."""
    phone, tablet, bob, away = await phones(clients, "ann", "ann", "bob", "bob")
    await away.leave()
    await phone.ask("friend.request", "bob", note="Hi", via="search", seen=0)
    await all_listen(phone, tablet, bob)
    assert (phone.states(), tablet.states(), bob.states()) == ({"bob": "sent"},) * 2 + ({"ann": "received"},)
    assert bob.contacts["ann"]["note"] == "Hi"
    await away.come_back()
    assert (away.contacts, away.totals) == (bob.contacts, {**NO_TOTALS, "friend_requests": 1})
    await away.ask("friend.accept", "ann", seen=away.rows["ann"][0])
    await all_listen(phone, tablet, bob, away)
    assert phone.rows == tablet.rows
    assert (phone.states(), bob.states(), away.states()) == ({"bob": "friend"},) + ({"ann": "friend"},) * 2
    assert (await Phone.of(clients, "bob")).totals == NO_TOTALS
    await tablet.ask("friend.remove", "bob", seen=tablet.rows["bob"][0])
    await all_listen(phone, bob)
    assert (phone.contacts, bob.contacts) == ({}, {})
    late = await Phone.of(clients, "ann")
    assert late.rows == {}
    assert late.full_sections == ["account", "contacts"]


async def test_requests_that_cross_make_friends(clients: Clients) -> None:
    ann, bob = await phones(clients, "ann", "bob")
    packets = [{"type": "friend.request", "user": user} for user in ("bob", "ann")]
    asked = (phone.client.request(packet) for phone, packet in zip((ann, bob), packets, strict=True))
    await asyncio.gather(*asked)
    await all_listen(ann, bob)
    assert (ann.states(), bob.states()) == ({"bob": "friend"}, {"ann": "friend"})
    assert (await ann.client.request(packets[0]))["duplicate"]


async def test_a_decline_and_a_block_are_told_to_nobody(clients: Clients) -> None:
    """S28. Neither by a push, nor by an answer, nor in a round; who blocks sees it on all devices."""
    ann, bob, tablet, cid = await phones(clients, "ann", "bob", "bob", "cid")
    await ann.ask("friend.request", "bob")
    await cid.ask("friend.request", "bob")
    await all_listen(ann, cid, bob)
    before = dict(ann.rows), dict(cid.rows)
    await bob.ask("friend.decline", "ann", seen=bob.rows["ann"][0])
    await bob.ask("contact.set", "cid", blocked=True, seen=bob.rows["cid"][0])
    await bob.listen()
    for phone in (ann, cid):
        await phone.client.expect_silence("account")
        assert (await phone.client.request({"type": "friend.request", "user": "bob"}))["duplicate"]
        await phone.leave()
        await phone.come_back()
    assert (ann.rows, cid.rows) == before
    await tablet.listen()
    assert tablet.contacts == {"cid": {"blocked": True}}
    await cid.ask("friend.cancel", "bob")
    await cid.client.expect_refusal("refused", {"type": "friend.request", "user": "bob"})
    await bob.client.expect_refusal("blocked", {"type": "friend.request", "user": "cid"})
    await bob.client.expect_silence("account")


@pytest.mark.settings(people={"enabled": True, "unknown_users": "refuse"})
async def test_a_block_a_closed_account_and_nobody_are_refused_with_the_same_bytes(
    clients: Clients, daemon: RunningDaemon
) -> None:
    ann, bob, *_ = await phones(clients, "ann", "bob", "cid")
    await bob.ask("contact.set", "ann", blocked=True)
    await daemon.app.writer.submit_and_wait("cid", Amend(disabled=True))
    frames = []
    for user in ("bob", "cid", "dan"):
        packet = {"type": "friend.request", "id": 77, "user": user}
        answer = await ann.client.reply_to_frame(encode("msgpack", packet), 77)
        assert answer["code"] == "refused"
        frames.append(ann.client.link.frames_received[-1])
    assert frames[0] == frames[1] == frames[2]


async def test_what_is_kept_of_others_is_on_all_own_devices_and_on_no_other(clients: Clients) -> None:
    ann, tablet, bob = await phones(clients, "ann", "ann", "bob")
    await befriend(ann, bob)
    circle = (await ann.client.request({"type": "circle.set", "name": "Bikes"}))["circle"]
    await ann.ask("contact.set", "bob", remark="Rob", circles=[circle["number"]], following=True)
    await tablet.client.receive("account")
    await all_listen(ann, tablet)
    kept = tablet.contacts["bob"]
    assert (kept["remark"], kept["circles"], kept["following"]) == ("Rob", [1], True)
    await bob.client.expect_silence("account")
    assert bob.contacts["ann"].keys() == {"state", "since"}
    await bob.ask("friend.remove", "ann")
    await all_listen(ann, tablet)
    assert ann.contacts == tablet.contacts == {"bob": {"remark": "Rob", "following": True}}


async def test_everything_is_there_after_a_restart(clients: Clients, daemon: RunningDaemon) -> None:
    ann, bob = await phones(clients, "ann", "bob")
    await befriend(ann, bob)
    await ann.ask("contact.set", "bob", remark="Rob", blocked=True)
    await ann.ask("friend.request", "cid", note="hello")
    await all_listen(ann, bob)
    rows = dict(ann.rows)
    await daemon.restart()
    clients.url = daemon.url
    await ann.come_back()
    new = await Phone.of(clients, "ann")
    assert ann.rows == new.rows == rows
    await bob.come_back()
    assert bob.states() == {"ann": "friend"}
    await ann.ask("contact.set", "bob", blocked=False, seen=rows["bob"][0])


async def test_who_was_away_longer_than_rows_that_are_gone_are_named_starts_over(
    clients: Clients, daemon: RunningDaemon
) -> None:
    ann, bob, cid = await phones(clients, "ann", "bob", "cid")
    await befriend(ann, bob)
    await befriend(ann, cid)
    await ann.leave()
    await ann.come_back()
    await ann.leave()
    await bob.ask("friend.remove", "ann")
    for days in (0, TOMBSTONE_DAYS + 1):
        await daemon.app.writer.submit_and_wait("", NoteDay(20_000 + days))
    ann.rows.clear()  # what no page of a full walk names is forgotten
    await ann.come_back()
    assert (ann.states(), ann.full_sections) == ({"cid": "friend"}, ["account", "contacts"])


async def test_a_request_that_nobody_answers_ends_by_itself(
    clock: SteppedEnv, clients: Clients, daemon: RunningDaemon
) -> None:
    """And begins a quiet time: the next one is sent, and not heard before that is over."""
    ann, bob = await phones(clients, "ann", "bob")
    expiry = ContactExpiry(daemon.app.store, clock, daemon.app.writer)
    await ann.ask("friend.request", "bob")
    clock.jump_s += 30 * DAY_S - 1
    await expiry.expire()
    await all_listen(ann, bob)
    assert (ann.states(), bob.states()) == ({"bob": "sent"}, {"ann": "received"})
    clock.jump_s += 1
    await expiry.expire()
    await all_listen(ann, bob)
    assert (ann.contacts, bob.contacts) == ({}, {})
    assert (await ann.ask("friend.request", "bob"))["state"] == "sent"
    await bob.client.expect_silence("account")
    await ann.ask("friend.cancel", "bob")
    clock.jump_s += 14 * DAY_S
    await expiry.expire()
    await ann.ask("friend.request", "bob")
    await bob.listen()
    assert bob.states() == {"ann": "received"}


@pytest.mark.settings(people={"enabled": True, "inbox_max": 2})
async def test_in_a_full_list_a_friend_of_a_friend_takes_the_place_of_the_oldest_stranger(
    clients: Clients,
) -> None:
    ann, bob, cat, *strangers = await phones(clients, "ann", "bob", "cat", "x1", "x2", "x3")
    await befriend(ann, bob)
    await befriend(bob, cat)
    for asker in (*strangers, cat):
        await asker.ask("friend.request", "ann")
    await ann.listen()
    assert ann.states() == {"bob": "friend", "x2": "received", "cat": "received"}
    await all_listen(*strangers)
    assert [asker.states() for asker in strangers] == [{"ann": "sent"}] * 3


@pytest.mark.settings(
    rates={"enabled": True, "friend_requests_per_day": 3, "people_per_min": 100, "abuse_refusals": 1}
)
async def test_who_asks_too_many_is_told_when_they_may_and_is_no_abuser(
    clock: SteppedEnv, clients: Clients
) -> None:
    (ann,) = await phones(clients, "ann")
    for number in range(3):
        await ann.ask("friend.request", f"u{number}")
    for _ in range(5):
        refusal = await ann.client.expect_refusal("rate_limited", {"type": "friend.request", "user": "u9"})
        assert (refusal["scope"], refusal["retry_after"]) == ("user", DAY_S * 1000 // 3)
    await ann.ask("friend.cancel", "u0")


async def test_a_phone_without_the_word_is_shown_no_contacts(clients: Clients) -> None:
    """What its user has asked for is answered all the same."""
    bob = await Phone.of(clients, "bob")
    old = await clients.connect("ann", hello={"features": ["account"]})
    reply = await old.request({"type": "friend.request", "user": "bob"})
    assert reply["contact"]["state"] == "sent"
    await bob.ask("friend.accept", "ann")
    await old.expect_silence("account")
    _, hello = await clients.reconnect(old, features=["account"])
    assert "contacts" not in hello["sync"].get("sections", {})


@pytest.mark.settings(people={"enabled": False})
async def test_switched_off_there_is_nothing_of_it(clients: Clients) -> None:
    ann = await clients.open("ann")
    hello = await ann.say_hello(**HELLO)
    assert hello["features"] == ["account"]
    for kind in ("friend.request", "friend.accept", "friend.decline", "friend.cancel", "friend.remove"):
        await ann.expect_refusal("not_supported", {"type": kind, "user": "bob"})
    for packet in (
        {"type": "contact.set", "user": "bob", "blocked": True},
        {"type": "circle.set", "name": "Bikes"},
        {"type": "circle.delete", "number": 1},
    ):
        await ann.expect_refusal("not_supported", packet)
