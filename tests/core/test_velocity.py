from dataclasses import replace

import pytest

from chatd.core.accounts import RecordDevice
from chatd.core.allowances import Allowances
from chatd.core.contacts import Contact
from chatd.core.read_set import PeopleRules, Rules
from chatd.core.users import Account
from chatd.core.velocity import has_link
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Body, Send
from chatd.protocol.rooms import RoomDirect
from tests.kit.env import START_MS
from tests.kit.inprocess import device_of, new_key
from tests.kit.memory_writer import MemoryWriter, group

HOUR_MS = 3_600_000


class Host:
    """A request of the host app."""

    id, requester, marks, is_of_host = 0, None, (), True


class Accountant(MemoryWriter):
    """A writer whose users have so much; `seconds` pass when a test says so. `origin`: of all requests."""

    def __init__(self, *rooms, new_account_ms=24 * HOUR_MS, **counts):
        super().__init__(*rooms, rules=Rules(new_account_ms=new_account_ms))
        self.allowances = Allowances()
        self.allowances.become(counts)
        self.seconds = 0.0
        self.origin = None

    def gather(self, asked):
        reads = super().gather(asked)
        reads.allowances, reads.now_s = self.allowances, self.seconds
        return reads

    def _one(self, user, request, reads):
        self.writes.origin = self.origin
        return super()._one(user, request, reads)

    def commit(self):
        super().commit()
        self.allowances.charge(self.writes, self.seconds)

    def reason(self, user, request):
        with pytest.raises(Refused, match="rejected") as refused:
            self.ask(user, request)
        assert self.writes.empty
        return refused.value.reason


def mentioning(room, *users, key=None):
    return Send(room=room.name, key=key or new_key(), body=Body(text="hey", mentions=list(users)))


def test_a_user_opens_so_many_direct_rooms_a_day_and_finds_old_ones_for_nothing():
    writer = Accountant(direct_rooms=2, new_direct_rooms=1)
    for other in ("bob", "cid", "bob"):
        writer.ask("ann", RoomDirect(user=other))
    assert writer.reason("ann", RoomDirect(user="dan")) == "direct_rooms"
    writer.ask("ann", RoomDirect(user="cid"))
    writer.ask("bob", RoomDirect(user="dan"))
    writer.seconds = 43_200
    writer.ask("ann", RoomDirect(user="dan"))


def test_a_new_account_opens_fewer_until_it_is_old_enough():
    writer = Accountant(direct_rooms=3, new_direct_rooms=1)
    writer.accounts["ann"] = Account("ann", created_at=START_MS)
    writer.ask("ann", RoomDirect(user="bob"))
    assert writer.reason("ann", RoomDirect(user="cid")) == "direct_rooms"
    writer.now += 24 * HOUR_MS
    writer.ask("ann", RoomDirect(user="cid"))


def test_bots_and_the_host_app_have_no_such_bounds():
    room = group(ann="owner", bob="member")
    writer = Accountant(room, direct_rooms=1, new_direct_rooms=1, mentions=1)
    writer.rules = replace(writer.rules, people=PeopleRules(enabled=True))
    writer.accounts["news"] = Account("news", kind="official", created_at=START_MS)
    for other in ("ann", "bob"):
        writer.contacts[other, "news"] = Contact(other, "news", following=True)
        writer.ask("news", RoomDirect(user=other))
    writer.origin = Host()
    for other in ("bob", "cid"):
        writer.ask("ann", RoomDirect(user=other))
    for _ in range(2):
        writer.ask("ann", mentioning(room, "bob"))


def test_mentions_count_by_the_minute_and_a_repeated_message_counts_once():
    room = group(ann="owner", bob="member", cid="member")
    writer = Accountant(room, mentions=3)
    twice = mentioning(room, "bob", "cid")
    assert writer.ask("ann", twice).seq == 2
    assert writer.ask("ann", twice).duplicate
    writer.ask("ann", mentioning(room, "bob"))
    assert writer.reason("ann", mentioning(room, "bob")) == "mentions"
    writer.ask("ann", Send(room=room.name, key=new_key(), body=Body(text="plain")))
    writer.ask("bob", mentioning(room, "ann"))
    writer.seconds = 21
    writer.ask("ann", mentioning(room, "bob"))


def test_an_account_has_an_age_from_its_first_device_on_and_users_of_before_are_old():
    writer = Accountant()
    writer.ask("ann", RecordDevice(device_of(1)))
    assert writer.accounts["ann"].created_at == START_MS
    old = Accountant(new_account_ms=0)
    old.ask("bob", RecordDevice(device_of(1)))
    assert "bob" not in old.accounts
    writer.devices, writer.now = dict(old.devices), writer.now + HOUR_MS
    for device in (1, 2):
        writer.ask("bob", RecordDevice(device_of(device)))
    assert "bob" not in writer.accounts


LINKS = """see https://x.y|HTTPS://X|www.here|go to example.com|example.com.|a.io/b|t.me/x|ｅｘａｍｐｌｅ．ｃｏｍ
e\u200bxample.c\u200bom""".replace("\n", "|").split("|")
TEXTS = ["", "hello", "e.g. this", "at 12.30", "file.txt", "end.Next", "1/2", "a.b.c", "wwwhat"]


@pytest.mark.parametrize("text", LINKS)
def test_links_are_seen(text):
    assert has_link(text)


@pytest.mark.parametrize("text", TEXTS)
def test_other_texts_are_no_links(text):
    assert not has_link(text)


def test_a_long_text_of_dots_is_looked_through_in_no_time():
    assert not has_link("a." * 8000)
    assert not has_link("." * 16_000)
