"""before.py over real connections: what a back end is asked, and what is made of its answers."""

import json
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook

from chatd.config.hooks import BeforeHook
from chatd.config.secret import Secret
from chatd.core.read_set import Rules
from chatd.egress.client import Client
from chatd.egress.guard import Guard
from chatd.protocol.media import Place
from chatd.protocol.messages import Attachment, Body, LooseAttachment
from chatd.server.system_env import SystemEnv
from chatd.webhooks.before import RemoteJudge
from chatd.webhooks.interface import Item, Verdict
from tests.kit.keyserver import KeyServer, key_server

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
BODY_BYTES = 200
ITEM = Item("r1:u1:k1", "message", "u1", room="g1", kind="group", members=3, body=Body(text="Hi"))


@pytest.fixture
def host() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


def link_of(file):
    return f"https://files.example.org/{file}?sig=s"


async def judge(host, items=(ITEM,), path="good", answer=None, deadline_ms=5000, body_bytes=BODY_BYTES):
    if answer is not None:
        host.content = answer if isinstance(answer, bytes) else json.dumps({"items": answer}).encode()
    hook = BeforeHook(on=("message", "edit"), url=host.url(path), secret_file="x", deadline_ms=deadline_ms)
    env = SystemEnv()
    client = Client(hook.url, Guard(configured=True), env)
    remote = RemoteJudge(hook, [Secret(SECRET)], client, env, Rules(body_bytes=body_bytes), link_of)
    try:
        return list(await remote.judge(items))
    finally:
        await remote.close()


def given(do, **more):
    return {"id": ITEM.id, "do": do, **more}


async def test_the_question_is_signed_and_has_what_is_known(host):
    room = Item(
        "g1:u1:k2", "room", "u1", "phone", "198.51.100.7", fields={"title": "Bikes", "data": {"a": b"\x00"}}
    )
    await judge(host, [ITEM, room], answer=[given("pass")])
    (headers, body), *_ = host.posted
    asked = Webhook(SECRET).verify(body, headers)
    assert asked["type"] == "before"
    assert asked["timestamp"].endswith("Z")
    assert asked["items"] == [
        {"id": "r1:u1:k1", "on": "message", "user": "u1", "room": "g1", "kind": "group", "members": 3}
        | {"body": {"text": "Hi"}},
        {"id": "g1:u1:k2", "on": "room", "user": "u1", "device": "phone", "address": "198.51.100.7"}
        | {"title": "Bikes", "data": {"a": {"$bytes": "AA"}}},
    ]


async def test_each_file_of_this_server_comes_with_a_link(host):
    file = "Fz3kQ0aaaaaaaaaaaaaaaa"
    attached = [Attachment(url, "image/jpeg") for url in (f"media:{file}", "https://elsewhere.example/a.jpg")]
    message = Item("r1:u1:k1", "message", "u1", body=Body(attachments=attached))
    card = Item("u1:profile", "profile", "u1", fields={"avatar": f"media:{file}", "name": "media:short"})
    await judge(host, [message, card], answer=[])
    asked = json.loads(host.posted[0][1])["items"]
    links = {f"media:{file}": f"https://files.example.org/{file}?sig=s"}
    assert [one["links"] for one in asked] == [links, links]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (given("pass"), Verdict("pass")),
        (given("pass", more="ignored"), Verdict("pass")),
        (given("flag", reason="spam"), Verdict("flag", "spam")),
        (given("reject", reason="advertising"), Verdict("reject", "advertising")),
        (given("reject"), Verdict("reject")),
        (given("rewrite", body={"text": "Ho", "x": 1}), Verdict("rewrite", body=Body(text="Ho"))),
        (
            given(
                "rewrite",
                body={"attachments": [{"url": "u", "mime": "m", "from": {"room": "g4fKz81QwXe2", "seq": 2}}]},
            ),
            Verdict(
                "rewrite", body=Body(attachments=[LooseAttachment("u", "m", from_=Place("g4fKz81QwXe2", 2))])
            ),
        ),
        (
            given("rewrite", body={"data": {"a": {"$bytes": "AA"}}, "text": ""}),
            Verdict("rewrite", body=Body(data={"a": b"\x00"})),
        ),
    ],
)
async def test_verdicts_that_are_known(host, answer, verdict):
    (found,) = await judge(host, answer=[{"id": "other", "do": "reject"}, answer])
    assert (found.do, found.reason) == (verdict.do, verdict.reason)
    assert (found.body is None) == (verdict.body is None)
    if found.body is not None:
        assert (found.body.text, found.body.data) == (verdict.body.text, verdict.body.data)
        assert found.body.attachments == verdict.body.attachments


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [{"id": "other", "do": "pass"}],
        [given("allow")],
        [given("PASS")],
        [{"id": ITEM.id}],
        [given(None)],
        [given("rewrite")],
        [given("rewrite", body={})],
        [given("rewrite", body={"text": 1})],
        [given("rewrite", body={"text": "x" * BODY_BYTES})],
        [given("rewrite", body={"data": 1e999})],
        [given("rewrite", body={"data": "x" * BODY_BYTES})],
        [given("rewrite", body={"data": 2**60})],
        [given("reject", reason="x" * 65)],
        [given("reject", reason=1)],
        [given("pass"), given("reject")],
        [given("pass"), given("pass"), given("pass")],
        b"",
        b"[]",
        b"{}",
        b'{"items":{}}',
        b"\xff",
        b'{"items":[' + b"[" * 5000 + b"]" * 5000 + b"]}",
    ],
    ids=lambda answer: repr(answer)[:60],
)
async def test_no_verdict_is_made_of_what_is_not_known_or_not_valid(host, answer):
    assert await judge(host, answer=answer) == [None]


@pytest.mark.parametrize("path", ["missing", "moved", "endless", "garbage"])
async def test_no_verdict_comes_of_another_answer_than_a_200(host, path):
    assert await judge(host, [ITEM, ITEM], path, [given("pass")]) == [None, None]


async def test_a_judge_that_is_late_gave_no_verdict(host):
    assert await judge(host, path="silent", deadline_ms=50) == [None]


async def test_each_item_has_its_own_verdict_in_the_order_of_the_items(host):
    items = [Item(f"r:u:{n}", "message", "u", body=Body(text=str(n))) for n in range(3)]
    answer = [{"id": "r:u:2", "do": "reject"}, {"id": "r:u:0", "do": "pass"}, {"id": "r:u:1", "do": "what"}]
    assert await judge(host, items, answer=answer) == [Verdict("pass"), None, Verdict("reject")]


async def test_rewrites_of_long_texts_leave_no_other_item_without_its_verdict(host):
    long = [
        Item(f"r1:u2:k{n}", "message", "u1", room="g1", kind="group", members=3, body=Body(text="é" * 8000))
        for n in range(8)
    ]
    answer = [{"id": one.id, "do": "rewrite", "body": {"text": "è" * 8000}} for one in long]
    found = await judge(host, [*long, ITEM], answer=[*answer, given("reject")], body_bytes=16_384)
    assert [verdict and verdict.do for verdict in found] == ["rewrite"] * 8 + ["reject"]
