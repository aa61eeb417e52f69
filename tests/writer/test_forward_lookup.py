"""Screening of forwards: what their messages say is judged as if it were sent, and only what the user sees."""

from msgspec import convert

from chatd.core.accounts import Amend
from chatd.core.filters import Filter
from chatd.core.moderation import evidence_of
from chatd.protocol.codec import decode_event
from chatd.protocol.messages import Body, Edit, Forward, Recall
from chatd.webhooks.interface import Verdict
from tests.kit.inprocess import new_key
from tests.kit.judge import ManualJudge
from tests.kit.waiting import until
from tests.writer.test_screening import HOUR_S, REJECT, code, screener, send

__all__ = ["screener"]


def forward(room, source, *seqs, key=None, **keys):
    return Forward(room=room, key=key or new_key(), from_=source, seqs=[*seqs], **keys)


async def two_rooms(screener, *texts):
    """Return a room where ann wrote texts, and one of bob, who sees both; and the seqs of the texts."""
    source, target = await screener.group("ann", "bob"), await screener.group("bob")
    seqs = [(await screener.ask("ann", send(source, text))).seq for text in texts]
    screener.stored.clear()
    return source, target, seqs


async def test_filters_see_what_is_forwarded(screener):
    source, target, seqs = await two_rooms(screener, "odd", "vile", "darn it", "fine")
    screener.filter_by(
        Filter("hate", words=("vile",), reason="hate_speech"),
        Filter("mild", "mask", words=("darn",)),
        Filter("odd", "flag", words=("odd",)),
    )
    refused = await screener.ask("bob", forward(target, source, *seqs))
    assert (refused.code, refused.reason) == ("rejected", "hate_speech")
    assert screener.texts() == []
    asked = forward(target, source, seqs[2], seqs[3], seqs[0])
    reply = await screener.ask("bob", asked)
    assert screener.texts() == ["**** it", "fine", "odd"]
    assert decode_event(reply.event).body == convert({"text": "**** it", "forwarded": {}}, Body)
    ((filed, _),) = await screener.server.store.moderation.queue("open", None, 10)
    assert (filed.text, filed.target) == ("odd", ("bob", target, reply.seqs[2]))
    assert evidence_of(filed.evidence).messages[-1].body.text == "odd"
    screener.filter_by(Filter("all", words=("fine",)))
    again = await screener.ask("bob", asked)
    assert (again.duplicate, again.seqs, again.event) == (True, reply.seqs, reply.event)


async def test_filters_tell_nothing_of_messages_that_the_user_does_not_see(screener):
    source, target, seqs = await two_rooms(screener, "vile")
    screener.filter_by(Filter("hate", words=("vile",)))
    own = await screener.group("eve")
    stranger = await screener.ask("eve", forward(own, source, *seqs))
    assert (stranger.code, stranger.field) == ("not_found", "from")
    nothing = await screener.ask("bob", forward(target, source, 1000))
    assert (nothing.code, nothing.field) == ("not_found", "seqs[0]")
    assert code(await screener.ask("eve", forward(target, source, *seqs))) == "not_found"


async def test_the_host_judges_each_message_and_may_rewrite_it(screener):
    source, target, seqs = await two_rooms(screener, "pass", "rewrite", "flag")
    verdicts = {
        "pass": Verdict("pass"),
        "rewrite": Verdict("rewrite", body=Body(text="****", mentions=["ann"])),
        "flag": Verdict("flag"),
    }
    judge = ManualJudge(lambda item: verdicts[item.body.text], on=["message"])
    screener.judge_by(judge)
    assert (await screener.ask("bob", forward(target, source, *seqs, key="key-of-bob"))).seqs == [2, 3, 4]
    assert screener.texts() == ["pass", "****", "flag"]
    assert screener.stored[1].body == convert({"text": "****", "forwarded": {}}, Body)
    names = ["key-of-bob", "key-of-bob:2", "key-of-bob:3"]
    assert [item.id for item in judge.items] == [f"{target}:bob:{name}" for name in names]
    verdicts["flag"] = REJECT
    assert code(await screener.ask("bob", forward(target, source, *seqs))) == "rejected"
    assert len(screener.texts()) == 3


async def test_a_message_that_changed_while_it_was_judged_is_not_forwarded(screener):
    source, target, seqs = await two_rooms(screener, "fine")
    judge = ManualJudge(waits=True, on=["message"])
    screener.judge_by(judge)
    for change, answer in (
        (Edit(room=source, key=new_key(), target=seqs[0], body=Body(text="vile")), ("overloaded", None)),
        (Recall(room=source, key=new_key(), target=seqs[0]), ("not_found", "seqs[0]")),
    ):
        asked = screener.submit("bob", forward(target, source, *seqs))
        await until(lambda: judge.under_way == 1)
        assert code(await screener.ask("ann", change)) == "ok"
        judge.answer()
        refused = await screener.reply(asked)
        assert (refused.code, refused.field) == answer
    assert screener.texts() == []


async def test_a_new_account_forwards_no_links(screener):
    source, target, seqs = await two_rooms(screener, "see https://example.com", "hello")
    screener.judge_by(new_account_ms=HOUR_S * 1000)
    await screener.server.app.writer.submit_and_wait("bob", Amend(name="Bob"))
    refused = await screener.ask("bob", forward(target, source, *seqs))
    assert (refused.code, refused.reason) == ("rejected", "links")
    assert code(await screener.ask("bob", forward(target, source, seqs[1]))) == "ok"
    await screener.server.advance(HOUR_S)
    assert code(await screener.ask("bob", forward(target, source, *seqs))) == "ok"
