"""Account rows through a whole daemon without sockets: rounds, pushes, cursors (protocol.md "Account rows")."""

import json

import pytest

from chatd.core.cursors import More
from chatd.core.maintenance import NoteDay
from chatd.core.sections import SECTIONS
from chatd.protocol.rooms import Preferences
from chatd.storage.sqlite.sections import TOMBSTONE_DAYS
from tests.kit.inprocess import device_of, in_process
from tests.kit.notes import NOTES, PutNotes

BOTH = ["account", "notes"]


@pytest.fixture
async def server(tmp_path):
    async with in_process(tmp_path, NOTES, rates={"enabled": False}) as server:
        yield server


async def puts(server, user="ann", /, **values):
    """Set notes, None removes one; the commit."""
    await server.app.writer.submit_and_wait(user, PutNotes(values))
    await server.wait_idle()
    return server.store.stamp


async def comes(server, features=BOTH, user="ann", **hello):
    """Say hello with these feature words; return the client and the page."""
    client = server.client()
    id = client.say_hello(user, features=features, epoch=server.store.epoch, **hello)
    await server.wait_idle()
    reply = client.reply(id)
    client.take()
    return client, reply["sync"]


async def ping(server, client):
    """Return the packet of a heartbeat."""
    client.take()
    await server.advance(31)
    (ping,) = client.take("ping")
    client.send_packets({"type": "pong"})
    return ping


def rows(page, section="notes"):
    """The rows of a page or a push: stamp and value by name, None where it is gone."""
    return {
        row["name"]: (row["stamp"], row.get("value")) for row in page.get("sections", {}).get(section, [])
    }


async def rest_of(client, page):
    """The pages of a round, the given one first."""
    found = [page]
    while "more" in found[-1]:
        assert "full_sections" not in found[-1]
        found.append(await client.request(type="sync", more=found[-1]["more"]))
    return found


async def test_a_preference_is_pushed_to_all_own_devices_and_comes_with_their_next_hello(server):
    client, page = await comes(server, ["account"])
    tablet, _ = await comes(server, ["account"], device=2)
    old, _ = await comes(server, [], device=3)
    other, _ = await comes(server, ["account"], "bob")
    await client.request(type="preferences", receipts=False)
    stamp = server.store.stamp
    row = {"name": "preferences", "stamp": stamp, "value": {"receipts": False, "presence": True}}
    push = {"type": "account", "sections": {"account": [row]}}
    told = client.take()
    assert [packet["type"] for packet in told] == ["account", "ok"]
    assert told[0] == push
    assert tablet.take("account") == [push]
    assert old.take("account") == other.take("account") == []
    _, page = await comes(server, ["account"], cursor=page["cursor"], device=4)
    assert page["sections"] == {"account": [row]}
    assert "full_sections" not in page
    _, page = await comes(server, ["account"], cursor=page["cursor"], device=4)
    assert "sections" not in page
    assert "full_sections" not in page


async def test_what_changes_nothing_stamps_nothing(server):
    client, page = await comes(server, ["account"])
    await client.request(type="preferences", receipts=True)
    assert client.take("account") == []
    assert "sections" not in (await comes(server, ["account"], cursor=page["cursor"]))[1]


async def test_feature_words_hold_on_json_too(server):
    client = server.client(text=True)
    hello = {"type": "hello", "id": 1, "version": 1, "token": "ann", "device": device_of(1)}
    client.session.received(json.dumps({**hello, "features": ["deflate", "account"]}).encode())
    await server.wait_idle()
    assert client.reply(1)["features"] == ["account"]
    assert client.reply(1)["sync"]["full_sections"] == ["account"]
    client.take()
    await server.app.writer.submit_and_wait("ann", Preferences(presence=False))
    (push,) = client.take("account")
    assert rows(push, "account")["preferences"][1] == {"receipts": True, "presence": False}


async def test_a_client_that_names_no_section_has_the_cursor_and_the_pages_of_before(server):
    await server.app.writer.submit_and_wait("ann", Preferences(presence=False))
    client, page = await comes(server, [])
    assert "sections" not in page
    assert len(page["cursor"]) == 16
    assert len((await ping(server, client))["cursor"]) == 16


async def test_a_section_the_cursor_does_not_cover_is_walked_in_full(server):
    """An updated app, whose cursor is from before; a row that has not changed since is in no incremental walk."""
    await puts(server, a=1, b=2)
    await server.app.writer.submit_and_wait("ann", Preferences(presence=False))
    _, page = await comes(server, ["account"])
    assert page["full_sections"] == ["account"]
    _, page = await comes(server, cursor=page["cursor"])
    assert page["full_sections"] == ["notes"]
    assert "full" not in page
    assert {name: value for name, (_, value) in rows(page).items()} == {"a": 1, "b": 2}
    assert rows(page, "account") == {}
    _, page = await comes(server, cursor=page["cursor"])
    assert "sections" not in page
    assert "full_sections" not in page


async def test_a_section_switched_on_later_is_walked_in_full(server, monkeypatch):
    await puts(server, a=1)
    with monkeypatch.context() as off:
        off.setattr(server.app.context, "sections", SECTIONS)
        client, before = await comes(server)
        assert before["full_sections"] == ["account"]
        await puts(server, b=2)  # an import, for one
        assert client.take("account") == []
    _, page = await comes(server, cursor=before["cursor"])
    assert page["full_sections"] == ["notes"]
    assert list(rows(page)) == ["a", "b"]


async def test_a_full_walk_leaves_out_tombstones_but_those_of_its_own_time(server):
    big = "x" * 60_000
    await puts(server, old=1)
    await puts(server, old=None)
    await puts(server, **{f"n{number}": big for number in range(9)})
    client, page = await comes(server)
    assert "more" in page
    assert "old" not in rows(page)
    stamp = await puts(server, n0=None)  # was on the page before
    found = await rest_of(client, page)
    assert rows(found[-1])["n0"] == (stamp, None)
    assert found[-1]["full_sections"] == BOTH
    assert len({name for page in found for name in rows(page)}) == 9


async def test_an_incremental_walk_names_tombstones(server):
    await puts(server, a=1, b=1)
    _, page = await comes(server)
    stamp = await puts(server, a=None)
    _, page = await comes(server, cursor=page["cursor"])
    assert rows(page) == {"a": (stamp, None)}


async def test_rows_of_one_commit_are_walked_once_each_however_pages_cut_them(server):
    """The walk goes on between two rows of one stamp."""
    wanted = {f"n{number:03}": "x" * 9_000 for number in range(120)}
    await puts(server, **wanted)
    client, page = await comes(server)
    found = await rest_of(client, page)
    assert len(found) > 3
    named = [row["name"] for page in found for row in page["sections"]["notes"]]
    assert sorted(named) == sorted(wanted)


async def test_more_rows_than_a_push_takes_withhold_the_cursor_until_their_round_has_ended(server):
    client, page = await comes(server)
    assert (await ping(server, client))["cursor"]
    await puts(server, **{f"n{number}": number for number in range(201)})
    assert client.take("account") == [{"type": "account", "more": True}]
    assert "cursor" not in await ping(server, client)
    await client.request(type="sync", cursor=page["cursor"])
    assert (await ping(server, client))["cursor"]


async def test_a_round_begun_before_the_rows_does_not_free_the_cursor(server):
    """It may have passed their section already."""
    await server.app.writer.submit_and_wait("ann", Preferences(presence=False))
    await puts(server, **{f"a{number}": "x" * 60_000 for number in range(5)})
    client, page = await comes(server)
    await puts(server, **{f"n{number}": number for number in range(201)})
    assert "cursor" in (await rest_of(client, page))[-1]
    assert "cursor" not in await ping(server, client)


async def test_two_hundred_rows_are_pushed(server):
    client, _ = await comes(server)
    await puts(server, **{f"n{number}": number for number in range(200)})
    (push,) = client.take("account")
    assert len(rows(push)) == 200
    assert "more" not in push
    assert (await ping(server, client))["cursor"]


async def test_long_rows_are_not_pushed_either(server):
    client, _ = await comes(server)
    await puts(server, a="x" * 60_000)
    assert client.take("account") == [{"type": "account", "more": True}]


async def test_a_hello_that_a_change_overtook_reads_again(server):
    """The commit is published between the read of a hello and its subscription."""
    _, page = await comes(server)
    held = server.store.hold("hello", after=True)
    client = server.client()
    id = client.say_hello("ann", device=2, features=BOTH, epoch=server.store.epoch, cursor=page["cursor"])
    await held.reached.wait()
    await server.app.writer.submit_and_wait("ann", PutNotes({"a": 1}))
    held.release()
    await server.wait_idle()
    assert list(rows(client.reply(id)["sync"])) == ["a"]


async def test_a_hello_with_nothing_new_reads_no_rows(server, monkeypatch):
    await puts(server, a=1)
    _, page = await comes(server)
    monkeypatch.setattr("chatd.storage.sqlite.sections.Sections._behind", None)
    assert "sections" not in (await comes(server, cursor=page["cursor"]))[1]


async def test_of_a_changed_epoch_everything_is_listed(server):
    await puts(server, a=1)
    _, page = await comes(server)
    client = server.client()
    id = client.say_hello("ann", device=2, features=BOTH, epoch="another", cursor=page["cursor"])
    await server.wait_idle()
    page = client.reply(id)["sync"]
    assert page["full"]
    assert page["full_sections"] == BOTH
    assert list(rows(page)) == ["a"]


async def notes_day(server, day):
    await server.app.writer.submit_and_wait("", NoteDay(day))
    return server.store.stamp


async def test_a_cursor_older_than_the_tombstones_is_a_full_round(server):
    await puts(server, a=1, b=1)
    _, before = await comes(server)
    await puts(server, a=None)
    await notes_day(server, 1000)
    _, after = await comes(server)
    await notes_day(server, 1000 + TOMBSTONE_DAYS - 1)
    _, page = await comes(server, cursor=before["cursor"])
    assert "full" not in page
    assert rows(page)["a"][1] is None
    await notes_day(server, 1000 + TOMBSTONE_DAYS)
    _, page = await comes(server, cursor=before["cursor"])
    assert page["full"]
    assert page["full_sections"] == BOTH
    assert list(rows(page)) == ["b"]
    _, page = await comes(server, cursor=after["cursor"])
    assert "full" not in page
    _, page = await comes(server, [], cursor=before["cursor"])  # who keeps no rows misses no tombstone
    assert "full" not in page


async def test_what_is_younger_than_the_floor_is_kept(server):
    await puts(server, a=1)
    await notes_day(server, 1000)
    _, before = await comes(server)
    await puts(server, a=None)
    await notes_day(server, 1000 + TOMBSTONE_DAYS)
    _, page = await comes(server, cursor=before["cursor"])
    assert "full" not in page
    assert rows(page)["a"][1] is None


async def test_a_token_without_read_gets_no_rows(server):
    claims = await server.identity.verify("ann")
    server.identity.claims["ann"] = type(claims)("ann", claims.expires_at_s, allow=frozenset({"send"}))
    client, page = await comes(server, ["account"])
    await server.app.writer.submit_and_wait("ann", Preferences(presence=False))
    assert client.take("account") == []
    assert page == {"rooms": []}


@pytest.mark.parametrize("bit", [5, 200])
async def test_a_continuation_in_a_section_that_is_none_ends_the_round(server, bit):
    client, _ = await comes(server, ["account"])
    more = More(0, 1, 4 + bit, 0, 0, previews=False, events=0, sections=0xFFFF, full_sections=0xFFFF)
    assert "cursor" in await client.request(type="sync", more=more.pack())
