"""Files in messages, on a real store: sent, forwarded, edited, recalled, imported."""

import asyncio

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from chatd.config.media import Retention
from chatd.core.erasure_steps import EraseEvents
from chatd.core.imports import ImportRoom
from chatd.core.past_messages import ImportMessages, PastMessage, key_of
from chatd.core.removal import Stretch
from chatd.protocol.cards import Card, MessageOrigin, Span
from chatd.protocol.media import Place
from chatd.protocol.messages import Attachment, Body, Edit, Recall, Send, SentAttachment
from tests.kit.files import Files, code_of, file_id, share
from tests.kit.inprocess import in_process, new_key

MIB = 1 << 20


@pytest.fixture
async def files(tmp_path):
    media = {"enabled": True, "user_bytes": 2 * MIB, "room_bytes": 3 * MIB}
    async with in_process(tmp_path, rates={"enabled": False}, media=media) as server:
        yield Files(server)
        await Files(server).check()


@pytest.fixture
async def ann(files):
    return await files.server.connect("ann")


@pytest.fixture
async def bob(files):
    return await files.server.connect("bob")


@pytest.fixture
async def room(ann, bob):
    return await ann.create_group("bob")


def forward(file, room, seq):
    return {"url": f"media:{file}", "mime": "x/x", "from": {"room": room, "seq": seq}}


async def test_a_message_says_of_its_file_what_the_server_knows(files, ann, bob, room):
    file = await files.ready(
        "ann", "picture", size=1000, sizes={"full": 700, "m": 200, "s": 100}, name="x.png"
    )
    lie = {
        "url": f"media:{file}",
        "mime": "text/html",
        "size": 1,
        "width": 9,
        "kind": "voice",
        "alt": "A cat",
        "name": "cat.png",
    }
    ack = await share(ann, room, lie)
    (stored,) = ack["event"]["body"]["attachments"]
    assert stored == {
        "url": f"media:{file}", "mime": "image/jpeg", "size": 700, "kind": "picture", "name": "cat.png",
        "alt": "A cat", "sizes": ["m", "s"],
    }  # fmt: skip
    push = bob.take("event")[-1]
    assert push["events"][0]["body"]["attachments"] == [stored]
    renamed = await share(ann, room, {"url": f"media:{file}", "mime": "x/x", "name": "dog.png"})
    assert renamed["event"]["body"]["attachments"][0]["name"] == "dog.png"
    assert (await files.known(file)).uses == 2
    assert (await files.known(file)).file.due_at == 0
    assert await files.usage("r:1") == (2000, 2)


@pytest.mark.parametrize(("whose", "how", "code"), [
    ("ann", "begun", "not_ready"), ("bob", "ready", "not_found"), ("bob", "begun", "not_found"),
    ("ann", "avatar", "not_found"), ("ann", "refused", "not_found"), ("", "none", "not_found"),
])  # fmt: skip
async def test_only_own_ready_files_are_sent(files, ann, room, whose, how, code):
    file = file_id(99)
    if how in ("begun", "refused"):
        file = (await files.begin(whose)).file
    if how == "refused":
        await files.refuse(file)
    if how in ("ready", "avatar"):
        file = await files.ready(whose, "picture", purpose="avatar" if how == "avatar" else "message")
    before = await files.dump()
    refused = await share(ann, room, {"url": "https://example.com/a", "mime": "x/x"}, file)
    assert (refused["code"], refused["field"]) == (code, "body.attachments[1].url")
    assert refused["retry"] == ("later" if code == "not_ready" else "never")
    assert await files.dump() == before


async def test_of_sound_that_is_not_opened_the_author_says_how_long_it_is(files, ann, room):
    voice, opened = await files.ready("ann", "voice"), (await files.begin("ann", "voice")).file
    await files.finish(opened, mime="audio/ogg", duration=3000)
    said = {"duration": 5000, "waveform": "0" * 64, "size": 1}
    sent = [{"url": f"media:{file}", "mime": "x/x", **said} for file in (voice, opened)]
    stored = (await share(ann, room, *sent))["event"]["body"]["attachments"]
    assert [(one["duration"], one["waveform"], one["size"]) for one in stored] == [
        (5000, "0" * 64, 100), (3000, "0" * 64, 100),
    ]  # fmt: skip
    wrong = await share(ann, room, {**sent[0], "waveform": "z" * 64})
    assert (wrong["code"], wrong["field"]) == ("bad_request", "body.attachments[0].waveform")


async def test_what_lies_elsewhere_is_stored_without_what_only_the_server_says(files, ann, room):
    url = "https://example.com/a"
    said = {"kind": "voice", "sizes": ["m"], "waveform": "0" * 64, "expires_at": 5}
    ack = await share(ann, room, {"url": url, "mime": "a/b", "duration": 5, "alt": "A song", **said})
    assert ack["event"]["body"]["attachments"] == [
        {"url": url, "mime": "a/b", "duration": 5, "alt": "A song"}
    ]
    assert "event" not in await share(ann, room, {"url": url, "mime": "a/b"}), "as it came"
    refused = await share(ann, room, {"url": url, "mime": "a/b", "from": {"room": room, "seq": 2}})
    assert (refused["code"], refused["field"]) == ("bad_request", "body.attachments[0].from")


async def test_a_repeated_send_gets_the_same_answer_and_no_second_use(files, ann, room):
    file = await files.ready("ann")
    first = await share(ann, room, file, key="the-same-key")
    again = await share(ann, room, file, key="the-same-key")
    assert (again["duplicate"], again["seq"], again["event"]) == (True, first["seq"], first["event"])
    assert (await files.known(file)).uses == 1


async def test_a_recall_gives_the_space_back(files, ann, room):
    once, twice = await files.ready("ann", size=100), await files.ready("ann", size=50)
    first = (await share(ann, room, once, twice))["seq"]
    await share(ann, room, twice)
    await ann.request(type="recall", room=room, key=new_key(), target=first)
    assert (await files.known(once), (await files.known(twice)).uses) == (None, 1)
    assert (await files.usage("u:ann"), await files.usage("r:1")) == ((50, 1), (50, 1))
    due = files.server.env.now_ms() + 3_600_000
    assert await files.rows("SELECT object, free_at FROM objects WHERE refs = 0") == [(once, due)]


async def test_an_edit_exchanges_files(files, ann, room):
    old, kept, new = [await files.ready("ann") for _ in range(3)]
    seq = (await share(ann, room, old, kept))["seq"]
    body = {"attachments": [{"url": f"media:{one}", "mime": "x/x"} for one in (kept, new)]}
    ack = await ann.request(type="edit", room=room, key=new_key(), target=seq, body=body)
    assert [one["url"] for one in ack["event"]["body"]["attachments"]] == [f"media:{kept}", f"media:{new}"]
    assert [await files.known(one) is None for one in (old, kept, new)] == [True, False, False]
    again = await ann.request(type="edit", room=room, key=new_key(), target=seq, body=body)
    assert again.get("duplicate"), "an edit that changes nothing"
    await ann.request(type="edit", room=room, key=new_key(), target=seq, body={"text": "none"})
    assert await files.rows("SELECT * FROM attached") == []


async def test_a_forwarded_file_is_its_forwarders_own(files, ann, bob, room):
    file = await files.ready("ann", size=300, sizes={"full": 200, "s": 100}, name="a.pdf")
    seq = (await share(ann, room, file))["seq"]
    other = await bob.create_group("eve")
    ack = await share(bob, other, forward(file, room, seq))
    (stored,) = ack["event"]["body"]["attachments"]
    copy = stored["url"].removeprefix("media:")
    assert copy != file
    assert "from" not in stored
    assert await files.usage("u:bob") == (300, 1)
    assert await files.rows("SELECT refs FROM objects") == [(2,), (2,)]
    await ann.request(type="recall", room=room, key=new_key(), target=seq)
    assert await files.known(file) is None
    assert (await files.known(copy)).file.owner == "bob"
    assert await files.rows("SELECT refs, free_at FROM objects") == [(1, 0), (1, 0)]


async def test_a_forward_with_keys_that_are_not_known_is_one(files, ann, bob, room):
    file = await files.ready("ann")
    seq = (await share(ann, room, file))["seq"]
    other = await bob.create_group()
    ack = await share(bob, other, {**forward(file, room, seq), "later": 1})
    assert ack["event"]["body"]["attachments"][0]["url"] != f"media:{file}"
    assert await files.usage("u:bob") == (100, 1)


async def test_forwarding_an_own_file_makes_no_other(files, ann, room):
    file = await files.ready("ann")
    seq = (await share(ann, room, file))["seq"]
    ack = await share(ann, room, forward(file, room, seq))
    assert ack["event"]["body"]["attachments"][0]["url"] == f"media:{file}"
    assert await files.usage("u:ann") == (100, 1)


async def test_nobody_forwards_what_they_do_not_see(files, ann, bob, room):
    file = await files.ready("ann")
    early = (await share(ann, room, file))["seq"]
    late = (await ann.send(room))["seq"]
    await ann.request(type="members.add", room=room, key=new_key(), users=["cat"])
    cat, eve = await files.server.connect("cat"), await files.server.connect("eve")
    own = {one: await one.create_group() for one in (bob, cat, eve)}
    recalled = (await share(ann, room, file))["seq"]
    await ann.request(type="recall", room=room, key=new_key(), target=recalled)
    for client, place in (
        (eve, (room, early)), (cat, (room, early)), (bob, (room, late)), (bob, (room, recalled)),
        (bob, (own[bob], 1)), (bob, ("gNoSuchRoom1", early)),
    ):  # fmt: skip
        refused = await share(client, own[client], forward(file, *place))
        assert (refused["code"], refused["field"]) == ("not_found", "body.attachments[0].from")
    assert (await share(bob, own[bob], forward(file, room, early)))["type"] == "ok"
    await ann.request(type="members.remove", room=room, key=new_key(), users=["bob"])
    assert (await share(bob, own[bob], forward(file, room, early)))["code"] == "not_found"


async def test_forwards_and_rooms_have_a_quota(files, ann, bob, room):
    big = [await files.ready("ann", size=MIB) for _ in range(2)]
    seqs = [(await share(ann, room, file))["seq"] for file in big]
    other = await bob.create_group()
    for file, seq in zip(big, seqs, strict=True):
        assert (await share(bob, other, forward(file, room, seq)))["type"] == "ok"
    refused = await share(bob, other, forward(big[0], room, seqs[0]))
    assert (refused["code"], refused["scope"]) == ("quota", "user")
    assert (await share(ann, room, big[0]))["type"] == "ok"
    refused = await share(ann, room, big[0])
    assert (refused["code"], refused["scope"]) == ("quota", "room")


async def test_requests_of_one_batch_see_what_those_before_them_did(files, ann, room):
    """The file goes with the last message that holds it, and cannot be sent behind that."""
    file = await files.ready("ann")
    first, second = [(await share(ann, room, file))["seq"] for _ in range(2)]
    body = Body(attachments=[Attachment(f"media:{file}", "x/x")])
    asked = [
        Recall(room=room, key=new_key(), target=first),
        Send(room=room, key=new_key(), body=body),
        Recall(room=room, key=new_key(), target=second),
        Edit(room=room, key=new_key(), target=second, body=Body(text="late")),
    ]
    replies = await asyncio.gather(*(code_of(files.ask(one, "ann")) for one in asked))
    assert replies == [None, None, None, "conflict"]
    assert (await files.known(file)).uses == 1
    (seq,) = [place & 0xFFFFFFFF for (place,) in await files.rows("SELECT position FROM attached")]
    gone = [Recall(room=room, key=new_key(), target=seq), Send(room=room, key=new_key(), body=body)]
    assert await asyncio.gather(*(code_of(files.ask(one, "ann")) for one in gone)) == [None, "not_found"]


async def test_what_is_kept_for_a_while_says_until_when(tmp_path):
    media = {"enabled": True, "retention_days": Retention(voice=7)}
    async with in_process(tmp_path, media=media) as server:
        files, ann = Files(server), await server.connect("ann")
        room = await ann.create_group()
        voice, other = await files.ready("ann", "voice"), await files.ready("ann")
        stored = (await share(ann, room, voice, other))["event"]["body"]["attachments"]
        until = server.env.now_ms() + 7 * 86_400_000
        assert [one.get("expires_at") for one in stored] == [until, None]
        assert ((await files.known(voice)).file.due_at, (await files.known(other)).file.due_at) == (until, 0)
        await files.check()


async def test_an_erasure_takes_the_files_of_messages(files, ann, room):
    file = await files.ready("ann")
    seq = (await share(ann, room, file))["seq"]
    await files.ask(EraseEvents(room, "ann", [seq], recall=True, stretch=Stretch()))
    assert await files.known(file) is None


async def test_imported_messages_hold_files_of_their_authors(files):
    own, another, others = [await files.ready(user) for user in ("ann", "ann", "bob")]
    await files.ask(ImportRoom(1, "elsewhere", "group", 1))
    ((room,),) = await files.rows("SELECT name FROM rooms")
    attachments = [
        SentAttachment(f"media:{own}", "x/x"), SentAttachment(f"media:{others}", "x/x"),
        SentAttachment(f"media:{another}", "x/x", from_=Place(room, 1)), SentAttachment("https://example.com/", "x/x"),
        SentAttachment(f"media:{others}", "x/x", from_=Place(room, 1)),
    ]  # fmt: skip
    past = PastMessage(line=7, user="ann", key=key_of("1"), time=5, body=Body(attachments=attachments))
    done = await files.ask(ImportMessages(room, [past]))
    assert (done.messages, done.mended) == (1, [("file_unknown", 7)] * 2)
    (event,) = [one for one in await files.log(room) if one.body is not UNSET]
    urls = [f"media:{own}", f"media:{another}", "https://example.com/"]
    assert [one.url for one in event.body.attachments] == urls
    assert (await files.known(own)).uses == 1
    assert (await files.ask(ImportMessages(room, [past]))).duplicates == 1
    assert (await files.known(own)).uses == 1


async def test_imported_messages_have_cards_and_origins_and_lose_those_that_are_none(files):
    picture, others = await files.ready("ann", "picture"), await files.ready("bob", "picture")
    await files.ask(ImportRoom(1, "elsewhere", "group", 1))
    ((room,),) = await files.rows("SELECT name FROM rooms")
    place, origin = Card("place", lat=1, lon=2, image=f"media:{picture}"), MessageOrigin(user="eve")
    past = [
        PastMessage(line=place_, user="ann", key=key_of(str(place_)), time=5, body=body)
        for place_, body in enumerate([
            Body(
                text="[Place]", card=place, mentions=["bob"], spans=[Span(0, 7, "bob")], forwarded=origin
            ),
            Body(text="[Place]", card=replace(place, image=f"media:{others}")),
            Body(text="[Place]", card=replace(place, image="https://example.com/1.jpg"), spans=[Span(0, 1, "bob")]),
            Body(card=Card("link", title="nowhere")),
            Body(text="x" * 20_000, mentions=["bob"], spans=[Span(0, 19_000, "bob")], forwarded=MessageOrigin()),
        ])
    ]  # fmt: skip
    done = await files.ask(ImportMessages(room, past))
    assert done.mended == [
        ("card_dropped", 1),
        ("card_dropped", 2),
        ("spans_dropped", 2),
        ("card_dropped", 3),
        ("text_cut", 4),
    ]
    assert done.left_out == [("body_empty", 3)]
    whole, *_, cut = [one.body for one in await files.log(room) if one.body is not UNSET]
    assert whole == past[0].body
    assert (cut.spans, cut.forwarded, cut.text[:1]) == (UNSET, MessageOrigin(), "x")
    assert [(await files.known(one)).uses for one in (picture, others)] == [1, 0]


async def test_without_media_no_message_names_a_file(server):
    ann = await server.connect("ann")
    room = await ann.create_group()
    assert (await share(ann, room, file_id(1)))["code"] == "not_supported"
