"""index.py, feeder.py and keeper.py over real files."""

import sqlite3

import pytest

from chatd.core.searches import Span
from chatd.search import feeder as feeding
from chatd.search.feeder import Feeder
from chatd.search.index import Index, IndexLost, expression
from chatd.search.source import STRETCH
from tests.kit.inprocess import in_process, new_key
from tests.kit.search import LocalIndex

ALL = 0xFFFFFFFF


def opened(tmp_path, epoch="one", singles=True):
    return Index(tmp_path / "search.sqlite", epoch, singles=singles)


@pytest.fixture
def index(tmp_path):
    made = opened(tmp_path)
    yield made
    made.close()


def found(index, *tokens, room=1, low=1, high=ALL, limit=100):
    return index.find([[token] for token in tokens], Span(room, low, high), limit)


def test_a_room_is_a_range_and_the_newest_come_first(index):
    with index:
        index.put(1, [(1, ["hel", "wor"]), (2, ["hel"]), (ALL, ["hel"])])
        index.put(2, [(1, ["hel"])])
    assert found(index, "hel") == [ALL, 2, 1]
    assert found(index, "hel", low=2, high=5) == [2]
    assert found(index, "hel", limit=2) == [ALL, 2]
    assert found(index, "hel", "wor") == [1]
    assert found(index, "hel", room=2) == [1]
    assert found(index, "hel", room=3) == []
    assert index.find([["wor", "nope"]], Span(1, 0, 9), 9) == [1]


@pytest.mark.parametrize("token", ["u:Ann-1.x@y|z+_", "m:", "h:card:post", "好", "你好", "👍", "ok1"])
def test_every_kind_of_token_is_kept_whole(index, token):
    with index:
        index.put(1, [(1, [token, "zz"]), (2, [token + "x"])])
    assert found(index, token) == [1]


def test_a_query_cannot_leave_its_quotes():
    assert expression([["a"], ["b", "c"]]) == '("a") AND ("b" OR "c")'


def test_what_is_put_again_replaces_and_what_is_removed_is_gone(index):
    with index:
        index.put(1, [(1, ["red"]), (2, ["red"]), (3, ["red"])])
    with index:
        index.put(1, [(1, ["blu"])])
        index.remove(1, [2])
    assert (found(index, "red"), found(index, "blu")) == ([3], [1])
    with index:
        index.forget(1)
    assert found(index, "red") == found(index, "blu") == []


def test_a_change_is_stored_whole_or_not_at_all(index):
    def fails():
        with index:
            index.put(1, [(1, ["red"])])
            index.move(1, (1, 0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert found(index, "red") == []
    assert index.positions([1]) == {}


@pytest.mark.parametrize("other", [{"epoch": "two"}, {"singles": False}])
def test_an_index_of_another_history_is_of_no_use(tmp_path, index, other):
    with pytest.raises(IndexLost):
        opened(tmp_path, **other)


def test_a_damaged_file_is_of_no_use(tmp_path):
    (tmp_path / "search.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(IndexLost):
        opened(tmp_path)


# --- filling


class Filled:
    def __init__(self, server, client, index, directory):
        self.server, self.client, self.index, self.directory = server, client, index, directory

    async def act(self, room, **request):
        return await self.client.request(room=room, key=new_key(), **request)

    def number(self, room):
        return self.server.app.rooms.cache.rooms[room].number

    def found(self, room, *tokens):
        return self.index.keeper.find(
            [[token] for token in tokens], Span(self.number(room), 1, ALL), 100
        ).seqs

    def again(self):
        """Another process, which was told of nothing."""
        epoch = self.server.app.store.epoch
        self.index = LocalIndex(self.directory / "chatd.sqlite", self.directory / "search.sqlite", epoch)


@pytest.fixture
async def filled(tmp_path):
    async with in_process(tmp_path) as server:
        client = await server.connect("ann")
        server.app.rate_limits._enabled = False
        index = LocalIndex(tmp_path / "chatd.sqlite", tmp_path / "search.sqlite", server.app.store.epoch)
        made = Filled(server, client, index, tmp_path)
        server.app.hooks.published.subscribe(lambda writes: made.index.on_commit(list(writes.rooms)))
        yield made
        await made.index.close()


@pytest.mark.parametrize("step", [1, 3, 100])
async def test_a_log_is_followed_in_steps_of_any_size(filled, step):
    filled.index.keeper._feeder = Feeder(
        filled.index.keeper._writing, filled.server.env.now_ms, step_events=step
    )
    rooms = [await filled.client.create_group("bob") for _ in range(3)]
    for room in rooms:
        seqs = [(await filled.client.send(room, text))["seq"] for text in ("red", "green", "blue", "green")]
        await filled.act(room, type="edit", target=seqs[0], body={"text": "green"})
        await filled.act(room, type="recall", target=seqs[1])
        await filled.act(room, type="react", target=seqs[2], emoji="👍", set=True)
    filled.index.catch_up()
    for room in rooms:
        assert filled.found(room, "gre") == [5, 2]
        assert filled.found(room, "red") == []
        assert filled.found(room, "blu") == [4]
    assert (filled.index.status.is_complete, filled.index.status.behind) == (True, 0)


async def test_one_that_was_away_finds_out_by_itself(filled):
    room = await filled.client.create_group("bob")
    seq = (await filled.client.send(room, "red"))["seq"]
    filled.index.catch_up()
    await filled.index.close()
    filled.again()
    filled.index.keeper._feeder.note = lambda rooms: None
    await filled.act(room, type="recall", target=seq)
    await filled.client.send(room, "green")
    filled.index.catch_up()
    assert (filled.found(room, "red"), filled.found(room, "gre")) == ([], [seq + 2])


async def test_a_deleted_room_leaves_the_index(filled):
    room = await filled.client.create_group("bob")
    await filled.client.send(room, "red")
    filled.index.catch_up()
    number = filled.number(room)
    assert filled.found(room, "red") == [2]
    await filled.act(room, type="room.delete")
    filled.index.catch_up()
    assert filled.index.keeper.find([["red"]], Span(number, 1, ALL), 9) == (0, ())
    assert filled.index.status.rooms == 0


async def test_purged_messages_leave_the_index(filled):
    room = await filled.client.create_group("bob")
    for _ in range(4):
        await filled.client.send(room, "red")
    filled.index.catch_up()
    with sqlite3.connect(filled.directory / "chatd.sqlite") as database:
        database.execute("UPDATE rooms SET purged = 3 WHERE name = ?", (room,))
    database.close()
    filled.index.on_commit([filled.number(room)])
    filled.index.catch_up()
    assert filled.found(room, "red") == [5, 4]


async def test_a_direct_room_may_lose_a_part_of_the_middle(filled):
    room = str((await filled.client.request(type="room.direct", user="bob"))["summary"]["room"])
    for _ in range(4):
        await filled.client.send(room, "red")
    filled.index.catch_up()
    number = filled.number(room)
    with sqlite3.connect(filled.directory / "chatd.sqlite") as database:
        database.execute("UPDATE rooms SET purged = 4 WHERE number = ?", (number,))
        database.execute("DELETE FROM events WHERE position IN (?, ?)", (number << 32 | 3, number << 32 | 4))
    database.close()
    filled.index.on_commit([number])
    filled.index.catch_up()
    assert filled.found(room, "red") == [5, 2]
    assert filled.index.keeper._writing.find([["red"]], Span(number, 1, ALL), 9) == [5, 2]


async def test_a_gap_longer_than_a_step_reads(filled):
    """Of a log from which operations were dropped, long stretches are empty."""
    room = await filled.client.create_group("bob")
    await filled.client.send(room, "red")
    number, far = filled.number(room), 3 * STRETCH
    with sqlite3.connect(filled.directory / "chatd.sqlite") as database:
        database.execute("UPDATE rooms SET seq = ? WHERE number = ?", (far, number))
        places = (number << 32 | far, number << 32 | 2)
        database.execute("UPDATE events SET position = ? WHERE position = ?", places)
    database.close()
    filled.index.catch_up()
    # The message still says where it was.
    assert filled.found(room, "red") == [2]
    assert filled.index.keeper._writing.positions([number]) == {number: (far, 0)}


# --- what was taken away


async def test_words_that_were_taken_away_leave_the_file_within_a_day(filled):
    """Looked for as bytes, as whoever gets hold of the file would."""
    room = await filled.client.create_group("bob")
    texts = [f"{number} zanzibar" for number in range(30)]
    seqs = [(await filled.client.send(room, text))["seq"] for text in texts]
    await filled.client.send(room, "stays")
    filled.index.catch_up()
    for seq in seqs:
        await filled.act(room, type="recall", target=seq)
    filled.index.catch_up()
    index = filled.index.keeper._writing
    index.shed()
    assert index.removed_ms
    assert b"zan" in content(filled.directory)
    now = index.removed_ms
    feeder = Feeder(index, lambda: now + feeding.MERGE_AFTER_MS)
    while feeder.step(filled.index.source):
        pass
    assert index.removed_ms == 0
    assert b"zan" not in content(filled.directory)
    assert filled.found(room, "sta") == [seqs[-1] + 1]


def content(directory):
    return b"".join(path.read_bytes() for path in directory.glob("search.sqlite*"))


async def test_what_is_taken_away_while_merging_waits_for_the_next_time(filled):
    room = await filled.client.create_group("bob")
    seqs = [(await filled.client.send(room, "red"))["seq"] for _ in range(2)]
    filled.index.catch_up()
    index, now = filled.index.keeper._writing, [1]
    feeder = Feeder(index, lambda: now[0])
    feeder.step(filled.index.source)
    for seq in seqs:
        await filled.act(room, type="recall", target=seq)
        feeder.note([filled.number(room)])
        if seq == seqs[0]:
            while feeder.step(filled.index.source):
                pass
            assert index.removed_ms == 1
            now[0] = feeding.MERGE_AFTER_MS + 1
            assert feeder.step(filled.index.source)
    while feeder.step(filled.index.source):
        pass
    assert index.removed_ms == now[0]


# --- made anew


@pytest.mark.parametrize("what", ["deleted", "unwanted", "another epoch"])
async def test_an_index_is_made_anew(filled, what):
    room = await filled.client.create_group("bob")
    await filled.client.send(room, "red")
    filled.index.catch_up()
    keeper = filled.index.keeper
    if what == "deleted":
        (filled.directory / "search.sqlite").unlink()
    elif what == "unwanted":
        keeper.rebuild()
    else:
        await filled.index.close()
        filled.index = LocalIndex(
            filled.directory / "chatd.sqlite", filled.directory / "search.sqlite", "another"
        )
    if what != "another epoch":
        assert filled.found(room, "red") == [2]
        assert keeper.mend()
    assert filled.found(room, "red") == ()
    filled.index.catch_up()
    assert filled.found(room, "red") == [2]
    assert not filled.index.keeper.mend()


async def test_a_damaged_index_is_made_anew(filled):
    room = await filled.client.create_group("bob")
    for number in range(200):
        await filled.client.send(room, f"red{number}")
    filled.index.catch_up()
    filled.index.keeper._writing.shed()
    await filled.index.close()
    path = filled.directory / "search.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    filled.again()
    filled.index.catch_up()
    assert filled.found(room, "red", "red199") == [201]
