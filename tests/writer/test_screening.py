import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.accounts import Amend
from chatd.core.audit import Audit
from chatd.core.entering import SetMembers
from chatd.core.filters import Filter
from chatd.core.moderation import evidence_of
from chatd.core.restrictions import Restrict
from chatd.core.users import Restriction
from chatd.moderation.compiling import compiled
from chatd.protocol.codec import decode_event
from chatd.protocol.errors import ChatError
from chatd.protocol.friends import FriendRequest
from chatd.protocol.members import MembersAdd, MembersRemove, RoomJoin, RoomLeave
from chatd.protocol.messages import Body, Edit, Recall, Send
from chatd.protocol.rooms import RoomCreate, RoomUpdate
from chatd.protocol.users import ProfileSet
from chatd.webhooks.interface import Verdict
from chatd.writer import screening
from chatd.writer.batch_abort import BatchAbort
from chatd.writer.judging import GATHER_S
from chatd.writer.screening import ScreeningRules
from chatd.writer.submission import Submission, submit_and_wait
from tests.kit.inprocess import in_process, new_key
from tests.kit.judge import PASS, ManualJudge
from tests.kit.soak import scaled
from tests.kit.waiting import nothing_is_ready, until

REJECT = Verdict("reject", "spam")
HOUR_S = 3600


class Requester:
    """A connection that writes down its answers, in order."""

    device, address = "device0000000000000001", "192.0.2.1"

    def __init__(self):
        self.answers = {}

    def on_reply(self, id, reply):
        assert id not in self.answers
        self.answers[id] = reply


class Screener:
    """A server that screens, and the requests that are submitted to it."""

    def __init__(self, server):
        self.server = server
        self.screening = server.app.screening
        self.requester = Requester()
        self.stored = []
        self.ids = iter(range(1, 100_000))
        publish = server.app.writer._publish
        server.app.writer._publish = lambda writes: (self.note(writes), publish(writes))

    def note(self, writes):
        for steps in writes.steps.values():
            self.stored += [step.event for step in steps if hasattr(step, "event")]

    def judge_by(self, *judges, **rules):
        self.screening.reconfigure(ScreeningRules(judges, **rules))

    def filter_by(self, *lists):
        self.screening.adopt(compiled(lists))

    def submit(self, user, request, **keys):
        id = next(self.ids)
        submission = Submission(user, request, requester=self.requester, id=id, **keys)
        self.server.app.context.submit(submission)
        return id

    async def ask(self, user, request, **keys):
        return await self.reply(self.submit(user, request, **keys))

    async def reply(self, id):
        await until(lambda: id in self.requester.answers)
        return self.requester.answers[id]

    async def group(self, owner, *users, **keys):
        asked = RoomCreate(key=new_key(), kind="group", title="t", users=list(users), **keys)
        return (await self.server.app.writer.submit_and_wait(owner, asked)).summary.room

    async def calls(self, judge, count):
        """Wait until so many calls are under way; each of them may have waited for more to ask."""
        while judge.under_way < count:
            self.server.app.context.env.advance(GATHER_S)
            await asyncio.sleep(0)

    def texts(self):
        """The texts of all stored messages, in the order of storing."""
        return [event.body.text for event in self.stored if event.kind == "message"]


@pytest.fixture
async def screener(tmp_path):
    async with in_process(tmp_path, moderation={"enabled": True}) as server:
        yield Screener(server)


@pytest.fixture
async def social(tmp_path):
    """The same where people are switched on: groups have only those who let others add them."""
    async with in_process(tmp_path, moderation={"enabled": True}, people={"enabled": True}) as server:
        yield Screener(server)


def send(room, text="hello", key=None, **body):
    return Send(room=room, key=key or new_key(), body=Body(text=text, **body))


def code(reply):
    return reply.code if isinstance(reply, ChatError) else "ok"


# --- lanes


async def test_what_an_author_asks_of_a_room_stays_in_order_and_others_pass(screener):
    room = await screener.group("ann", "bob")
    judge = ManualJudge(waits=True, on=["message"])
    screener.judge_by(judge)
    first = screener.submit("ann", send(room, "1"))
    leaving = screener.submit("ann", RoomLeave(room=room, key=new_key()))
    await until(lambda: judge.under_way == 1)
    second = screener.submit("ann", send(room, "2"))
    await screener.calls(judge, 2)
    assert code(await screener.ask("ann", ProfileSet(name="Ann"))) == "ok"
    other = screener.submit("bob", send(room, "bob"))
    await screener.calls(judge, 3)
    judge.answer(2)
    assert (await screener.reply(other)).seq == 2
    judge.answer(1)
    await asyncio.sleep(0)
    assert not {first, leaving, second} & screener.requester.answers.keys()
    judge.answer()
    assert (await screener.reply(first)).seq == 3
    assert code(await screener.reply(leaving)) == "ok"
    assert code(await screener.reply(second)) == "not_member"
    assert screener.texts() == ["bob", "1"]
    assert screener.screening.waiting == 0


async def test_lanes_of_rooms_alone_are_found_out(screener, monkeypatch):
    """An author whose message waits for its judge holds up nobody else."""
    monkeypatch.setattr(screening, "lane_of", lambda user, request: ("", getattr(request, "room", "")))
    room = await screener.group("ann", "bob")
    judge = ManualJudge(waits=True, on=["message"])
    screener.judge_by(judge)
    screener.submit("ann", send(room, "1"))
    await until(lambda: judge.under_way == 1)
    other = screener.submit("bob", send(room, "bob"))
    await screener.calls(judge, 2)
    judge.answer(1)
    await nothing_is_ready()
    # Else it was on its way to the writer.
    assert screener.screening.waiting == 2
    judge.answer()
    assert code(await screener.reply(other)) == "ok"


SHUT_OUT = [
    (Restrict(Restriction("ban", 1)), "forbidden"),
    (Restrict(Restriction("mute", 1)), "muted"),
    (Amend(disabled=True), "forbidden"),
]


@pytest.mark.parametrize(("change", "refusal"), SHUT_OUT)
async def test_who_is_shut_out_says_nothing_more_although_it_waited_to_be_judged(screener, change, refusal):
    room = await screener.group("ann", "bob")
    judge = ManualJudge(waits=True, on=["message", "profile"])
    screener.judge_by(judge)
    waiting = [screener.submit("ann", send(room, "1")), screener.submit("ann", ProfileSet(name="Loud"))]
    other = screener.submit("bob", send(room, "bob"))
    recall = screener.submit("ann", Recall(room=room, key=new_key(), target=1))
    await until(lambda: judge.under_way == 1)
    # It does not wait for what it is to stop.
    await screener.server.app.host.writes("ann", change, Audit("socket", "PUT", "ann", "r1"))
    judge.answer()
    assert [code(await screener.reply(id)) for id in waiting] == [refusal, refusal]
    assert (await screener.reply(other)).seq == 2
    # Who is muted takes back what they said; there was nothing at that place.
    assert code(await screener.reply(recall)) == ("not_found" if refusal == "muted" else "forbidden")
    assert screener.texts() == ["bob"]
    assert screener.screening.waiting == 0


async def test_the_sends_of_one_frame_go_to_the_judge_together_and_keep_the_abort_rule(screener):
    room = await screener.group("ann")
    verdicts = {"1": PASS, "2": None, "3": PASS}
    judge = ManualJudge(lambda item: verdicts[item.body.text], on=["message"])
    screener.judge_by(judge)
    batch_abort = BatchAbort()
    ids = [
        screener.submit("ann", send(room, text), batch_abort=batch_abort, place=batch_abort.next())
        for text in verdicts
    ]
    assert [code(await screener.reply(id)) for id in ids] == ["ok", "overloaded", "aborted"]
    assert [len(call) for call in judge.calls] == [3]


async def test_a_rejected_send_takes_no_other_of_its_frame_along(screener):
    room = await screener.group("ann")
    screener.filter_by(Filter("mild", words=("darn",)))
    batch_abort = BatchAbort()
    ids = [
        screener.submit("ann", send(room, text), batch_abort=batch_abort, place=batch_abort.next())
        for text in ("1", "darn", "3")
    ]
    assert [code(await screener.reply(id)) for id in ids] == ["ok", "rejected", "ok"]


async def test_a_request_that_needs_no_waiting_takes_no_detour(screener):
    room = await screener.group("ann")
    screener.judge_by(ManualJudge(on=["edit"]))
    screener.submit("ann", send(room))
    assert screener.server.app.writer.depth == 1
    assert screener.screening.waiting == 0


async def test_more_than_may_wait_is_overloaded(screener):
    room = await screener.group("ann", "bob")
    judge = ManualJudge(waits=True)
    screener.judge_by(judge, pending_max=1)
    first = screener.submit("ann", send(room))
    assert code(await screener.ask("bob", send(room))) == "overloaded"
    await until(lambda: judge.under_way == 1)
    judge.answer()
    assert code(await screener.reply(first)) == "ok"


async def test_what_waits_when_the_server_stops_is_overloaded_and_not_stored(screener):
    room = await screener.group("ann")
    judge = ManualJudge(waits=True, open=True)
    screener.judge_by(judge)
    ids = [screener.submit("ann", request) for request in (send(room), RoomLeave(room=room, key=new_key()))]
    await until(lambda: judge.under_way == 1)
    for task in set(screener.server.app.rate_limits.tasks):
        task.cancel()
    assert [code(await screener.reply(id)) for id in ids] == ["overloaded", "ok"]
    assert screener.texts() == []
    await screener.screening.close()
    assert judge.is_closed


# --- verdicts


async def test_a_judge_passes_rejects_rewrites_and_flags(screener):
    room = await screener.group("ann")
    verdicts = {
        "pass": PASS,
        "reject": REJECT,
        "plain": Verdict("reject"),
        "rewrite": Verdict("rewrite", body=Body(text="****")),
        "flag": Verdict("flag"),
    }
    screener.judge_by(ManualJudge(lambda item: verdicts[item.body.text]))
    assert (await screener.ask("ann", send(room, "pass"))).event is UNSET
    refused = await screener.ask("ann", send(room, "reject"))
    assert (refused.code, refused.reason, refused.retry) == ("rejected", "spam", "never")
    assert (await screener.ask("ann", send(room, "plain"))).reason == "host"
    sent = send(room, "rewrite")
    for _ in range(2):
        reply = await screener.ask("ann", sent)
        assert decode_event(reply.event).body.text == "****"
    assert reply.duplicate
    assert (await screener.ask("ann", send(room, "flag"))).seq == 4
    assert screener.texts() == ["pass", "****", "flag"]
    edit = Edit(room=room, key=new_key(), target=2, body=Body(text="rewrite"))
    assert decode_event((await screener.ask("ann", edit)).event).body.text == "****"


async def test_a_failed_item_passes_with_a_mark_or_is_overloaded(screener):
    room = await screener.group("ann")
    marks = []
    writer = screener.server.app.writer
    publish = writer._publish
    writer._publish = lambda writes: (
        marks.extend(
            step.origin.marks for steps in writes.steps.values() for step in steps if hasattr(step, "origin")
        ),
        publish(writes),
    )
    for judge in (
        ManualJudge(lambda item: None, open=True),
        ManualJudge(lambda item: 1 / 0, open=True),
        ManualJudge(lambda item: Verdict("rewrite"), open=True),
        ManualJudge(lambda item: Verdict("flag"), open=True),
    ):
        screener.judge_by(judge)
        assert code(await screener.ask("ann", send(room))) == "ok"
    assert marks == [("unscreened",)] * 3 + [("flagged",)]
    screener.judge_by(ManualJudge(lambda item: None))
    refused = await screener.ask("ann", send(room))
    assert (refused.code, refused.retry) == ("overloaded", "later")
    assert screener.server.app.counters.screened == {"unscreened": 3, "flagged": 1, "overloaded": 1}


async def test_a_key_that_was_stored_is_a_duplicate_whatever_the_judge_says_now(screener):
    room = await screener.group("ann")
    made = RoomCreate(key=new_key(), kind="group", title="t")
    asked = [send(room), Edit(room=room, key=new_key(), target=2, body=Body(text="x")), made]
    screener.judge_by(ManualJudge())
    for request in asked:
        assert not (await screener.ask("ann", request)).duplicate
    for opinion in (lambda item: REJECT, lambda item: None):
        screener.judge_by(ManualJudge(opinion))
        for request in asked:
            assert (await screener.ask("ann", request)).duplicate
    screener.filter_by(Filter("all", words=("hello", "x", "t")))
    for request in asked:
        assert (await screener.ask("ann", request)).duplicate


async def test_the_host_is_shown_who_asks_for_what_and_no_text_of_a_stranger(screener):
    room = await screener.group("ann", "bob")
    judge = ManualJudge()
    screener.judge_by(judge)
    for user, request in (
        ("zoe", send(room, "secret")),
        ("zoe", RoomJoin(room=room, key=new_key())),
        ("bob", RoomUpdate(room=room, key=new_key(), title="secret")),
        ("bob", MembersAdd(room=room, key=new_key(), users=["zoe"])),
        ("bob", SetMembers(room=room, key=new_key(), users=["zoe"])),
        ("ann", send("g00000000099", "secret")),
    ):
        assert code(await screener.ask(user, request)) in ("not_found", "forbidden")
    assert judge.items == []
    sent = send(room, "hi")
    await screener.ask("ann", sent)
    await screener.ask("ann", MembersAdd(room=room, key=new_key(), users=["cid"]))
    await screener.ask("ann", SetMembers(room=room, key=new_key(), users=["cid"]))
    await screener.ask("ann", ProfileSet(name="Ann", bio="here"))
    await screener.ask("ann", RoomCreate(key=new_key(), kind="group", title="tea", users=["bob"]))
    message, member, set_by_host, profile, created = judge.items
    assert (message.id, message.body.text, message.fields) == (f"{room}:ann:{sent.key}", "hi", {})
    assert (message.room, message.kind, message.members, message.user) == (room, "group", 2, "ann")
    assert (message.device, message.address) == (Requester.device, Requester.address)
    assert (member.on, member.fields) == ("member", {"users": ["cid"]})
    assert (set_by_host.on, set_by_host.fields) == ("member", {"users": ["cid"]})
    assert (profile.on, profile.fields) == ("profile", {"name": "Ann", "bio": "here"})
    assert (created.on, created.room, created.fields["title"]) == ("room", "", "tea")


async def test_a_friend_request_is_screened_and_has_no_room(social):
    judge = ManualJudge()
    social.judge_by(judge)
    social.filter_by(Filter("hate", words=("vile",)), Filter("mild", "mask", words=("darn",)))
    assert code(await social.ask("ann", FriendRequest(user="bob", note="vile"))) == "rejected"
    assert (await social.ask("ann", FriendRequest(user="bob", note="darn"))).contact.note == "****"
    (item,) = judge.items
    assert (item.on, item.room, item.fields) == ("friend", "", {"user": "bob", "note": "****", "via": ""})


async def test_a_room_that_is_not_in_memory_is_loaded(screener):
    room = await screener.group("ann", "bob")
    screener.server.app.rooms.cache.forget_idle(float("inf"), ())
    judge = ManualJudge()
    screener.judge_by(judge)
    assert code(await screener.ask("bob", send(room))) == "ok"
    assert [item.members for item in judge.items] == [2]


async def test_who_joins_and_writes_in_one_go_is_judged(screener):
    room = await screener.group("ann", public=True)
    judge = ManualJudge(lambda item: REJECT, on=["message"])
    screener.judge_by(judge)
    joining = screener.submit("zoe", RoomJoin(room=room, key=new_key()))
    sending = screener.submit("zoe", send(room))
    assert code(await screener.reply(joining)) == "ok"
    assert code(await screener.reply(sending)) == "rejected"
    assert len(judge.items) == 1


async def test_who_is_added_behind_the_last_look_is_not_stored_unjudged(screener):
    room = await screener.group("ann")
    judge = ManualJudge(on=["message"])
    screener.judge_by(judge)
    submit = screener.screening._submit

    def adding_first(submission):
        if submission.user == "zoe" and isinstance(submission.request, Send):
            submit(Submission("ann", MembersAdd(room=room, key=new_key(), users=["zoe"])))
        submit(submission)

    screener.screening._submit = adding_first
    refused = await screener.ask("zoe", send(room))
    assert (code(refused), refused.retry) == ("overloaded", "later")
    assert code(await screener.ask("zoe", send(room))) == "ok"
    assert (screener.texts(), len(judge.items)) == (["hello"], 1)


async def test_membership_is_decided_after_the_wait(screener):
    room = await screener.group("ann", "bob")
    judge = ManualJudge(waits=True, on=["message"])
    screener.judge_by(judge)
    sending = screener.submit("bob", send(room))
    await until(lambda: judge.under_way == 1)
    assert code(await screener.ask("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))) == "ok"
    judge.answer()
    assert code(await screener.reply(sending)) == "not_member"


async def test_the_hosts_own_is_not_screened(screener):
    judge = ManualJudge(lambda item: REJECT)
    screener.judge_by(judge)
    screener.filter_by(Filter("all", words=("Ann",)))
    submit = screener.server.app.context.submit
    await submit_and_wait(submit, "ann", Amend(name="Ann"))
    await submit_and_wait(submit, "", RoomCreate(key=new_key(), kind="group", title="Ann"))
    assert judge.items == []


# --- filters and new accounts


async def test_filters_reject_mask_and_flag_all_that_others_will_read(screener):
    room = await screener.group("ann", "bob")
    screener.filter_by(
        Filter("hate", words=("vile",), reason="hate_speech"),
        Filter("mild", "mask", words=("darn", "傻瓜")),
        Filter("odd", "flag", patterns=(r"\bodd\b",)),
    )
    screener.judge_by()
    refused = await screener.ask("ann", send(room, "so ＶＩＬＥ"))
    assert (refused.code, refused.reason) == ("rejected", "hate_speech")
    reply = await screener.ask("ann", send(room, "darn 你傻瓜"))
    assert decode_event(reply.event).body.text == "**** 你**"
    assert (await screener.ask("ann", send(room, "odd"))).seq == 3
    edit = Edit(room=room, key=new_key(), target=2, body=Body(text="vi\u200ble"))
    assert code(await screener.ask("ann", edit)) == "rejected"
    assert code(await screener.ask("ann", RoomUpdate(room=room, key=new_key(), title="Vile"))) == "rejected"
    title = await screener.ask("ann", RoomUpdate(room=room, key=new_key(), title="darn"))
    assert decode_event(title.event).title == "****"
    assert code(await screener.ask("ann", ProfileSet(bio="vile"))) == "rejected"
    assert (await screener.ask("ann", ProfileSet(name="darn"))).profile.name == "****"
    assert code(await screener.ask("ann", ProfileSet(handle="darn"))) == "rejected"
    assert screener.texts() == ["**** 你**", "odd"]


async def test_what_a_filter_flags_is_reported_in_its_own_commit_once(screener):
    room = await screener.group("ann")
    screener.filter_by(Filter("odd", "flag", words=("odd",)), Filter("mild", "mask", words=("darn",)))
    screener.judge_by()
    sent = send(room, "odd, darn")
    for _ in range(2):
        reply = await screener.ask("ann", sent)
        assert decode_event(reply.event).body.text == "odd, ****"
    edit = Edit(room=room, key=new_key(), target=2, body=Body(text="still odd"))
    assert code(await screener.ask("ann", edit)) == "ok"
    queued = await screener.server.store.moderation.queue("open", None, 10)
    ((filed, _),) = queued
    assert (filed.reporter, filed.text, filed.target) == ("", "odd", ("ann", room, 2))
    assert [event.body.text for event in evidence_of(filed.evidence).messages] == ["odd, ****"]


async def test_a_masked_text_is_what_the_judge_sees_and_its_key_is_that_of_what_came(screener):
    room = await screener.group("ann")
    judge = ManualJudge(on=["message"])
    screener.judge_by(judge)
    screener.filter_by(Filter("mild", "mask", words=("darn",)))
    sent = send(room, "darn")
    await screener.ask("ann", sent)
    assert [item.body.text for item in judge.items] == ["****"]
    screener.judge_by(ManualJudge(lambda item: REJECT))
    assert (await screener.ask("ann", sent)).duplicate


async def test_a_new_account_sends_no_links_until_it_is_old_enough(screener):
    room = await screener.group("ann", "bob")
    screener.judge_by(new_account_ms=HOUR_S * 1000)
    await screener.server.app.writer.submit_and_wait("ann", Amend(name="Ann"))
    link = "see https://example.com"
    refused = await screener.ask("ann", send(room, link))
    assert (refused.code, refused.reason) == ("rejected", "links")
    assert code(await screener.ask("ann", send(room, "hello"))) == "ok"
    assert code(await screener.ask("bob", send(room, link))) == "ok"
    await screener.server.advance(HOUR_S)
    assert code(await screener.ask("ann", send(room, link))) == "ok"


# --- all together


class Chaos:
    """A judge that answers out of order, changes its mind and fails. `passed`: the texts it let pass so far."""

    def __init__(self, does):
        self.does = itertools.cycle(does)
        self.passed = set()

    def __call__(self, item):
        do, text = next(self.does), item.body.text
        if do == "none":
            return None
        if do == "rewrite":
            self.passed.add(f"<{text}>")
            return Verdict("rewrite", body=Body(text=f"<{text}>"))
        if do != "reject":
            self.passed.add(text)
        return Verdict(do, "spam")


DOES = st.sampled_from(["pass", "pass", "reject", "rewrite", "flag", "none"])
# An author; which of their earlier sends they repeat, as after a lost acknowledgement, if any; and how many answers
# come meanwhile, each of which of the calls under way.
STEPS = st.tuples(
    st.sampled_from(["ann", "bob", "zoe"]),
    st.none() | st.integers(0, 9),
    st.lists(st.integers(0, 9), max_size=2),
)


@hypothesis_settings(max_examples=scaled(60, 2000), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(DOES, min_size=1, max_size=9), st.lists(STEPS, min_size=1, max_size=16), st.integers(1, 4))
async def test_nothing_unjudged_is_stored_nothing_stored_is_rejected_and_each_author_keeps_their_order(
    screener, does, steps, batch
):
    screener.stored.clear()
    room = await screener.group("ann", "bob")
    chaos = Chaos(does)
    judge = ManualJudge(chaos, on=["message"], waits=True, batch=batch)
    screener.judge_by(judge)
    asked = {}
    for number, (user, repeats, answers) in enumerate(steps):
        earlier = [request for of, request in asked.values() if of == user]
        again = repeats is not None and earlier
        request = earlier[repeats % len(earlier)] if again else send(room, f"{number:02}")
        asked[screener.submit(user, request)] = user, request
        for answer in answers:
            screener.server.app.context.env.advance(GATHER_S)
            await asyncio.sleep(0)
            if judge.under_way:
                judge.answer(answer % judge.under_way)
    await until(lambda: all_answered(judge, screener, asked))
    texts = screener.texts()
    assert set(texts) <= chaos.passed
    assert len({event.key for event in screener.stored if event.kind == "message"}) == len(texts)
    stored = {}
    for id, (user, request) in asked.items():
        reply = screener.requester.answers[id]
        assert code(reply) in (("not_found",) if user == "zoe" else ("ok", "rejected", "overloaded"))
        if code(reply) == "ok":
            stored.setdefault(request.key, (user, reply.seq))
        else:
            assert request.key not in stored
    for author in ("ann", "bob"):
        seqs = [seq for user, seq in stored.values() if user == author]
        assert seqs == sorted(seqs)
    assert not screener.screening.waiting
    assert not screener.screening._lanes


def all_answered(judge, screener, asked):
    if judge.under_way:
        judge.answer()
    return asked.keys() <= screener.requester.answers.keys()
