"""Groups, channels and the inbox as an app uses them, between clients of a real daemon."""

import time
from contextlib import AsyncExitStack

import pytest

from chatd.client import ARCHIVE, Client, Forbidden, NotFound
from tests.kit.daemon import config_for, running_daemon
from tests.kit.tokens import token_for
from tests.kit.waiting import until


@pytest.fixture
async def client_of(tmp_path):
    """Connect users to one daemon: `await client_of("ann")`."""
    config = config_for(tmp_path, channels={"enabled": True, "create": "users", "head_interval_s": 0.05})
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(running_daemon(config))

        async def connect(user):
            async def get_token():
                return token_for(user)

            return await stack.enter_async_context(Client(daemon.url, get_token))

        yield connect


async def test_a_group_governs_itself(client_of):
    ann, bob = await client_of("ann"), await client_of("bob")
    group = await ann.create_group("Bikes", ["bob", "cec"], policy={"post": "admin"})
    await until(lambda: group.id in bob.rooms)
    theirs = bob.room(group.id)
    assert theirs.policy == {"post": "admin"}
    with pytest.raises(Forbidden):
        await theirs.send("me, too")
    await group.set_policy(post="member")
    await theirs.send("now")
    await theirs.set_nickname("Bo")
    await group.announce((await group.send("Read this")).seq)
    await until(lambda: theirs.summary.announcement and theirs.summary.nickname == "Bo")
    assert "cec" in (await group.readers(theirs.summary.announcement, unread=True)).readers
    await group.silence(["bob"], 1)
    await until(lambda: theirs.summary.silenced_until == 1)
    assert [(one.nickname, one.silenced_until) for one in await group.fetch_members(["bob"])] == [("Bo", 1)]
    await group.ban(["bob"], recall=True)
    await until(lambda: group.id not in bob.rooms)
    assert [one.user async for one in group.members(role="banned")] == ["bob"]
    await group.unban(["bob"])
    assert list((await group.add(["bob"])).not_added) == []


async def test_posts_of_a_channel_are_commented_on_in_its_group(client_of):
    ann, bob = await client_of("ann"), await client_of("bob")
    channel, group = await ann.create_channel("Bike news"), await ann.create_group("Discussion")
    post = (await channel.send("Spring tour")).seq
    followed = await bob.join(channel.id)
    await channel.update(comments=group.id)
    assert (channel.summary.comments, group.summary.channel) == (group.id, channel.id)
    await until(lambda: followed.summary.comments == group.id)
    theirs = await bob.join(group.id)
    await theirs.send("beside it")
    first = await theirs.send("I come along", comments_on=post)
    await theirs.post("When?", comments_on=post)
    await until(lambda: len(group.messages) == 3)
    assert [message.post for message in group.messages.values()] == [0, post, post]
    page = await group.comments(post, before=first.seq + 1)
    assert ([message.text for message in page.messages], page.end) == (["I come along"], True)
    assert await followed.comment_counts([post, post + 1]) == {post: 2}
    await channel.update(comments="")
    await until(lambda: not followed.summary.comments and not theirs.summary.channel)


async def test_a_user_enters_by_an_invite_and_by_asking(client_of):
    ann, bob, cec = await client_of("ann"), await client_of("bob"), await client_of("cec")
    group = await ann.create_group("Bikes", policy={"join": "request"})
    invite = await group.invite(uses_max=1, label="for Bob")
    assert (await bob.look_at(invite.invite)).title == "Bikes"
    assert await bob.use_invite(invite.invite) == group.id
    assert [one.uses async for one in group.invites()] == [1]
    with pytest.raises(NotFound):
        await cec.use_invite(invite.invite)
    assert await cec.join(group.id, "Let me in") is None
    await until(lambda: cec.joins)
    asked = cec.joins[group.id]
    assert (asked.kind, asked.card.title, group.id in cec.rooms) == ("asked", "Bikes", False)
    assert [(one.user, one.text) async for one in group.joins()] == [("cec", "Let me in")]
    assert await group.decide(["cec"], accept=True) == []
    await until(lambda: group.id in cec.rooms and not cec.joins)
    await group.revoke()
    assert [one async for one in group.invites()] == []


async def test_a_follower_of_a_channel_is_shown_its_posts(client_of):
    ann, bob = await client_of("ann"), await client_of("bob")
    channel = await ann.create_channel("Bike news")
    followed = await bob.join(channel.id)
    assert (followed.summary.kind, followed.summary.members) == ("channel", 2)
    await channel.send("Spring tour")
    await until(lambda: (followed.summary.preview or {}).get("body") == {"text": "Spring tour"})
    assert followed.unread == 1
    with pytest.raises(Forbidden):
        await followed.send("me, too")
    assert [message.text for message in await followed.timeline()] == ["Spring tour"]


async def test_what_a_user_keeps_is_on_all_their_devices(client_of):
    ann, other, bob = await client_of("ann"), await client_of("ann"), await client_of("bob")
    group = await ann.create_group("Bikes", ["bob"])
    await until(lambda: group.id in bob.rooms and group.id in other.rooms)
    here, there = group, other.room(group.id)
    sent = [
        await bob.room(group.id).send({"text": f"m{n}", "card": CARD} if n == 1 else f"m{n}")
        for n in range(4)
    ]
    await until(lambda: here.applied >= sent[-1].seq and there.applied >= sent[-1].seq)

    key = await here.set_draft("I could br")
    await until(lambda: there.draft is not None)
    assert (there.draft.key, there.draft.body) == (key, {"text": "I could br"})
    await here.set_draft("", key=key)
    await until(lambda: there.draft is None)
    # The server writes nothing when the message of a draft is there: the keys are compared.
    key = await here.set_draft("I could bring the map")
    await until(lambda: there.draft is not None)
    sent.append(await here.send("I could bring the map", key=key))
    await until(lambda: there.draft is None)
    assert group.id in other.drafts

    later = await here.schedule("Later", int(time.time() * 1000) + 3_600_000)
    await until(lambda: later in other.scheduled)
    assert (other.scheduled[later].room, other.scheduled[later].body) == (group.id, {"text": "Later"})
    await here.cancel_scheduled(later)
    await until(lambda: not other.scheduled)

    notes = await ann.direct("ann")
    await notes.forward(group, [sent[1].seq, sent[2].seq])
    kept = await notes.timeline()
    assert [(one.text, one.body.get("forwarded")) for one in kept] == [("m1", {}), ("m2", {})]
    assert kept[0].body["card"] == CARD

    await here.delete_for_me([sent[0].seq, sent[1].seq])
    await until(lambda: there.summary.deleted)
    for room in (here, there):
        assert [one.text for one in await room.timeline()] == ["m2", "m3", "I could bring the map"]
        assert not {sent[0].seq, sent[1].seq} & set(room.messages)
    assert [one.text for one in (await here.fetch(one.seq for one in sent[:4]))] == ["m2", "m3"]
    await here.clear(sent[2].seq)
    await until(lambda: sorted(there.messages) == [sent[3].seq, sent[4].seq])

    await ann.set_folders([{"id": 2, "name": "Sports"}])
    await here.move(ARCHIVE)
    await notes.mark_unread()
    await until(lambda: there.summary.folder == ARCHIVE and other.folders)
    assert other.folders == [{"id": 2, "name": "Sports"}]


CARD = {"type": "link", "url": "https://example.com/tour", "title": "Tour"}


async def test_the_numbers_of_the_list_are_explained_and_proved(client_of):
    ann, bob = await client_of("ann"), await client_of("bob")
    group = await ann.create_group("Bikes", ["bob"])
    await until(lambda: group.id in bob.rooms)
    theirs = bob.room(group.id)
    sent = [await group.send({"text": "@bob", "mentions": ["bob"]}), await group.send("and you?")]
    await until(lambda: theirs.unread == 2)
    unread = await theirs.fetch_unread()
    assert (list(unread.seqs), list(unread.mentions)) == ([one.seq for one in sent], [sent[0].seq])
    badge, rooms = await bob.fetch_badge()
    assert (badge, [(one.room, one.why) for one in rooms]) == (2, [(group.id, "unread")])
    assert await bob.verify()
    # A list that is wrong, for whatever reason, is fetched anew, though nothing changed since the cursor.
    await bob.sync()
    bob._engine.account.replica(group.id).unread = 7
    assert not await bob.verify()
    await until(lambda: theirs.unread == 2)
    await bob.read_all()
    assert (theirs.unread, await bob.fetch_badge()) == (0, (0, []))
    assert await bob.verify()
