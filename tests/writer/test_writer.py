import asyncio

import pytest

from chatd.core import decisions
from chatd.core.admin import Amend
from chatd.ports import KeyTaken, SyncQuery
from chatd.protocol.errors import Refused, Unavailable
from chatd.protocol.objects import Body
from chatd.protocol.requests import Edit, MembersRemove, Read, RoomCreate, RoomJoin, RoomLeave, Send
from chatd.writer import writer as writer_module
from chatd.writer.writer import Guard, Submission
from tests.kit.indoors import new_key


class Asker:
    """Writes down the answers it gets, in order."""

    def __init__(self):
        self.answers = []

    def settled(self, id, reply):
        self.answers.append((id, reply))

    def of(self, id):
        (reply,) = [reply for number, reply in self.answers if number == id]
        return reply


class Desk:
    """Submits to the writer of a house, and keeps what it published."""

    def __init__(self, house):
        self.house = house
        self.writer = house.inside.writer
        self.asker = Asker()
        self.published = []
        publish = self.writer._publish
        self.writer._publish = lambda work: (self.published.append(work), publish(work))
        self.ids = iter(range(1, 10_000))

    def submit(self, user, request, **keys):
        id = next(self.ids)
        self.writer.submit(Submission(user, request, asker=self.asker, id=id, **keys))
        return id

    async def settled(self):
        await self.house.quiet()

    async def group(self, owner, *users):
        reply = await self.writer.carry(
            owner, RoomCreate(key=new_key(), kind="group", title="t", users=list(users))
        )
        return reply.summary.room

    def room(self, name):
        return self.house.inside.context.rooms.registry.rooms[name]


class Watch:
    """A clock that tells how long something took, and lets no timer fire."""

    def __init__(self, env):
        self.now_ms, self.late_s = env.now_ms, 0.0

    def monotonic(self):
        return self.late_s


@pytest.fixture
def desk(house):
    return Desk(house)


def send(room, text="hello", key=None):
    return Send(room=room, key=key or new_key(), body=Body(text=text))


async def log_of(house, desk, name):
    page = await house.store.log(desk.room(name).number, 1, 10_000, 10_000, 1 << 20)
    return page.events


async def test_what_waits_together_is_one_commit(house, desk):
    room = await desk.group("ann")
    before = house.store.calls["commit"]
    ids = [desk.submit("ann", send(room)) for _ in range(100)]
    await desk.settled()
    assert house.store.calls["commit"] == before + 1
    assert [id for id, _ in desk.asker.answers] == ids
    assert [reply.seq for _, reply in desk.asker.answers] == list(range(2, 102))


async def test_a_batch_is_bounded(house, desk, monkeypatch):
    monkeypatch.setattr(writer_module, "BATCH_MAX", 10)
    room = await desk.group("ann")
    before = house.store.calls["commit"]
    for _ in range(35):
        desk.submit("ann", send(room))
    await desk.settled()
    assert house.store.calls["commit"] == before + 4


async def test_what_comes_during_a_commit_makes_the_next_batch(house, desk):
    room = await desk.group("ann")
    hold = house.store.hold("commit")
    desk.submit("ann", send(room, "one"))
    await hold.reached.wait()
    desk.submit("ann", send(room, "two"))
    desk.submit("ann", send(room, "three"))
    hold.release()
    await desk.settled()
    assert [len(work.steps[desk.room(room).number]) for work in desk.published[-2:]] == [1, 2]


@pytest.mark.parametrize(
    ("commit_s", "telling_s", "order"),
    [
        (0.004, 0.001, ["commit one", "commit two", "told one", "commit meanwhile", "told two", "told meanwhile"]),
        (0.001, 0.004, ["commit one", "told one", "commit two, meanwhile", "told two, meanwhile"]),
    ],
)  # fmt: skip
async def test_a_batch_is_told_while_the_next_is_committed_where_the_disk_is_slower(
    house, desk, commit_s, telling_s, order
):
    """Else the next one waits, and takes along what comes while this one is told."""
    room, seen, loop = await desk.group("ann"), [], asyncio.get_running_loop()
    commit, publish = house.store.commit, desk.writer._publish

    def texts(work):
        return ", ".join(step.event.body.text for step in work.steps[desk.room(room).number])

    async def committing(work):
        seen.append(f"commit {texts(work)}")
        desk.writer._env.late_s += commit_s
        await commit(work)

    def telling(work):
        seen.append(f"told {texts(work)}")
        desk.writer._env.late_s += telling_s
        if seen[-1] == "told one":
            loop.call_soon(desk.submit, "ann", send(room, "meanwhile"))
        publish(work)

    desk.writer._store.commit, desk.writer._publish, desk.writer._env = committing, telling, Watch(house.env)
    desk.submit("ann", send(room, "before"))  # from this one the writer knows what takes how long
    await desk.settled()
    seen.clear()
    hold = house.store.hold("commit")
    desk.submit("ann", send(room, "one"))
    await hold.reached.wait()
    desk.submit("ann", send(room, "two"))
    hold.release()
    async with asyncio.timeout(10):
        while len(desk.asker.answers) < 4:  # waiting for quiet would submit something, too
            await asyncio.sleep(0)
    assert seen == order


async def test_nobody_is_told_before_the_commit(house, desk):
    room = await desk.group("ann")
    published = len(desk.published)
    hold = house.store.hold("commit")
    desk.submit("ann", send(room))
    await hold.reached.wait()
    assert (desk.asker.answers, len(desk.published)) == ([], published)
    hold.release()
    await desk.settled()
    assert (len(desk.asker.answers), len(desk.published)) == (1, published + 1)


async def test_a_batch_is_published_before_its_other_answers(house, desk):
    room = await desk.group("ann")
    order = []
    desk.writer._publish = lambda work: order.append("published")
    desk.asker.settled = lambda id, reply: order.append("answered")
    desk.submit("ann", send(room))
    await desk.settled()
    assert order == ["published", "answered"]


async def test_how_far_was_published_moves_with_publishing_and_not_before(house, desk):
    room = await desk.group("ann")
    before = desk.writer.published
    hold = house.store.hold("commit", after=True)
    desk.submit("ann", send(room))
    await hold.reached.wait()
    assert house.store.stamp == before + 1, "the commit is on disk"
    assert desk.writer.published == before
    hold.release()
    await desk.settled()
    assert desk.writer.published == before + 1


async def test_a_refusal_is_an_answer_and_stops_nobody(house, desk):
    room = await desk.group("ann", "bob")
    first, refused, last = (
        desk.submit("ann", send(room)),
        desk.submit("eve", send(room)),
        desk.submit("bob", send(room)),
    )
    await desk.settled()
    assert desk.asker.of(refused).code == "not_found"
    assert (desk.asker.of(first).seq, desk.asker.of(last).seq) == (2, 3)


async def test_a_batch_of_refusals_is_no_commit(house, desk):
    room = await desk.group("ann")
    before = house.store.calls["commit"]
    id = desk.submit("eve", send(room))
    await desk.settled()
    assert desk.asker.of(id).code == "not_found"
    assert house.store.calls["commit"] == before


# --- keys


async def test_a_stored_key_is_noticed_by_the_index_and_answered_with_the_first_reply(house, desk):
    room = await desk.group("ann", "bob")
    request = send(room)
    first = desk.submit("ann", request)
    await desk.settled()
    again, other = desk.submit("ann", request), desk.submit("bob", send(room))
    await desk.settled()
    replies = [desk.asker.of(id) for id in (first, again, other)]
    assert [(reply.seq, reply.duplicate) for reply in replies] == [(2, False), (2, True), (3, False)]
    assert len(await log_of(house, desk, room)) == 3


async def test_a_batch_with_a_stored_key_is_published_once(house, desk):
    room = await desk.group("ann", "bob")
    request = send(room)
    desk.submit("ann", request)
    await desk.settled()
    published = len(desk.published)
    desk.submit("ann", request)
    desk.submit("bob", send(room))
    await desk.settled()
    (work,) = desk.published[published:]
    assert [step.event.user for step in work.steps[desk.room(room).number]] == ["bob"]


async def test_a_lost_answer_is_given_to_who_was_removed_meanwhile(house, desk):
    room = await desk.group("ann", "bob")
    request = send(room)
    first = desk.submit("bob", request)
    await desk.settled()
    desk.submit("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
    again, fresh = desk.submit("bob", request), desk.submit("bob", send(room))
    await desk.settled()
    assert (desk.asker.of(again).seq, desk.asker.of(again).duplicate) == (desk.asker.of(first).seq, True)
    assert desk.asker.of(fresh).code == "not_member"


async def test_a_store_that_finds_keys_taken_for_ever_is_a_fault_of_ours(house, desk, caplog):
    room = await desk.group("ann")
    for _ in range(6):  # twice for the batch, and again for each that is carried out alone
        house.store.fail("commit", KeyTaken("again"))
    id = desk.submit("ann", send(room))
    await desk.settled()
    assert desk.asker.of(id).code == "internal"
    assert desk.room(room).seq == 1
    assert "could not be carried out" in caplog.text


async def test_a_member_who_is_stored_counts_his_own_messages_once(house, desk):
    room = await desk.group("ann", "bob")
    for user in ("bob", "bob", "ann", "ann", "ann", "ann"):
        desk.submit(user, send(room))
    await desk.settled()
    desk.submit("bob", Read(room=room, seq=2))
    await desk.settled()
    (summary,) = (await house.store.sync(SyncQuery("bob", None, 1))).rooms
    assert summary.unread == 4


# --- failures


@pytest.mark.parametrize("code", ["overloaded", "internal"])
async def test_a_failed_commit_leaves_memory_as_it_was_and_answers_everybody(house, desk, code):
    room = await desk.group("ann", "bob")
    desk.submit("bob", send(room))
    await desk.settled()
    before = (desk.room(room).seq, desk.room(room).ordinal, desk.room(room).members["bob"].own_unread)
    house.store.fail("commit", Unavailable(code))
    ids = [desk.submit(user, send(room)) for user in ("ann", "bob", "eve")]
    published = len(desk.published)
    await desk.settled()
    assert [desk.asker.of(id).code for id in ids] == [code, code, "not_found"]
    assert len(desk.published) == published
    after = (desk.room(room).seq, desk.room(room).ordinal, desk.room(room).members["bob"].own_unread)
    assert after == before


async def test_who_was_refused_for_what_then_came_to_nothing_is_decided_again(house, desk):
    room = await desk.group("ann", "bob")
    house.store.fail("commit", Unavailable("overloaded"))
    ids = [desk.submit("bob", request) for request in (RoomLeave(room=room, key=new_key()), send(room))]
    await desk.settled()
    assert desk.asker.of(ids[0]).code == "overloaded"
    assert desk.asker.of(ids[1]).seq == 2


async def test_after_a_failed_commit_the_next_one_takes_the_same_numbers(house, desk):
    room = await desk.group("ann")
    house.store.fail("commit", Unavailable("overloaded"))
    request = send(room)
    desk.submit("ann", request)
    await desk.settled()
    id = desk.submit("ann", request)
    await desk.settled()
    assert (desk.asker.of(id).seq, desk.asker.of(id).duplicate) == (2, False)
    assert len(await log_of(house, desk, room)) == 2


async def test_a_decision_with_a_bug_hurts_nobody_else(house, desk, monkeypatch, caplog):
    room = await desk.group("ann")

    def broken(user, request, work, facts):
        work.touch(facts.rooms[room]).seq = 77
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setitem(decisions.DECISIONS, Read, broken)
        ids = [desk.submit("ann", send(room)), desk.submit("ann", Read(room=room, seq=1))]
        await desk.settled()
    assert desk.asker.of(ids[0]).seq == 2
    assert desk.asker.of(ids[1]).code == "internal"
    assert "ZeroDivisionError" in caplog.text
    id = desk.submit("ann", send(room))
    await desk.settled()
    assert (desk.asker.of(id).seq, desk.room(room).seq) == (3, 3)


async def test_facts_that_cannot_be_read_fail_the_batch_as_they_failed(house, desk):
    room = await desk.group("ann")
    desk.submit("ann", send(room))
    await desk.settled()
    house.store.fail("messages_at", Unavailable("overloaded", "readers are busy"))
    id = desk.submit("ann", Edit(room=room, key=new_key(), target=2, body=Body(text="x")))
    await desk.settled()
    assert desk.asker.of(id).code == "overloaded"
    assert desk.room(room).seq == 2


async def test_a_read_behind_the_end_that_moves_meanwhile_in_the_same_batch(house, desk):
    room = await desk.group("ann", "bob")
    desk.submit("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
    await desk.settled()
    reply = await desk.writer.carry("ann", Read(room=room, seq=1))
    assert reply.read == 1
    ids = [
        desk.submit("ann", send(room)),
        desk.submit("ann", send(room)),
        desk.submit("ann", Read(room=room, seq=3)),
        desk.submit("ann", send(room)),
    ]
    await desk.settled()
    assert (desk.asker.of(ids[2]).read, desk.asker.of(ids[2]).unread) == (3, 0)


async def test_who_joins_and_reads_in_one_batch_is_answered(house, desk):
    reply = await desk.writer.carry(
        "ann", RoomCreate(key=new_key(), kind="group", title="t", users=[], public=True)
    )
    room = reply.summary.room
    ids = [
        desk.submit("bob", RoomJoin(room=room, key=new_key())),
        desk.submit("ann", send(room)),
        desk.submit("ann", send(room)),
        desk.submit("bob", Read(room=room, seq=3)),
    ]
    await desk.settled()
    assert (desk.asker.of(ids[3]).read, desk.asker.of(ids[3]).unread) == (3, 1)


# --- the abort rule


async def test_sends_behind_a_failed_one_of_their_frame_are_aborted(house, desk):
    room, other = await desk.group("ann"), await desk.group("ann")
    guard = Guard()
    house.store.fail("commit", Unavailable("overloaded"))
    first = desk.submit("ann", send(room), guard=guard, place=guard.next())
    await desk.settled()
    second = desk.submit("ann", send(room), guard=guard, place=guard.next())
    elsewhere = desk.submit("ann", send(other), guard=guard, place=guard.next())
    outside = desk.submit("ann", send(room))
    await desk.settled()
    assert desk.asker.of(first).code == "overloaded"
    assert (desk.asker.of(second).code, desk.asker.of(second).retry_after) == ("aborted", 0)
    assert (desk.asker.of(elsewhere).seq, desk.asker.of(outside).seq) == (2, 2)


async def test_sends_of_a_frame_that_fail_in_one_commit_are_aborted_behind_the_first(house, desk):
    room = await desk.group("ann")
    guard = Guard()
    house.store.fail("commit", Unavailable("overloaded"))
    ids = [desk.submit("ann", send(room), guard=guard, place=guard.next()) for _ in range(3)]
    await desk.settled()
    assert [desk.asker.of(id).code for id in ids] == ["overloaded", "aborted", "aborted"]


async def test_a_refusal_for_good_aborts_nothing(house, desk):
    room = await desk.group("ann")
    guard = Guard()
    empty = Send(room=room, key=new_key(), body=Body())
    refused = desk.submit("ann", empty, guard=guard, place=guard.next())
    following = desk.submit("ann", send(room), guard=guard, place=guard.next())
    await desk.settled()
    assert desk.asker.of(refused).code == "bad_request"
    assert desk.asker.of(following).seq == 2


async def test_a_send_that_fails_takes_no_earlier_one_along(house, desk):
    room = await desk.group("ann")
    guard = Guard()
    first = desk.submit("ann", send(room), guard=guard, place=guard.next())
    guard.fail(room, guard.next())  # refused at the door while the first one waits
    third = desk.submit("ann", send(room), guard=guard, place=guard.next())
    await desk.settled()
    assert desk.asker.of(first).seq == 2
    assert desk.asker.of(third).code == "aborted"


# --- the queue and the end


async def test_a_full_queue_refuses_with_a_time_to_come_back(house, desk, monkeypatch):
    monkeypatch.setattr(writer_module, "QUEUE_MAX", 3)
    room = await desk.group("ann")
    ids = [desk.submit("ann", send(room)) for _ in range(4)]
    refused = desk.asker.of(ids[3])
    assert (refused.code, refused.retry, refused.retry_after) == ("overloaded", "later", 1000)
    await desk.settled()
    assert [desk.asker.of(id).seq for id in ids[:3]] == [2, 3, 4]


async def test_a_stop_carries_out_what_waits_and_takes_nothing_more(house):
    desk = Desk(house)
    room = await desk.group("ann")
    hold = house.store.hold("commit")
    ids = [desk.submit("ann", send(room))]
    await hold.reached.wait()
    ids.append(desk.submit("ann", send(room)))
    stopping = asyncio.ensure_future(desk.writer.stop())
    await asyncio.sleep(0)
    late = desk.submit("ann", send(room))
    assert desk.asker.of(late).code == "overloaded"
    hold.release()
    await stopping
    assert [desk.asker.of(id).seq for id in ids] == [2, 3]


async def test_who_waits_for_an_outcome_gets_the_refusal_raised(house, desk):
    with pytest.raises(Refused) as refused:
        await desk.writer.carry("ann", send("g00000000000"))
    assert refused.value.code == "not_found"


async def test_who_no_longer_waits_disturbs_nobody(house, desk):
    room = await desk.group("ann")
    hold = house.store.hold("commit")
    waiting = asyncio.ensure_future(desk.writer.carry("ann", send(room)))
    await hold.reached.wait()
    waiting.cancel()
    hold.release()
    id = desk.submit("ann", send(room))
    await desk.settled()
    assert desk.asker.of(id).seq == 3


async def test_every_submission_is_answered_once(house, desk):
    room = await desk.group("ann")
    request = send(room)
    desk.submit("ann", request)
    await desk.settled()
    ids = [desk.submit("ann", request), desk.submit("eve", send(room)), desk.submit("ann", send(room))]
    await desk.settled()
    for id in ids:
        desk.asker.of(id)


async def test_what_is_counted_is_what_was_committed(house, desk):
    await desk.writer.carry("ann", Amend())
    counters = house.inside.counters
    before = counters.batch_size.count
    house.store.fail("commit", Unavailable("overloaded"))
    with pytest.raises(Unavailable):
        await desk.writer.carry("ann", Amend(name="Ann"))
    assert (counters.batch_size.count, counters.commit_failures) == (before, 1)


async def test_a_fault_of_the_fan_out_hides_nothing_that_was_stored(house, monkeypatch, caplog):
    """Whoever may have missed a push is closed, so that he comes back and reads it from the log."""
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    monkeypatch.setattr(house.inside.fanout, "_tell_room", lambda steps: 1 / 0)
    ann.says({"type": "send", "id": 900, "room": room, "key": new_key(), "body": {"text": "x"}})
    await house.quiet()
    assert {ann.wire.packets[-1].get("close"), bob.wire.packets[-1]["close"]} == {1011}
    assert "was not told to everybody" in caplog.text
    page = await house.store.log(1, 1, 2, 10, 10_000)
    assert len(page.events) == 2
