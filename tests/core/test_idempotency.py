from zlib import crc32

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from chatd.core.allowances import Allowances
from chatd.core.idempotency import Repeated, digest_of, first_time, once
from chatd.core.read_set import KeyedEvent, ReadSet, Rules
from chatd.core.room import Member
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Body, Event, Pin, React, Recall, Send, SentBody, WriteOk
from chatd.protocol.rooms import RoomUpdate
from tests.kit.memory_writer import group

KEY = "the-same-key"


def event():
    return Event(seq=5, kind="message", user="ann", time=99, ordinal=3, key=KEY, changed=9, recalled=True)


def send(room, text="x"):
    return Send(room=room.name, key=KEY, body=Body(text=text))


@pytest.fixture
def room():
    return group(ann="owner")


@pytest.fixture
def reads(room):
    return ReadSet(Rules(), {room.name: room})


@pytest.fixture
def writes():
    return WriteSet(now=777, stamp=1)


def test_a_new_key_has_a_digest_of_what_is_asked(room, reads, writes):
    request = send(room)
    assert first_time("ann", request, writes, reads) == digest_of(request)


def test_a_key_in_a_room_that_does_not_exist_is_new(writes):
    request = send(group())
    assert first_time("ann", request, writes, ReadSet(Rules(), {}))


def test_what_a_stranger_has_left_to_store_says_nothing_of_a_room(room, reads, writes):
    reads.allowances = Allowances()
    reads.allowances.become({"bytes": 1})
    writes.spend("bytes", "eve", 5)
    writes.spend("bytes", "ann", 5)
    assert first_time("eve", send(room), writes, reads)
    room.former["eve"] = Member("eve", "member", 0, 1, 0, 0, gone="banned")
    assert first_time("eve", send(room), writes, reads)
    with pytest.raises(Refused, match="store"):
        first_time("ann", send(room), writes, reads)


def test_a_stored_key_repeats_its_answer(room, reads, writes):
    request = send(room)
    reads.keyed[room.number, "ann", KEY] = KeyedEvent(event(), 99, digest_of(request))
    with pytest.raises(Repeated) as repeated:
        first_time("ann", request, writes, reads)
    assert repeated.value.reply == WriteOk(seq=5, ordinal=3, time=99, duplicate=True)


def test_a_key_of_this_batch_repeats_its_answer(room, reads, writes):
    request = send(room)
    digest = digest_of(request)
    writes.append(room, Event(seq=0, kind="message", user="ann"), key=KEY, digest=digest)
    with pytest.raises(Repeated) as repeated:
        first_time("ann", request, writes, reads)
    assert repeated.value.reply == WriteOk(seq=2, time=777, duplicate=True)


@pytest.mark.parametrize("digest", [1, None])
def test_a_key_of_something_else_is_a_conflict(room, reads, writes, digest):
    request = send(room)
    reads.keyed[room.number, "ann", KEY] = KeyedEvent(event(), 99, digest)
    with pytest.raises(Refused) as refused:
        first_time("ann", request, writes, reads)
    assert (refused.value.code, refused.value.field) == ("conflict", "key")


def test_a_key_of_another_user_or_room_is_new(room, reads, writes):
    request = send(room)
    reads.keyed[room.number, "bob", KEY] = reads.keyed[room.number + 1, "ann", KEY] = KeyedEvent(
        event(), 99, 1
    )
    assert first_time("ann", request, writes, reads)


def test_a_decision_is_made_once():
    answer = WriteOk(seq=5, duplicate=True)

    @once
    def decide(user, request, writes, reads):
        raise Repeated(answer)

    assert decide("ann", None, None, None) is answer


def data_of(value):
    return Send(room="r", key=KEY, body=SentBody(data=value))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": 1}),
        ([1, {"a": 2}], [1.0, {"a": 2.0}]),
        (0, -0.0),
        (2**53 - 1, float(2**53 - 1)),
    ],
)
def test_what_means_the_same_has_one_digest(one, other):
    assert digest_of(data_of(one)) == digest_of(data_of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [([1, 2], [2, 1]), (1, True), (1, "1"), (b"x", "x"), (0.5, 0), (1e300, 1e301), (None, UNSET), ({}, [])],
)
def test_what_means_something_else_has_another_digest(one, other):
    assert digest_of(data_of(one)) != digest_of(data_of(other))
    update = RoomUpdate(room="r", key=KEY, title="t")
    assert digest_of(replace(update, data=one)) != digest_of(replace(update, data=other))


def test_a_digest_tells_operations_and_contents_apart(room):
    asked = {"room": room.name, "key": KEY, "target": 2}
    requests = [
        Pin(**asked, set=True),
        Pin(**asked, set=False),
        Pin(**{**asked, "target": 3}, set=True),
        React(**asked, emoji="👍", set=True),
        Recall(**asked),
        Send(room=room.name, key=KEY, body=Body(text="x")),
        Send(room=room.name, key=KEY, body=Body(text="x"), silent=True),
    ]
    digests = {digest_of(request) for request in requests}
    assert len(digests) == len(requests)
    assert all(-(2**63) <= digest < 2**63 for digest in digests)


def test_where_and_when_it_was_written_is_no_content():
    request = Send(room="r", key=KEY, body=Body(text="x"))
    assert digest_of(replace(request, id=7, room="s", key="another-key", composed_at=5)) == digest_of(request)


def test_a_digest_is_the_same_in_every_process_and_version(room):
    """It is compared with what an earlier daemon stored."""
    assert digest_of(send(room)) == DIGEST


DIGEST = 1233649458


def test_the_post_that_a_message_comments_on_is_content(room):
    comments = [digest_of(replace(send(room), post=post)) for post in (2, 3)]
    assert len({digest_of(send(room)), *comments}) == 3


def test_keys_of_a_later_version_change_no_digest_of_a_request_without_them(room):
    """Rules, description and tags came together, and `comments` behind them."""
    name, absent = "RoomUpdate", [None] * 3
    first, with_rules = RoomUpdate(room="r", key=KEY, title="x"), RoomUpdate(room="r", key=KEY, about="y")
    assert digest_of(first) == crc32(encode((name, ["x", *absent])))
    assert digest_of(with_rules) == crc32(encode((name, [None, *absent, None, "y", None])))
    assert digest_of(replace(with_rules, comments="g")) != digest_of(with_rules)
