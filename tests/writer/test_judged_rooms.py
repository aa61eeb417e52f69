"""What the rules of a room refuse is refused by them, and the host app is not shown it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.core.filters import Filter
from chatd.core.restrictions import Restrict
from chatd.core.users import FOR_EVER, Restriction
from chatd.moderation.compiling import compiled
from chatd.writer.screening import ScreeningRules
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key
from tests.kit.judge import ManualJudge


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, moderation={"enabled": True}) as server:
        yield server


@pytest.fixture(params=["judge", "filter"])
def judge(request: pytest.FixtureRequest, server: InProcessServer) -> ManualJudge:
    """A judge that sees everything; a filter that refuses it, before or instead."""
    judge = ManualJudge()
    if request.param == "judge":
        server.app.screening.reconfigure(ScreeningRules((judge,)))
    else:
        server.app.screening.adopt(compiled([Filter("secrets", words=("secret",))]))
    return judge


async def asked(client: InProcessClient, kind: str, room: str, **keys: Any) -> tuple[str, Any]:
    reply = await client.request(type=kind, room=room, key=new_key(), **keys)
    return str(reply.get("code", "ok")), reply.get("scope", reply.get("field"))


SECRET = {"text": "secret"}
CHANNELS = {"enabled": True, "create": "users"}


async def test_the_rules_of_a_room_answer_first(server: InProcessServer, judge: ManualJudge) -> None:
    ann, bob, cat = [await server.connect(user) for user in ("ann", "bob", "cat")]
    server.app.context.use(server.app.writer.submit)
    room = await ann.create_group("bob", "cat", policy={"info": "member", "mention_all": "admin"})
    own = (await bob.send(room, "mine"))["seq"]
    others = (await ann.send(room, "not mine"))["seq"]
    await asked(ann, "members.silence", room, users=["bob"], until=FOR_EVER)
    end = server.env.now_ms() + 60_000
    await asked(ann, "members.silence", room, users=["cat"], until=end)
    server.app.context.use(server.app.screening.submit)
    for client, answer in ((bob, ("forbidden", None)), (cat, ("muted", "room"))):
        assert await asked(client, "send", room, body=SECRET) == answer
        assert await asked(client, "edit", room, target=own, body=SECRET) == answer
        assert await asked(client, "forward", room, **{"from": room}, seqs=[own]) == answer
        assert await asked(client, "room.update", room, title="secret") == answer
        assert await asked(client, "members.nickname", room, nickname="secret") == answer
        named = {"user": "bob" if client is bob else "cat", "nickname": "secret"}
        assert await asked(client, "members.nickname", room, **named) == answer
    await server.advance(61)
    cat, ann = await server.connect("cat"), await server.connect("ann")
    everybody = {"text": "secret", "mentions": ["*"]}
    assert await asked(cat, "send", room, body=everybody) == ("forbidden", "body.mentions")
    assert await asked(cat, "edit", room, target=others, body=SECRET) == ("forbidden", None)
    assert await asked(cat, "edit", room, target=others + 99, body=SECRET) == ("not_found", "target")
    assert await asked(ann, "room.update", room, policy={"slow_s": 60}) == ("ok", None)
    assert await asked(cat, "send", room, body={"text": "a word"}) == ("ok", None)
    assert await asked(cat, "send", room, body=SECRET) == ("rate_limited", "slow")
    assert await asked(ann, "room.update", room, policy={"post": "admin"}) == ("ok", None)
    assert await asked(cat, "send", room, body=SECRET) == ("forbidden", None)
    assert "secret" not in str(judge.items)


async def test_what_is_said_to_admins_by_who_may_not_enter_is_shown_to_nobody(
    server: InProcessServer, judge: ManualJudge
) -> None:
    ann, bob, dan = [await server.connect(user) for user in ("ann", "bob", "dan")]
    server.app.context.use(server.app.writer.submit)
    room = await ann.create_group("bob", "cat", policy={"join": "request"})
    closed = await ann.create_group("bob")
    await asked(ann, "members.remove", room, users=["bob"], ban=True)
    await asked(ann, "members.remove", closed, users=["bob"])
    invite = (await ann.request(type="invites.create", room=room, key=new_key()))["invite"]["invite"]
    used = {"type": "invites.use", "text": "secret"}
    server.app.context.use(server.app.screening.submit)
    assert await asked(bob, "room.join", room, text="secret") == ("not_member", None)
    assert await asked(bob, "room.join", closed, text="secret") == ("not_member", None)
    for client, name in ((bob, invite), (dan, "x" * 22)):
        assert (await client.request(**used, key=new_key(), invite=name))["code"] == "not_found"
    assert "secret" not in str(judge.items)
    reply = await dan.request(**used, key=new_key(), invite=invite)
    assert (reply.get("code"), "secret" in str(judge.items)) in ((None, True), ("rejected", False))


async def test_followers_enter_the_group_of_the_comments_of_a_channel_before_hooks_or_not(
    tmp_path: Path,
) -> None:
    judge = ManualJudge()
    async with in_process(tmp_path, moderation={"enabled": True}, channels=CHANNELS) as server:
        ann, bob, eve = [await server.connect(user) for user in ("ann", "bob", "eve")]
        created = await ann.request(type="room.create", key=new_key(), kind="channel", title="t")
        channel, group = created["summary"]["room"], await ann.create_group()
        assert await asked(ann, "room.update", channel, comments=group) == ("ok", None)
        assert await asked(bob, "room.join", channel) == ("ok", None)
        server.app.screening.reconfigure(ScreeningRules((judge,)))
        server.app.rooms.cache.forget_idle(float("inf"), [])
        assert await asked(eve, "room.join", group, text="secret") == ("not_found", None)
        assert judge.items == []
        assert await asked(bob, "room.join", group, text="secret") == ("ok", None)
        assert [item.user for item in judge.items] == ["bob"]


async def test_a_message_that_is_due_of_who_is_muted_is_shown_to_nobody(
    server: InProcessServer, judge: ManualJudge
) -> None:
    ann = await server.connect("ann", features=["drafts"])
    room = await ann.create_group("bob")
    await asked(ann, "schedule", room, at=server.env.now_ms(), body=SECRET)
    muted = Restrict(Restriction("mute", FOR_EVER, "spam"))
    await server.app.writer.submit_and_wait("ann", muted)
    ann.take()
    await server.app.scheduled.send_due()
    (row,) = [push["sections"]["scheduled"][0] for push in ann.take("account")]
    assert (row["value"]["error"], "secret" in str(judge.items)) == ("muted", False)


async def test_quotas_privacy_and_forms_refuse_before_the_host_is_asked(tmp_path: Path) -> None:
    rates = {"added_per_day": 1}
    judge = ManualJudge()
    async with in_process(
        tmp_path, moderation={"enabled": True}, people={"enabled": True}, rates=rates
    ) as server:
        ann, bob, cat = [await server.connect(user) for user in ("ann", "bob", "cat")]
        await cat.request(type="privacy.set", rules={"knock": {"to": "nobody"}})
        await bob.request(type="profile.set", handle="bob_miller")
        server.app.screening.reconfigure(ScreeningRules((judge,)))
        creation = {"type": "room.create", "kind": "group", "title": "secret"}
        for request, code in (
            ({**creation, "key": new_key(), "users": ["bob", "dan"]}, "rate_limited"),
            ({**creation, "key": new_key(), "avatar": "media:F00000000000000000000"}, "not_supported"),
            ({"type": "friend.request", "user": "cat", "note": "secret"}, "refused"),
            ({"type": "friend.request", "user": "ann", "note": "secret"}, "bad_request"),
            ({"type": "profile.set", "handle": "bob_miller", "bio": "secret"}, "conflict"),
        ):
            assert (await ann.request(**request))["code"] == code
        assert judge.items == []
        made = {**creation, "key": new_key()}
        for _ in range(2):
            assert (await ann.request(**made))["type"] == "ok"
        assert [item.fields["title"] for item in judge.items] == ["secret"] * 2
