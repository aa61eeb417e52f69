import pytest
from msgspec import UNSET

from chatd.core.facts import Facts, KeyedEvent, Rules
from chatd.core.keys import Repeated, digest_of, first_time, once
from chatd.core.work import Work
from chatd.protocol.errors import Refused
from chatd.protocol.objects import Body, Event
from chatd.protocol.replies import WriteOk
from chatd.protocol.requests import Pin, React, Send
from tests.kit.desk import group

KEY = "the-same-key"


def send(room, text="x"):
    return Send(room=room.name, key=KEY, body=Body(text=text))


@pytest.fixture
def room():
    return group(ann="owner")


@pytest.fixture
def facts(room):
    return Facts(Rules(), {room.name: room})


@pytest.fixture
def work():
    return Work(now=777, stamp=1)


def test_a_new_key_has_a_digest_of_what_is_asked(room, facts, work):
    request = send(room)
    assert first_time("ann", request, work, facts, request.body) == digest_of(request, request.body)


def test_a_key_in_a_room_that_does_not_exist_is_new(work):
    request = send(group())
    assert first_time("ann", request, work, Facts(Rules(), {}), request.body)


def test_a_stored_key_repeats_its_answer(room, facts, work):
    request = send(room)
    facts.keyed[room.number, "ann", KEY] = KeyedEvent(5, 3, 99, digest_of(request, request.body))
    with pytest.raises(Repeated) as repeated:
        first_time("ann", request, work, facts, request.body)
    assert repeated.value.reply == WriteOk(seq=5, ordinal=3, time=99, duplicate=True)


def test_a_key_of_this_batch_repeats_its_answer(room, facts, work):
    request = send(room)
    digest = digest_of(request, request.body)
    work.append(room, Event(seq=0, kind="message", user="ann"), key=KEY, digest=digest)
    with pytest.raises(Repeated) as repeated:
        first_time("ann", request, work, facts, request.body)
    assert repeated.value.reply == WriteOk(seq=2, time=777, duplicate=True)


@pytest.mark.parametrize("digest", [1, None])
def test_a_key_of_something_else_is_a_conflict(room, facts, work, digest):
    request = send(room)
    facts.keyed[room.number, "ann", KEY] = KeyedEvent(5, 3, 99, digest)
    with pytest.raises(Refused) as refused:
        first_time("ann", request, work, facts, request.body)
    assert (refused.value.code, refused.value.field) == ("conflict", "key")


def test_a_key_of_another_user_or_room_is_new(room, facts, work):
    request = send(room)
    facts.keyed[room.number, "bob", KEY] = facts.keyed[room.number + 1, "ann", KEY] = KeyedEvent(5, 3, 99, 1)
    assert first_time("ann", request, work, facts, request.body)


def test_a_decision_is_made_once():
    answer = WriteOk(seq=5, duplicate=True)

    @once
    def decide(user, request, work, facts):
        raise Repeated(answer)

    assert decide("ann", None, None, None) is answer


def test_a_digest_tells_operations_and_contents_apart(room):
    asked = {"room": room.name, "key": KEY, "target": 2, "set": True}
    digests = [
        digest_of(Pin(**asked), 2, True),
        digest_of(Pin(**asked), 2, False),
        digest_of(React(**asked, emoji="+"), 2, True),
        digest_of(Pin(**asked), 2, UNSET),
        digest_of(Pin(**asked), 2),
    ]
    assert len(set(digests)) == 5
    assert all(-(2**63) <= digest < 2**63 for digest in digests)


def test_a_digest_is_the_same_in_every_process(room):
    """It is compared with what an earlier process stored."""
    assert digest_of(send(room), Body(text="x"), False) == DIGEST


DIGEST = 1233649458
