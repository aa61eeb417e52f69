"""search.py over a real store and a real index, which is filled when a test says so."""

from pathlib import Path

import pytest

from chatd.commands import search as command
from chatd.config.problems import ConfigError
from chatd.server.daemon import Daemon
from tests.kit.inprocess import in_process, new_key, settings


class Searched:
    """A server with an index, and a group of Ann and Bob."""

    def __init__(self, server, index, ann, bob, room):
        self.server, self.index, self.ann, self.bob, self.room = server, index, ann, bob, room

    async def texts(self, text="", client=None, **keys):
        return [hit["event"]["body"]["text"] for hit in (await self.ask(text, client, **keys))["hits"]]

    async def ask(self, text="", client=None, **keys):
        keys = {"room": self.room, **keys}
        asked = {key: value for key, value in keys.items() if value is not None}
        if text:
            asked["text"] = text
        reply = await (client or self.ann).request(type="search", **asked)
        assert reply["type"] == "ok", reply
        return reply

    async def act(self, client, **request):
        reply = await client.request(room=self.room, key=new_key(), **request)
        assert reply["type"] == "ok", reply
        return reply


@pytest.fixture
async def searched(tmp_path):
    async with in_process(tmp_path, search={"enabled": True}, rates={"enabled": False}) as server:
        index = server.app.search.index
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        yield Searched(server, index, ann, bob, room)


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_messages_are_found_newest_first_in_every_script(searched, is_indexed):
    for text in ("the weather is fine", "今天天气很好", "Fine, WEATHER permitting", "天 气"):
        await searched.ann.send(searched.room, text)
    if is_indexed:
        searched.index.catch_up()
    assert await searched.texts("weather") == ["Fine, WEATHER permitting", "the weather is fine"]
    assert await searched.texts("天气") == ["今天天气很好"]
    assert await searched.texts("气") == ["天 气", "今天天气很好"]
    assert await searched.texts("weather perm") == ["Fine, WEATHER permitting"]
    assert await searched.texts("nothing") == []


@pytest.mark.parametrize("catches_up", [True, False])
async def test_a_hit_is_what_history_shows_now(searched, catches_up):
    """Recalled, edited, and edited so that it matches: before and after the index has heard of it."""
    recalled, away, towards = [
        (await searched.ann.send(searched.room, text))["seq"] for text in ("red one", "red two", "blue three")
    ]
    searched.index.catch_up()
    await searched.act(searched.ann, type="recall", target=recalled)
    await searched.act(searched.ann, type="edit", target=away, body={"text": "green two"})
    await searched.act(searched.ann, type="edit", target=towards, body={"text": "red three"})
    if catches_up:
        searched.index.catch_up()
    assert await searched.texts("red") == ["red three"]
    assert await searched.texts("green") == ["green two"]
    assert await searched.texts("blue") == []


async def test_newcomers_find_what_they_see(searched):
    await searched.ann.send(searched.room, "before them")
    await searched.act(searched.ann, type="members.add", users=["cid"])
    cid = await searched.server.connect("cid")
    await searched.ann.send(searched.room, "before lunch")
    searched.index.catch_up()
    assert await searched.texts("before", cid) == ["before lunch"]
    assert await searched.texts("before", cid, room=None) == ["before lunch"]
    assert len(await searched.texts("before")) == 2


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_what_one_deleted_for_oneself_is_in_no_hit_and_no_count(searched, is_indexed):
    seqs = [(await searched.ann.send(searched.room, f"hello {number}"))["seq"] for number in range(12)]
    if is_indexed:
        searched.index.catch_up()
    gone = [[seqs[11], seqs[11]], [seqs[0], seqs[3]]]
    reply = await searched.ann.request(type="read", room=searched.room, seq=seqs[11])
    reply = await searched.ann.request(type="delete", room=searched.room, ranges=gone)
    assert reply["type"] == "ok", reply
    left = [f"hello {number}" for number in range(10, 3, -1)]
    assert await searched.texts("hello") == left
    assert await searched.texts("hello", limit=7) == left
    (hit,) = (await searched.ask("hello", room=None))["hits"]
    assert (hit["count"], hit["event"]["seq"]) == (7, seqs[10])
    assert len(await searched.texts("hello", searched.bob)) == 12


async def test_filters(searched):
    picture = {"url": "https://x.org/1", "mime": "image/png", "alt": "a lighthouse"}
    await searched.ann.send(searched.room, "look at https://x.org")
    await searched.act(searched.bob, type="send", body={"text": "sunset", "attachments": [picture]})
    await searched.act(searched.bob, type="send", body={"text": "hi @ann", "mentions": ["ann"]})
    await searched.act(searched.ann, type="send", body={"text": "hi all", "mentions": ["*"]})
    searched.index.catch_up()
    assert await searched.texts(has=["link"]) == ["look at https://x.org"]
    assert await searched.texts(has=["image"]) == ["sunset"]
    assert await searched.texts("lighthouse") == ["sunset"]
    assert await searched.texts(has=["mention"]) == ["hi all", "hi @ann"]
    assert await searched.texts(has=["mention"], client=searched.bob) == ["hi all"]
    assert await searched.texts(**{"from": "bob"}) == ["hi @ann", "sunset"]
    assert await searched.texts("hi", **{"from": "ann"}) == ["hi all"]
    assert await searched.texts("hi", has=["image"]) == []
    assert await searched.texts(has=["card:post"]) == []


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_times_are_bounds_of_a_search(searched, is_indexed):
    times = []
    for number in range(8):
        times.append((await searched.ann.send(searched.room, f"note {number}"))["time"])
        await searched.server.advance(1)
    if is_indexed:
        searched.index.catch_up()
    assert await searched.texts("note", since=times[2], until=times[4]) == ["note 4", "note 3", "note 2"]
    assert await searched.texts("note", until=times[0]) == ["note 0"]
    assert await searched.texts("note", since=times[7] + 1) == []
    assert await searched.texts("note", since=times[4], until=times[2]) == []
    assert await searched.texts("note", room=None, until=times[1]) == ["note 1"]


@pytest.mark.parametrize("indexed", [0, 23, 45])
async def test_pages_follow_each_other(searched, monkeypatch, indexed):
    """With few candidates at once, and an index that ends in the middle."""
    monkeypatch.setattr(command, "CANDIDATES", 3)
    monkeypatch.setattr(command, "ROUNDS", 2)
    for number in range(45):
        await searched.ann.send(searched.room, f"hello {number}" if number % 2 else f"help {number}")
        if number == indexed - 1:
            searched.index.catch_up()
    found, more, pages = [], {}, 0
    while True:
        reply = await searched.ask("hello", limit=4, **more)
        found += [hit["event"]["body"]["text"] for hit in reply["hits"]]
        pages += 1
        if "more" not in reply:
            break
        more = {"more": reply["more"]}
    assert found == [f"hello {number}" for number in range(43, 0, -2)]
    assert pages > 5


async def test_all_rooms_newest_first_each_with_a_count(searched, monkeypatch):
    rooms = [searched.room, *[await searched.ann.create_group("bob") for _ in range(3)]]
    for number, room in enumerate(rooms):
        for _ in range((0, 3, 9, 12)[number]):
            await searched.ann.send(room, f"lunch {number}")
        await searched.ann.send(room, "tea")
    searched.index.catch_up()
    reply = await searched.ask("lunch", room=None)
    assert [(hit["room"], hit["count"]) for hit in reply["hits"]] == [
        (rooms[3], 10),
        (rooms[2], 9),
        (rooms[1], 3),
    ]
    monkeypatch.setattr(command, "ROOMS", 2)
    first = await searched.ask("lunch", room=None, limit=1)
    second = await searched.ask("lunch", room=None, limit=5, more=first["more"])
    assert [hit["room"] for hit in first["hits"] + second["hits"]] == [rooms[3], rooms[2], rooms[1]]
    assert (await searched.ask("lunch", room=None, more=second["more"]))["hits"] == []


async def test_a_count_is_exact_where_the_index_proposes_too_much(searched, monkeypatch):
    monkeypatch.setattr(command, "FEW", 2)
    for number in range(20):
        await searched.ann.send(searched.room, "hello" if number in (1, 4, 5) else "help")
    searched.index.catch_up()
    (hit,) = (await searched.ask("hello", room=None))["hits"]
    assert hit["count"] == 3


async def test_an_index_of_rooms_one_is_not_in_is_never_asked(searched):
    secret = await searched.bob.create_group("cid")
    await searched.bob.send(secret, "secret plan")
    searched.index.catch_up()
    searched.index.asked.clear()
    assert (await searched.ask("secret", room=None))["hits"] == []
    asked = {span.room for span in searched.index.asked}
    numbers = {room.number for room in searched.server.app.rooms.cache.rooms.values() if room.name == secret}
    assert numbers
    assert not asked & numbers
    before = list(searched.index.asked)
    for room in (secret, "gNoSuchRoom0"):
        assert (await searched.ann.request(type="search", room=room, text="secret"))["code"] == "not_found"
    assert searched.index.asked == before


async def test_those_who_left_find_nothing(searched):
    await searched.ann.send(searched.room, "hello")
    searched.index.catch_up()
    await searched.act(searched.bob, type="room.leave")
    refusal = await searched.bob.request(type="search", room=searched.room, text="hello")
    assert refusal["code"] == "not_member"
    assert (await searched.ask("hello", searched.bob, room=None))["hits"] == []


async def test_behind_says_how_much_was_not_searched(searched, monkeypatch):
    from chatd.storage.sqlite import search as reads

    for module in (command, reads):
        monkeypatch.setattr(module, "TAIL", 5)
    await searched.ann.send(searched.room, "hello 0")
    searched.index.catch_up()
    for number in range(1, 10):
        await searched.ann.send(searched.room, f"hello {number}")
    reply = await searched.ask("hello")
    texts = [hit["event"]["body"]["text"] for hit in reply["hits"]]
    assert texts == [f"hello {number}" for number in (9, 8, 7, 6, 5, 0)]
    assert reply["behind"] == 4
    assert (await searched.ask("hello", room=None))["behind"] == 4
    searched.index.is_up = False
    assert len(await searched.texts("hello")) == 5
    searched.index.is_up = True
    searched.index.catch_up()
    reply = await searched.ask("hello")
    assert (len(reply["hits"]), reply.get("behind", 0)) == (10, 0)


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({}, "bad_request", "text"),
        ({"text": "?!"}, "bad_request", "text"),
        ({"text": "x" * 65}, "too_large", "text"),
        ({"text": " ".join("abcdefghijklmnopqr")}, "too_large", "text"),
        ({"text": "a", "limit": 51}, "too_large", "limit"),
        ({"text": "a", "more": "x"}, "bad_request", "more"),
        ({"text": "a", "more": "1.2.3"}, "bad_request", "more"),
        ({"has": ["nonsense"]}, "bad_request", "has[0]"),
    ],
)
async def test_searches_that_cannot_be_carried_out(searched, asked, code, field):
    reply = await searched.ann.request(type="search", room=searched.room, **asked)
    assert (reply["code"], reply.get("field")) == (code, field), reply


async def test_while_it_is_off_nothing_is_there(tmp_path):
    async with in_process(tmp_path) as server:
        ann = await server.connect("ann")
        assert (await ann.request(type="search", text="x"))["code"] == "not_supported"
    assert not Path(tmp_path, "search.sqlite").exists()


async def test_a_search_box_has_a_rate_of_its_own(tmp_path):
    async with in_process(tmp_path, search={"enabled": True}) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        found = [await ann.request(type="search", room=room, text="x") for _ in range(11)]
        assert [reply["type"] for reply in found] == ["ok"] * 10 + ["error"]
        assert (found[-1]["code"], found[-1]["scope"]) == ("rate_limited", "user")
        assert (await ann.send(room))["type"] == "ok"


async def test_without_its_library_it_is_not_switched_on(tmp_path, monkeypatch):
    monkeypatch.setattr("chatd.server.search.is_installed", lambda: False)
    with pytest.raises(ConfigError, match="apsw"):
        await Daemon(settings(tmp_path / "none", search={"enabled": True})).start()
    assert not Path(tmp_path, "none").exists()
    async with in_process(tmp_path) as server:
        wanted = settings(tmp_path, search={"enabled": True}, rates={"writes_burst": 1})
        with pytest.raises(ConfigError, match=r"chatd\[search\]"):
            server.app.reconfigure(wanted)
        assert server.app.context.config.rates.writes_burst > 1
