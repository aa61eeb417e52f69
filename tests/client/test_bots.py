"""Reports, bots and buttons, and what keeps a user from writing, as an app has them."""

import pytest

from chatd.client import (
    Bot,
    Button,
    Command,
    FileStorage,
    Muted,
    RateLimited,
    Rejected,
    Report,
    SendDelayed,
    SendFailed,
    StateChanged,
)
from chatd.client.core.packets import Packet
from tests.client.test_people import asked

ROOM = "g4fKz81QwXe2"
SUMMARY = {"room": ROOM, "seq": 1}
BUTTONS = [
    [{"label": "Vienna", "data": "vie"}, {"label": "Map", "url": "https://a.example/", "color": 3}],
    [{"label": "of a kind that is not known"}],
]


@pytest.mark.parametrize(
    ("subject", "answer", "report"),
    [
        ({"user": "bob"}, {}, Report("r1")),
        ({"room": ROOM}, {"duplicate": True}, Report("r1", duplicate=True)),
        ({"room": ROOM, "seq": 7, "text": "wants my card"}, {}, Report("r1")),
    ],
)
async def test_a_report_names_what_it_is_about_and_nothing_else(connected, subject, answer, report):
    client, peer = await connected()
    request, filed = await asked(peer, "report", client.report("fraud", **subject), report="r1", **answer)
    assert filed == report
    assert set(request) == {"type", "id", "key", "reason", *subject}
    assert request == {**request, "reason": "fraud", **subject}


async def test_the_commands_of_a_bot_are_fetched(connected):
    client, peer = await connected()
    commands = [{"name": "rain", "description": "Will it rain?"}, {"name": "sun"}]
    request, bot = await asked(peer, "bots.get", client.fetch_bot("weather"), commands=commands, welcome=True)
    assert request["bot"] == "weather"
    assert bot == Bot((Command("rain", "Will it rain?"), Command("sun")), welcome=True)
    _, bot = await asked(peer, "bots.get", client.fetch_bot("news"))
    assert bot == Bot()


async def test_a_button_is_pressed_by_a_message(connected):
    client, peer = await connected(rooms=[{**SUMMARY, "first_visible": 2}])
    asking = {"seq": 2, "kind": "message", "user": "weather", "time": 2, "ordinal": 1, "key": "bot:1"}
    event = {**asking, "body": {"text": "Where?", "buttons": BUTTONS}}
    await peer.push({"type": "event", "room": ROOM, "events": [event]})
    await peer.barrier()
    room = client.room(ROOM)
    assert room.messages[2].buttons == ((Button("Vienna", "vie"), Button("Map", url="https://a.example/")),)
    request, receipt = await asked(peer, "send", room.press(2, room.messages[2].buttons[0][0]), seq=3, time=3)
    assert request["body"] == {"text": "Vienna", "data": "vie", "reply_to": 2}
    assert receipt.seq == 3
    with pytest.raises(ValueError, match="sends nothing"):
        await room.press(2, room.messages[2].buttons[0][1])


async def test_what_was_rejected_is_there_after_a_restart_with_its_reason(
    client_of, connected, server, watch, tmp_path
):
    client, peer = await connected(rooms=[SUMMARY], storage=FileStorage(tmp_path / "chat"))
    changes = watch(client)
    key = await client.room(ROOM).post("Buy now")
    await peer.refuse(await peer.expect("send"), "rejected", "never", reason="advertising")
    change = await changes.until(SendFailed, key=key)
    assert isinstance(change.error, Rejected)
    await client.close()
    later = client_of(server, storage=FileStorage(tmp_path / "chat"))
    await later.start()
    (entry,) = later.outbox
    assert (entry.key, entry.error.name, entry.error.reason) == (key, "rejected", "advertising")


@pytest.mark.parametrize(
    ("code", "scope", "kind"), [("muted", "user", Muted), ("rate_limited", "slow", RateLimited)]
)
async def test_what_waits_says_until_when(connected, env, watch, code, scope, kind):
    client, peer = await connected(rooms=[SUMMARY])
    changes = watch(client)
    key = await client.room(ROOM).post("Hi")
    await peer.refuse(await peer.expect("send"), code, "later", retry_after=9000, scope=scope)
    change = await changes.until(SendDelayed, key=key)
    assert isinstance(change.error, kind)
    assert client.outbox[0].until == env.time_ms() + 9000
    env.advance(9)
    assert (await peer.expect("send"))["key"] == key


@pytest.mark.parametrize(("more", "after"), [({"retry_after": 60_000}, 60.0), ({}, 0.0)])
async def test_a_ban_says_when_it_ends(connected, watch, more: Packet, after):
    client, peer = await connected()
    changes = watch(client)
    await peer.bye(4202, "banned", **more)
    await changes.until(StateChanged, code=4202)
    assert (client.closed.reason, client.closed.retry_after_s) == ("banned", after)
