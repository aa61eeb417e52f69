import asyncio

import pytest

from chatd.core.accounts import Amend
from chatd.core.sync_query import SyncQuery
from chatd.protocol.errors import Refused, Unavailable
from chatd.protocol.members import MembersRemove, RoomJoin, RoomLeave
from chatd.protocol.messages import Body, Edit, Send
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import RoomCreate
from chatd.storage.interface import KeyTaken
from chatd.writer import writer as writer_module
from chatd.writer.batch_abort import BatchAbort
from chatd.writer.submission import Submission
from tests.kit.inprocess import new_key
from tests.kit.waiting import until


class Requester:
    """Writes down the answers it gets, in order."""

    def __init__(self):
        self.answers = []

    def on_reply(self, id, reply):
        self.answers.append((id, reply))

    def of(self, id):
        (reply,) = [reply for number, reply in self.answers if number == id]
        return reply


class Submitter:
    """Submit to the writer of a server, and keep what it published."""

    def __init__(self, server):
        self.server = server
        self.writer = server.app.writer
        self.requester = Requester()
        self.published = []
        publish = self.writer._publish
        self.writer._publish = lambda writes: (self.published.append(writes), publish(writes))
        self.ids = iter(range(1, 10_000))

    def submit(self, user, request, **keys):
        id = next(self.ids)
        self.writer.submit(Submission(user, request, requester=self.requester, id=id, **keys))
        return id

    async def wait_decided(self):
        await self.server.wait_idle()

    async def group(self, owner, *users):
        reply = await self.writer.submit_and_wait(
            owner, RoomCreate(key=new_key(), kind="group", title="t", users=list(users))
        )
        return reply.summary.room

    def room(self, name):
        return self.server.app.context.rooms.cache.rooms[name]


class Watch:
    """A clock that measures durations, and lets no timer fire."""

    def __init__(self, env):
        self.now_ms, self.late_s = env.now_ms, 0.0

    def monotonic(self):
        return self.late_s


@pytest.fixture
def submitter(server):
    return Submitter(server)


def send(room, text="hello", key=None):
    return Send(room=room, key=key or new_key(), body=Body(text=text))


async def log_of(server, submitter, name):
    page = await server.store.log(submitter.room(name).number, 1, 10_000, 10_000, 1 << 20)
    return page.events


async def test_what_waits_together_is_one_commit(server, submitter):
    room = await submitter.group("ann")
    before = server.store.calls["commit"]
    ids = [submitter.submit("ann", send(room)) for _ in range(100)]
    await submitter.wait_decided()
    assert server.store.calls["commit"] == before + 1
    assert [id for id, _ in submitter.requester.answers] == ids
    assert [reply.seq for _, reply in submitter.requester.answers] == list(range(2, 102))


async def test_a_batch_is_bounded(server, submitter, monkeypatch):
    monkeypatch.setattr(writer_module, "BATCH_MAX", 10)
    room = await submitter.group("ann")
    before = server.store.calls["commit"]
    for _ in range(35):
        submitter.submit("ann", send(room))
    await submitter.wait_decided()
    assert server.store.calls["commit"] == before + 4


async def test_what_comes_during_a_commit_makes_the_next_batch(server, submitter):
    room = await submitter.group("ann")
    hold = server.store.hold("commit")
    submitter.submit("ann", send(room, "one"))
    await hold.reached.wait()
    submitter.submit("ann", send(room, "two"))
    submitter.submit("ann", send(room, "three"))
    hold.release()
    await submitter.wait_decided()
    assert [len(writes.steps[submitter.room(room).number]) for writes in submitter.published[-2:]] == [1, 2]


@pytest.mark.parametrize(
    ("commit_s", "publish_s", "order"),
    [
        (0.004, 0.001, ["commit one", "commit two", "told one", "commit meanwhile", "told two", "told meanwhile"]),
        (0.001, 0.004, ["commit one", "told one", "commit two, meanwhile", "told two, meanwhile"]),
    ],
)  # fmt: skip
async def test_a_batch_is_published_while_the_next_is_committed_where_the_disk_is_slower(
    server, submitter, commit_s, publish_s, order
):
    """Otherwise the next batch waits, and takes along what comes while this one is published."""
    room, seen, loop = await submitter.group("ann"), [], asyncio.get_running_loop()
    commit, publish = server.store.commit, submitter.writer._publish

    def texts(writes):
        return ", ".join(step.event.body.text for step in writes.steps[submitter.room(room).number])

    async def committing(writes):
        seen.append(f"commit {texts(writes)}")
        submitter.writer._env.late_s += commit_s
        await commit(writes)

    def telling(writes):
        seen.append(f"told {texts(writes)}")
        submitter.writer._env.late_s += publish_s
        if seen[-1] == "told one":
            loop.call_soon(submitter.submit, "ann", send(room, "meanwhile"))
        publish(writes)

    submitter.writer._store.commit, submitter.writer._publish, submitter.writer._env = (
        committing,
        telling,
        Watch(server.env),
    )
    submitter.submit("ann", send(room, "before"))  # from this one the writer knows what takes how long
    await submitter.wait_decided()
    seen.clear()
    hold = server.store.hold("commit")
    submitter.submit("ann", send(room, "one"))
    await hold.reached.wait()
    submitter.submit("ann", send(room, "two"))
    hold.release()
    await until(
        lambda: len(submitter.requester.answers) == 4
    )  # waiting for quiet would submit something, too
    assert seen == order


async def test_nothing_is_published_before_the_commit(server, submitter):
    room = await submitter.group("ann")
    published = len(submitter.published)
    hold = server.store.hold("commit")
    submitter.submit("ann", send(room))
    await hold.reached.wait()
    assert (submitter.requester.answers, len(submitter.published)) == ([], published)
    hold.release()
    await submitter.wait_decided()
    assert (len(submitter.requester.answers), len(submitter.published)) == (1, published + 1)


async def test_a_batch_is_published_before_its_other_answers(server, submitter):
    room = await submitter.group("ann")
    order = []
    submitter.writer._publish = lambda writes: order.append("published")
    submitter.requester.on_reply = lambda id, reply: order.append("answered")
    submitter.submit("ann", send(room))
    await submitter.wait_decided()
    assert order == ["published", "answered"]


async def test_how_far_was_published_moves_with_publishing_and_not_before(server, submitter):
    room = await submitter.group("ann")
    before = submitter.writer.published
    hold = server.store.hold("commit", after=True)
    submitter.submit("ann", send(room))
    await hold.reached.wait()
    assert server.store.stamp == before + 1, "the commit is on disk"
    assert submitter.writer.published == before
    hold.release()
    await submitter.wait_decided()
    assert submitter.writer.published == before + 1


async def test_a_refusal_is_an_answer_and_stops_nobody(server, submitter):
    room = await submitter.group("ann", "bob")
    first, refused, last = (
        submitter.submit("ann", send(room)),
        submitter.submit("eve", send(room)),
        submitter.submit("bob", send(room)),
    )
    await submitter.wait_decided()
    assert submitter.requester.of(refused).code == "not_found"
    assert (submitter.requester.of(first).seq, submitter.requester.of(last).seq) == (2, 3)


async def test_a_batch_of_refusals_is_no_commit(server, submitter):
    room = await submitter.group("ann")
    before = server.store.calls["commit"]
    id = submitter.submit("eve", send(room))
    await submitter.wait_decided()
    assert submitter.requester.of(id).code == "not_found"
    assert server.store.calls["commit"] == before


# --- keys


async def test_a_stored_key_is_noticed_by_the_index_and_answered_with_the_first_reply(server, submitter):
    room = await submitter.group("ann", "bob")
    request = send(room)
    first = submitter.submit("ann", request)
    await submitter.wait_decided()
    again, other = submitter.submit("ann", request), submitter.submit("bob", send(room))
    await submitter.wait_decided()
    replies = [submitter.requester.of(id) for id in (first, again, other)]
    assert [(reply.seq, reply.duplicate) for reply in replies] == [(2, False), (2, True), (3, False)]
    assert len(await log_of(server, submitter, room)) == 3


async def test_a_batch_with_a_stored_key_is_published_once(server, submitter):
    room = await submitter.group("ann", "bob")
    request = send(room)
    submitter.submit("ann", request)
    await submitter.wait_decided()
    published = len(submitter.published)
    submitter.submit("ann", request)
    submitter.submit("bob", send(room))
    await submitter.wait_decided()
    (writes,) = submitter.published[published:]
    assert [step.event.user for step in writes.steps[submitter.room(room).number]] == ["bob"]


async def test_a_lost_answer_is_given_to_who_was_removed_meanwhile(server, submitter):
    room = await submitter.group("ann", "bob")
    request = send(room)
    first = submitter.submit("bob", request)
    await submitter.wait_decided()
    submitter.submit("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
    again, fresh = submitter.submit("bob", request), submitter.submit("bob", send(room))
    await submitter.wait_decided()
    assert (submitter.requester.of(again).seq, submitter.requester.of(again).duplicate) == (
        submitter.requester.of(first).seq,
        True,
    )
    assert submitter.requester.of(fresh).code == "not_member"


async def test_a_store_that_finds_keys_taken_for_ever_is_a_fault_of_ours(server, submitter, caplog):
    room = await submitter.group("ann")
    for _ in range(6):  # twice for the batch, and again for each that is carried out alone
        server.store.fail("commit", KeyTaken("again"))
    id = submitter.submit("ann", send(room))
    await submitter.wait_decided()
    assert submitter.requester.of(id).code == "internal"
    assert submitter.room(room).seq == 1
    assert "could not be carried out" in caplog.text


async def test_a_member_who_is_stored_counts_their_own_messages_once(server, submitter):
    room = await submitter.group("ann", "bob")
    for user in ("bob", "bob", "ann", "ann", "ann", "ann"):
        submitter.submit(user, send(room))
    await submitter.wait_decided()
    submitter.submit("bob", Read(room=room, seq=2))
    await submitter.wait_decided()
    (summary,) = (await server.store.sync(SyncQuery("bob", None, 1))).rooms
    assert summary.unread == 4


# --- failures


@pytest.mark.parametrize("code", ["overloaded", "internal"])
async def test_a_failed_commit_leaves_memory_as_it_was_and_answers_everybody(server, submitter, code):
    room = await submitter.group("ann", "bob")
    submitter.submit("bob", send(room))
    await submitter.wait_decided()
    before = (
        submitter.room(room).seq,
        submitter.room(room).ordinal,
        submitter.room(room).members["bob"].own_unread,
    )
    server.store.fail("commit", Unavailable(code))
    ids = [submitter.submit(user, send(room)) for user in ("ann", "bob", "eve")]
    published = len(submitter.published)
    await submitter.wait_decided()
    assert [submitter.requester.of(id).code for id in ids] == [code, code, "not_found"]
    assert len(submitter.published) == published
    after = (
        submitter.room(room).seq,
        submitter.room(room).ordinal,
        submitter.room(room).members["bob"].own_unread,
    )
    assert after == before


async def test_who_was_refused_for_what_then_came_to_nothing_is_decided_again(server, submitter):
    room = await submitter.group("ann", "bob")
    server.store.fail("commit", Unavailable("overloaded"))
    ids = [submitter.submit("bob", request) for request in (RoomLeave(room=room, key=new_key()), send(room))]
    await submitter.wait_decided()
    assert submitter.requester.of(ids[0]).code == "overloaded"
    assert submitter.requester.of(ids[1]).seq == 2


async def test_after_a_failed_commit_the_next_one_takes_the_same_numbers(server, submitter):
    room = await submitter.group("ann")
    server.store.fail("commit", Unavailable("overloaded"))
    request = send(room)
    submitter.submit("ann", request)
    await submitter.wait_decided()
    id = submitter.submit("ann", request)
    await submitter.wait_decided()
    assert (submitter.requester.of(id).seq, submitter.requester.of(id).duplicate) == (2, False)
    assert len(await log_of(server, submitter, room)) == 2


async def test_a_decision_with_a_bug_hurts_nobody_else(server, submitter, monkeypatch, caplog):
    room = await submitter.group("ann")

    def broken(user, request, writes, reads):
        writes.touch(reads.rooms[room]).seq = 77
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setitem(server.app.writer._decisions, Read, broken)
        ids = [submitter.submit("ann", send(room)), submitter.submit("ann", Read(room=room, seq=1))]
        await submitter.wait_decided()
    assert submitter.requester.of(ids[0]).seq == 2
    assert submitter.requester.of(ids[1]).code == "internal"
    assert "ZeroDivisionError" in caplog.text
    id = submitter.submit("ann", send(room))
    await submitter.wait_decided()
    assert (submitter.requester.of(id).seq, submitter.room(room).seq) == (3, 3)


async def test_facts_that_cannot_be_read_fail_the_batch_as_they_failed(server, submitter):
    room = await submitter.group("ann")
    submitter.submit("ann", send(room))
    await submitter.wait_decided()
    server.store.fail("messages_at", Unavailable("overloaded", "readers are busy"))
    id = submitter.submit("ann", Edit(room=room, key=new_key(), target=2, body=Body(text="x")))
    await submitter.wait_decided()
    assert submitter.requester.of(id).code == "overloaded"
    assert submitter.room(room).seq == 2


async def test_a_read_behind_the_end_that_moves_meanwhile_in_the_same_batch(server, submitter):
    room = await submitter.group("ann", "bob")
    submitter.submit("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
    await submitter.wait_decided()
    reply = await submitter.writer.submit_and_wait("ann", Read(room=room, seq=1))
    assert reply.read == 1
    ids = [
        submitter.submit("ann", send(room)),
        submitter.submit("ann", send(room)),
        submitter.submit("ann", Read(room=room, seq=3)),
        submitter.submit("ann", send(room)),
    ]
    await submitter.wait_decided()
    assert (submitter.requester.of(ids[2]).read, submitter.requester.of(ids[2]).unread) == (3, 0)


async def test_who_joins_and_reads_in_one_batch_is_answered(server, submitter):
    reply = await submitter.writer.submit_and_wait(
        "ann", RoomCreate(key=new_key(), kind="group", title="t", users=[], public=True)
    )
    room = reply.summary.room
    ids = [
        submitter.submit("bob", RoomJoin(room=room, key=new_key())),
        submitter.submit("ann", send(room)),
        submitter.submit("ann", send(room)),
        submitter.submit("bob", Read(room=room, seq=3)),
    ]
    await submitter.wait_decided()
    assert (submitter.requester.of(ids[3]).read, submitter.requester.of(ids[3]).unread) == (3, 1)


# --- the abort rule


async def test_sends_behind_a_failed_one_of_their_frame_are_aborted(server, submitter):
    room, other = await submitter.group("ann"), await submitter.group("ann")
    batch_abort = BatchAbort()
    server.store.fail("commit", Unavailable("overloaded"))
    first = submitter.submit("ann", send(room), batch_abort=batch_abort, place=batch_abort.next())
    await submitter.wait_decided()
    second = submitter.submit("ann", send(room), batch_abort=batch_abort, place=batch_abort.next())
    elsewhere = submitter.submit("ann", send(other), batch_abort=batch_abort, place=batch_abort.next())
    outside = submitter.submit("ann", send(room))
    await submitter.wait_decided()
    assert submitter.requester.of(first).code == "overloaded"
    assert (submitter.requester.of(second).code, submitter.requester.of(second).retry_after) == ("aborted", 0)
    assert (submitter.requester.of(elsewhere).seq, submitter.requester.of(outside).seq) == (2, 2)


async def test_sends_of_a_frame_that_fail_in_one_commit_are_aborted_behind_the_first(server, submitter):
    room = await submitter.group("ann")
    batch_abort = BatchAbort()
    server.store.fail("commit", Unavailable("overloaded"))
    ids = [
        submitter.submit("ann", send(room), batch_abort=batch_abort, place=batch_abort.next())
        for _ in range(3)
    ]
    await submitter.wait_decided()
    assert [submitter.requester.of(id).code for id in ids] == ["overloaded", "aborted", "aborted"]


async def test_a_refusal_for_good_aborts_nothing(server, submitter):
    room = await submitter.group("ann")
    batch_abort = BatchAbort()
    empty = Send(room=room, key=new_key(), body=Body())
    refused = submitter.submit("ann", empty, batch_abort=batch_abort, place=batch_abort.next())
    following = submitter.submit("ann", send(room), batch_abort=batch_abort, place=batch_abort.next())
    await submitter.wait_decided()
    assert submitter.requester.of(refused).code == "bad_request"
    assert submitter.requester.of(following).seq == 2


async def test_a_send_that_fails_takes_no_earlier_one_along(server, submitter):
    room = await submitter.group("ann")
    batch_abort = BatchAbort()
    first = submitter.submit("ann", send(room), batch_abort=batch_abort, place=batch_abort.next())
    batch_abort.fail(room, batch_abort.next())  # refused before the queue while the first one waits
    third = submitter.submit("ann", send(room), batch_abort=batch_abort, place=batch_abort.next())
    await submitter.wait_decided()
    assert submitter.requester.of(first).seq == 2
    assert submitter.requester.of(third).code == "aborted"


# --- the queue and the end


async def test_a_full_queue_refuses_with_a_time_to_come_back(server, submitter, monkeypatch):
    monkeypatch.setattr(writer_module, "QUEUE_MAX", 3)
    room = await submitter.group("ann")
    ids = [submitter.submit("ann", send(room)) for _ in range(4)]
    refused = submitter.requester.of(ids[3])
    assert (refused.code, refused.retry, refused.retry_after) == ("overloaded", "later", 1000)
    await submitter.wait_decided()
    assert [submitter.requester.of(id).seq for id in ids[:3]] == [2, 3, 4]


async def test_a_stop_carries_out_what_waits_and_takes_nothing_more(server):
    submitter = Submitter(server)
    room = await submitter.group("ann")
    hold = server.store.hold("commit")
    ids = [submitter.submit("ann", send(room))]
    await hold.reached.wait()
    ids.append(submitter.submit("ann", send(room)))
    stopping = asyncio.ensure_future(submitter.writer.stop())
    await asyncio.sleep(0)
    late = submitter.submit("ann", send(room))
    assert submitter.requester.of(late).code == "overloaded"
    hold.release()
    await stopping
    assert [submitter.requester.of(id).seq for id in ids] == [2, 3]


async def test_who_waits_for_an_outcome_gets_the_refusal_raised(server, submitter):
    with pytest.raises(Refused) as refused:
        await submitter.writer.submit_and_wait("ann", send("g00000000000"))
    assert refused.value.code == "not_found"


async def test_who_no_longer_waits_disturbs_nobody(server, submitter):
    room = await submitter.group("ann")
    hold = server.store.hold("commit")
    waiting = asyncio.ensure_future(submitter.writer.submit_and_wait("ann", send(room)))
    await hold.reached.wait()
    waiting.cancel()
    hold.release()
    id = submitter.submit("ann", send(room))
    await submitter.wait_decided()
    assert submitter.requester.of(id).seq == 3


async def test_every_submission_is_answered_once(server, submitter):
    room = await submitter.group("ann")
    request = send(room)
    submitter.submit("ann", request)
    await submitter.wait_decided()
    ids = [
        submitter.submit("ann", request),
        submitter.submit("eve", send(room)),
        submitter.submit("ann", send(room)),
    ]
    await submitter.wait_decided()
    for id in ids:
        submitter.requester.of(id)


async def test_what_is_counted_is_what_was_committed(server, submitter):
    await submitter.writer.submit_and_wait("ann", Amend())
    counters = server.app.counters
    before = counters.batch_size.count
    server.store.fail("commit", Unavailable("overloaded"))
    with pytest.raises(Unavailable):
        await submitter.writer.submit_and_wait("ann", Amend(name="Ann"))
    assert (counters.batch_size.count, counters.commit_failures) == (before, 1)


async def test_a_fault_of_the_fan_out_hides_nothing_that_was_stored(server, monkeypatch, caplog):
    """A connection that may have missed a push is closed, so that its client comes back and reads it from the log."""
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = await ann.create_group("bob")
    monkeypatch.setattr(server.app.fanout, "_push_room", lambda steps: 1 / 0)
    ann.send_packets({"type": "send", "id": 900, "room": room, "key": new_key(), "body": {"text": "x"}})
    await server.wait_idle()
    assert {ann.wire.packets[-1].get("close"), bob.wire.packets[-1]["close"]} == {1011}
    assert "was not pushed to everybody" in caplog.text
    page = await server.store.log(1, 1, 2, 10, 10_000)
    assert len(page.events) == 2
