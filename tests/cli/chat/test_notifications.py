"""notifications.py: preferences as they are typed and shown, and why somebody was not told."""

import asyncio
from pathlib import Path

import pytest

from chatd.cli.chat.notifications import CHOICES, SWITCHES, changed, described
from chatd.cli.chat.typed import InvalidCommand
from chatd.client import Client
from chatd.config.push import PushApp
from chatd.core.push import Address
from chatd.core.push_registrations import Registration
from chatd.protocol.push import PushPreferences
from tests.cli.chat.test_people import Terminal
from tests.kit.daemon import RunningDaemon, config_for
from tests.kit.push_peer import PushPeer
from tests.kit.tokens import token_for


def test_every_preference_is_shown_with_its_default():
    usual = PushPreferences()
    keys = {*CHOICES, *SWITCHES, "quiet", "timezone"}
    assert keys == set(PushPreferences.__struct_fields__)
    for key, words in CHOICES.items():
        assert getattr(usual, key) == words[0]
    assert {key: getattr(usual, key) for key in SWITCHES} == SWITCHES
    assert {line.split(" ")[0] for line in described({})} == keys
    assert described({}, only_changed=True) == []


def test_what_is_typed_is_changed_and_the_rest_stays():
    before = {"messages": "mentions", "reactions": True}
    after = changed(before, "groups=none friends=off quiet=22:30-07:00,13:00-14:00 timezone=Europe/Berlin")
    assert after == {
        "messages": "mentions",
        "reactions": True,
        "groups": "none",
        "friends": False,
        "quiet": [{"from": "22:30", "to": "07:00"}, {"from": "13:00", "to": "14:00"}],
        "timezone": "Europe/Berlin",
    }
    assert "quiet 22:30-07:00, 13:00-14:00" in described(after, only_changed=True)
    assert changed(after, "quiet=off timezone=") == {
        "messages": "mentions", "reactions": True, "groups": "none", "friends": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("groups", "usage"),
        ("colour=red", "there is no colour"),
        ("groups=some", "all, mentions or none"),
        ("friends=yes", "on or off"),
        ("quiet=late", "22:30-07:00"),
    ],
)
def test_what_makes_no_sense_is_said(typed, says):
    with pytest.raises(InvalidCommand, match=says):
        changed({}, typed)


async def test_what_is_chosen_in_the_terminal_decides_and_is_explained(tmp_path: Path) -> None:
    app = PushApp(platform="fcm", key_file="k")
    daemon = RunningDaemon(config_for(tmp_path, push={"enabled": True, "apps": (app,), "delay_s": 0}))
    daemon._daemon.make_sender = PushPeer().make
    await daemon.start()
    now_ms = daemon.app.context.env.now_ms

    async def get_token() -> str:
        return token_for("alice")

    try:
        async with Client(daemon.url, get_token) as client:
            alice = Terminal(client, await client.direct("bob"))
            await alice.talk.begin()
            room = alice.talk._room.id
            phone = Registration(
                "alice", "A" * 22, Address("fcm", "", "token"), now_ms(), daemon.app.store.epoch
            )
            await daemon.app.writer.submit_and_wait("alice", phone)
            await alice.types("/push", "/notify none", "/push reactions=on", "/notify loud", "/why x")
            await alice.sees("messages all")
            await alice.sees("of this chat you are told: none")
            await alice.sees("on all your devices: receipts on, presence on, reactions on")
            assert any("usage: /notify" in line for line in alice.screen.shown)
            assert any("usage: /why" in line for line in alice.screen.shown)
            await alice.types("/why")
            await alice.sees("nothing was decided about this")
            body = {"text": "hello"}
            posted = await daemon.api(
                "POST", f"/v1/rooms/{room}/messages", **{"as": "bob", "key": "key-of-bob-0001", "body": body}
            )
            await alice.sees("hello")
            while not any("switched it off" in line for line in alice.screen.shown):
                await alice.types(f"/why #{posted.json['seq']}")
                await asyncio.sleep(0.05)
    finally:
        await daemon.stop()
