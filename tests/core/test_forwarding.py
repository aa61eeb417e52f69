"""Forwarded messages, on a real store: what a copy has, where it comes from, and who may make one."""

import pytest
from msgspec import msgpack
from msgspec.structs import replace

from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.core.write_set import WriteSet
from chatd.protocol.groups import Policy
from tests.kit.files import Files, share
from tests.kit.inprocess import in_process, new_key

MIB = 1 << 20
PLACE = {"type": "place", "lat": 1, "lon": 2, "title": "Café"}


@pytest.fixture
async def server(tmp_path):
    media = {"enabled": True, "user_bytes": 2 * MIB, "room_bytes": 3 * MIB}
    async with in_process(tmp_path, media=media, bots={"enabled": True}) as server:
        yield server
        await Files(server).check()


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


@pytest.fixture
async def bob(server):
    return await server.connect("bob")


@pytest.fixture
async def source(ann, bob):
    return await ann.create_group("bob")


@pytest.fixture
async def target(bob):
    return await bob.create_group("cat")


async def send(client, room, **body):
    reply = await client.request(type="send", room=room, key=new_key(), body=body)
    return reply["seq"]


async def forward(client, room, source, *seqs, key=None, **keys):
    packet = {
        "type": "forward",
        "room": room,
        "key": key or new_key(),
        "from": source,
        "seqs": [*seqs],
        **keys,
    }
    return await client.request(**packet)


async def messages(client, room, *seqs):
    reply = await client.request(type="messages", room=room, seqs=[*seqs])
    return reply["events"]


def fault(reply):
    return reply["code"], reply.get("field")


async def govern(server, room, **policy):
    """Set rules of a room, as its admins would."""
    held = await server.app.rooms.get(room)
    held.details = replace(held.details, policy=Policy(**policy))


async def test_a_copy_has_the_content_of_its_message_and_nothing_of_its_place(ann, bob, source, target):
    first = await send(ann, source, text="Where?")
    text = "@Bob here"
    spans = [{"at": 0, "length": 4, "user": "bob"}]
    told = {
        "text": text,
        "card": PLACE,
        "data": {"a": 1},
        "attachments": [{"url": "https://x.example/a", "mime": "a/b"}],
    }
    seq = await send(ann, source, **told, reply_to=first, thread=first, mentions=["bob"], spans=spans)
    reply = await forward(bob, target, source, seq)
    assert reply["event"]["body"] == {**told, "forwarded": {}}
    assert (reply["event"]["user"], reply["event"]["ordinal"], reply["seqs"]) == ("bob", 1, [reply["seq"]])
    assert await messages(bob, target, reply["seq"]) == [reply["event"]]


async def test_many_are_stored_one_behind_the_other_and_seen_by_all(server, ann, bob, source, target):
    cat = await server.connect("cat")
    seqs = [await send(ann, source, text=str(number)) for number in range(3)]
    order = [seqs[2], seqs[0], seqs[1], seqs[0]]
    reply = await forward(bob, target, source, *order, key="key-of-bob")
    assert reply["seqs"] == [*range(reply["seq"], reply["seq"] + 4)]
    stored = await messages(cat, target, *reply["seqs"])
    assert [event["body"]["text"] for event in stored] == ["2", "0", "1", "0"]
    assert [event["key"] for event in stored] == ["key-of-bob", *(f"key-of-bob:{n}" for n in (2, 3, 4))]
    pushed = [event for push in cat.take("event") for event in push["events"]]
    assert pushed == stored
    shown = [event for push in bob.take("event") for event in push["events"] if push["room"] == target]
    assert [reply["event"], *shown] == stored
    summary = (await cat.request(type="room.get", room=target))["summary"]
    assert summary["unread"] == 4


async def test_a_repeated_forward_is_answered_like_the_first(ann, bob, source, target):
    seqs = [await send(ann, source, text=str(number)) for number in range(2)]
    first = await forward(bob, target, source, *seqs, key="key-of-bob")
    await ann.request(type="recall", room=source, key=new_key(), target=seqs[0])
    again = await forward(bob, target, source, *seqs, key="key-of-bob")
    assert again.pop("duplicate")
    assert {**again, "id": first["id"]} == first
    other = await forward(bob, target, source, seqs[0], key="key-of-bob")
    assert fault(other) == ("conflict", "key")


async def test_with_credit_a_copy_names_the_author_who_agrees(server, ann, bob, source, target):
    seq = await send(ann, source, text="mine")
    time = (await messages(bob, source, seq))[0]["time"]
    assert (await forward(bob, target, source, seq))["event"]["body"]["forwarded"] == {}
    named = await forward(bob, target, source, seq, credit=True)
    assert named["event"]["body"]["forwarded"] == {"user": "ann", "time": time}
    writes = WriteSet(now=server.env.now_ms(), stamp=server.app.writer.published + 1)
    writes.add(ChangedRow("ann", ACCOUNT, "preferences", msgpack.encode({"credit": False})))
    await server.app.store.commit(writes)
    hidden = await forward(bob, target, source, seq, credit=True)
    assert hidden["event"]["body"]["forwarded"] == {}


async def test_the_first_origin_stays(ann, bob, source, target):
    seq = await send(ann, source, text="mine")
    named = (await forward(bob, target, source, seq, credit=True))["event"]
    for credit in (False, True):
        again = await forward(bob, source, target, named["seq"], credit=credit)
        assert again["event"]["body"] == named["body"]
    plain = (await forward(bob, target, source, seq))["event"]
    again = await forward(bob, source, target, plain["seq"], credit=True)
    assert again["event"]["body"]["forwarded"] == {}


async def test_the_origin_of_a_post_is_its_channel(tmp_path):
    async with in_process(tmp_path, channels={"enabled": True, "create": "users"}) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        made = await ann.request(type="room.create", key=new_key(), kind="channel", title="News")
        channel = made["summary"]["room"]
        seq = await send(ann, channel, text="The bridge is open")
        target = await bob.create_group("cat")
        assert fault(await forward(bob, target, channel, seq)) == ("not_found", "from")
        await bob.request(type="room.join", room=channel, key=new_key())
        for credit in (False, True):
            copy = (await forward(bob, target, channel, seq, credit=credit))["event"]
            assert copy["body"] == {"text": "The bridge is open", "forwarded": {"room": channel, "seq": seq}}
        again = (await forward(bob, target, target, copy["seq"], credit=True))["event"]
        assert again["body"] == copy["body"]
        assert fault(await forward(bob, channel, target, copy["seq"])) == ("forbidden", None)
        posted = (await forward(ann, channel, channel, seq))["event"]
        assert posted["body"]["forwarded"] == {"room": channel, "seq": seq}


async def test_nobody_changes_the_words_of_a_copy(ann, bob, source, target):
    seq = await send(ann, source, text="mine")
    copy = await forward(bob, target, source, seq, credit=True)
    body = {"text": "other"}
    edit = await bob.request(type="edit", room=target, key=new_key(), target=copy["seq"], body=body)
    assert fault(edit) == ("forbidden", "target")
    recall = await bob.request(type="recall", room=target, key=new_key(), target=copy["seq"])
    assert recall["type"] == "ok"


async def test_nobody_says_that_a_message_is_forwarded(ann, source):
    for type, more in (("send", {}), ("edit", {"target": await send(ann, source, text="mine")})):
        for origin in ({}, {"user": "bob", "time": 1}):
            body = {"text": "x", "forwarded": origin}
            refused = await ann.request(type=type, room=source, key=new_key(), body=body, **more)
            assert fault(refused) == ("bad_request", "body.forwarded")


async def test_only_what_one_sees_is_forwarded(server, ann, bob, source, target):
    early = await send(ann, source, text="early")
    await ann.request(type="members.add", room=source, key=new_key(), users=["cat"])
    cat, eve = await server.connect("cat"), await server.connect("eve")
    own = await eve.create_group()
    gone = await send(ann, source, text="gone")
    await ann.request(type="recall", room=source, key=new_key(), target=gone)
    seen = await send(ann, source, text="seen")
    assert fault(await forward(cat, target, source, seen, early)) == ("not_found", "seqs[1]")
    assert fault(await forward(bob, target, source, gone)) == ("not_found", "seqs[0]")
    # The first event of a room is no message, and the last not there yet.
    assert fault(await forward(bob, target, source, 1)) == ("not_found", "seqs[0]")
    assert fault(await forward(bob, target, source, 1000)) == ("not_found", "seqs[0]")
    assert fault(await forward(eve, own, source, seen)) == ("not_found", "from")
    assert fault(await forward(eve, own, "gNoSuchRoom1", seen)) == ("not_found", "from")
    assert fault(await forward(eve, source, own, 1)) == ("not_found", None)
    await ann.request(type="members.remove", room=source, key=new_key(), users=["bob"])
    assert fault(await forward(bob, target, source, seen)) == ("not_member", "from")
    assert fault(await forward(cat, target, source, seen, early)) == ("not_found", "seqs[1]")
    assert (await messages(bob, target, *range(2, 10))) == []


async def test_a_stranger_brings_no_room_into_memory(server, ann, source):
    eve = await server.connect("eve")
    own = await eve.create_group()
    cache = server.app.rooms.cache
    cache.forget_idle(float("inf"), [])
    assert fault(await forward(eve, own, source, 2)) == ("not_found", "from")
    assert [*cache.rooms] == [own]


async def test_a_room_may_keep_its_messages(server, ann, bob, source, target):
    file = await Files(server).ready("ann")
    seq = (await share(ann, source, file))["seq"]
    await govern(server, source, no_forward=True)
    assert fault(await forward(bob, target, source, seq)) == ("forbidden", "from")
    taken = {"url": f"media:{file}", "mime": "x/x", "from": {"room": source, "seq": seq}}
    assert fault(await share(bob, target, taken)) == ("forbidden", "body.attachments[0].from")
    await govern(server, source, no_forward=False)
    assert (await forward(bob, target, source, seq))["type"] == "ok"


async def test_a_forward_is_a_message_of_its_room(server, ann, bob, source, target):
    """Its rules hold for it: who posts, and how often."""
    seq = await send(ann, source, text="mine")
    other = await ann.create_group("bob")
    await govern(server, other, post="admin")
    assert fault(await forward(bob, other, source, seq)) == ("forbidden", None)
    await govern(server, other, slow_s=30)
    assert fault(await forward(bob, other, source, seq, seq)) == ("too_large", "seqs")
    assert (await forward(bob, other, source, seq))["type"] == "ok"
    slow = await forward(bob, other, source, seq)
    assert (slow["code"], slow["scope"]) == ("rate_limited", "slow")
    slow = await bob.request(type="send", room=other, key=new_key(), body={"text": "now"})
    assert (slow["code"], slow["scope"]) == ("rate_limited", "slow")
    assert (await forward(ann, other, source, seq, seq))["type"] == "ok"


async def test_a_forward_is_a_message_request_of_one_text(tmp_path):
    async with in_process(tmp_path, people={"enabled": True}) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        home = await ann.create_group()
        texts = [await send(ann, home, text=str(number)) for number in range(2)]
        card = await send(ann, home, text="Café", card=PLACE)
        room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
        assert fault(await forward(ann, room, home, *texts)) == ("request_pending", "seqs")
        assert (await forward(ann, room, home, card))["code"] == "request_pending"
        assert (await forward(ann, room, home, texts[0]))["type"] == "ok"
        await bob.request(type="room.accept", room=room)
        assert (await forward(ann, room, home, *texts, card))["type"] == "ok"


async def test_files_of_a_copy_are_its_forwarders_own(server, ann, bob, source, target):
    files = Files(server)
    file, picture = (
        await files.ready("ann", size=300, name="a.pdf"),
        await files.ready("ann", "picture", size=200),
    )
    album = {"type": "album", "ref": "a/1", "title": "Tour", "images": [f"media:{picture}"] * 2}
    body = {"attachments": [{"url": f"media:{file}", "mime": "x/x", "alt": "A map"}], "card": album}
    seq = await send(ann, source, **body)
    copy = (await forward(bob, target, source, seq))["event"]["body"]
    urls = [copy["attachments"][0]["url"], *copy["card"]["images"]]
    assert copy["attachments"][0]["alt"] == "A map"
    assert not {f"media:{file}", f"media:{picture}"} & set(urls)
    assert await files.usage("u:bob") == (300 + 2 * 200, 3)
    await ann.request(type="recall", room=source, key=new_key(), target=seq)
    assert await files.known(picture) is None
    for url in urls:
        assert (await files.known(url.removeprefix("media:"))).file.owner == "bob"


async def test_copies_have_a_quota_together(server, ann, bob, source, target):
    files = Files(server)
    big = [(await share(ann, source, await files.ready("ann", size=MIB - 2)))["seq"] for _ in range(2)]
    assert (await forward(bob, target, source, *big))["type"] == "ok"
    assert (await files.usage("u:bob"))[1] == 2
    small = [(await share(ann, source, await files.ready("ann", size=2)))["seq"] for _ in range(2)]
    refused = await forward(bob, target, source, *small, small[0])
    assert (refused["code"], refused["scope"]) == ("quota", "user")
    assert (await files.usage("u:bob"))[1] == 2
    assert (await forward(bob, target, source, *small))["type"] == "ok"


async def test_pictures_of_a_card_are_ones_own(server, ann, bob, source):
    files = Files(server)
    mine, theirs, paper = (
        await files.ready("ann", "picture"),
        await files.ready("bob", "picture"),
        await files.ready("ann"),
    )
    for file, code in ((mine, None), (theirs, "not_found"), (paper, "not_found"), ("A" * 22, "not_found")):
        card = {**PLACE, "image": f"media:{file}"}
        reply = await ann.request(type="send", room=source, key=new_key(), body={"card": card})
        assert reply.get("code") == code
        assert code is None or reply["field"] == "body.card.image"
    assert (await files.known(mine)).uses == 1


async def test_forwards_have_a_rate(server, ann, bob, source, target):
    seq = await send(ann, source, text="again")
    assert (await forward(bob, target, source, *[seq] * 99))["type"] == "ok"
    refused = await forward(bob, target, source, seq, seq)
    assert (refused["code"], refused["scope"]) == ("rate_limited", "user")
    assert (await forward(bob, target, source, seq))["type"] == "ok"
    many = await forward(bob, target, source, *[seq] * 101)
    assert fault(many) == ("too_large", "seqs")
    assert fault(await forward(bob, target, source)) == ("bad_request", "seqs")
