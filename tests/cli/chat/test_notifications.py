"""notifications.py: preferences as they are typed and shown."""

import pytest

from chatd.cli.chat.notifications import CHOICES, SWITCHES, changed, described
from chatd.cli.chat.typed import InvalidCommand
from chatd.protocol.push import PushPreferences


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
