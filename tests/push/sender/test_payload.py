import json
import re
from itertools import product
from typing import get_args

import msgspec
import pytest

from chatd.core.push import Address, Kind, Notification
from chatd.push.sender.apns import aps_of
from chatd.push.sender.payload import (
    PLAINTEXT_MAX,
    Inexpressible,
    fitted,
    plain,
    sealed_for,
    sentence,
    visible,
)
from tests.kit import document
from tests.kit.push_services.example import FULL
from tests.kit.push_services.web_push import Keys


def test_the_payload_has_its_version_and_nothing_that_is_absent():
    assert json.loads(plain(Notification("test", "t"))) == {"v": 1, "kind": "test", "tag": "t"}
    assert json.loads(plain(FULL)) == {
        "v": 1,
        "kind": "message",
        "tag": "mY3k0Qp7sT1vW9xZ",
        "room": "g4fKz81QwXe2",
        "seq": 1041,
        "user": "u7",
        "name": "Bob",
        "title": "Bike tour",
        "text": "Who brings the map?",
        "badge": 3,
        "time": 1_763_899_990_000,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("MESSAGE", [])),
        ({"name": "Bob"}, ("MESSAGE_FROM", ["Bob"])),
        ({"name": "Bob", "text": "Hi"}, ("MESSAGE_FROM_TEXT", ["Bob", "Hi"])),
        ({"name": "Bob", "title": "Tour"}, ("MESSAGE_IN", ["Bob", "Tour"])),
        ({"name": "Bob", "title": "Tour", "text": "Hi"}, ("MESSAGE_IN_TEXT", ["Bob", "Tour", "Hi"])),
        ({"name": "Bob", "content": "picture"}, ("MESSAGE_FROM_PICTURE", ["Bob"])),
        ({"name": "Bob", "title": "Tour", "content": "voice"}, ("MESSAGE_IN_VOICE", ["Bob", "Tour"])),
        ({"name": "Bob", "content": "card:poll"}, ("MESSAGE_FROM_CARD", ["Bob"])),
        ({"name": "Bob", "content": "hologram"}, ("MESSAGE_FROM", ["Bob"])),
        ({"count": 3}, ("MESSAGES", ["3"])),
        ({"name": "Bob", "count": 3, "text": "Hi"}, ("MESSAGES_FROM", ["Bob", "3"])),
        ({"name": "Bob", "title": "Tour", "count": 3}, ("MESSAGES_IN", ["Tour", "3"])),
        ({"kind": "mention"}, ("MENTION", [])),
        (
            {"kind": "mention", "name": "B", "title": "T", "text": "Hi", "count": 2},
            ("MENTION_IN_TEXT", ["B", "T", "Hi"]),
        ),
        ({"kind": "reaction", "name": "Bob", "text": "👍"}, ("REACTION_FROM_TEXT", ["Bob", "👍"])),
        ({"kind": "friend", "name": "Bob", "title": "x"}, ("FRIEND_FROM", ["Bob"])),
        ({"kind": "invite", "name": "Bob", "title": "Tour"}, ("INVITE_IN", ["Bob", "Tour"])),
        ({"kind": "test", "name": "Bob"}, ("TEST", [])),
    ],
)  # fmt: skip
def test_a_sentence_says_as_much_as_is_shown(given, expected):
    assert sentence(Notification(**{"kind": "message", "tag": "t", **given})) == expected


def test_what_takes_others_away_has_no_sentence():
    with pytest.raises(Inexpressible):
        sentence(Notification("read", "t"))


def test_a_sealed_payload_tells_all_to_the_device_and_little_to_the_service():
    keys = Keys()
    address = Address("apns", "a", "t", p256dh=keys.p256dh_bytes, auth=keys.secret)
    assert json.loads(keys.open(sealed_for(address, FULL, bytes(16)))) == json.loads(plain(FULL))
    assert json.loads(plain(visible(FULL))) == {"v": 1, "kind": "message", "tag": FULL.tag, "badge": 3}


@pytest.mark.parametrize("text", ["x" * 5000, '"' * 5000, "😀" * 5000, "e" + "\u0301" * 5000, "\x00" * 5000])
def test_a_text_is_cut_until_it_fits_and_never_in_the_middle_of_a_character(text):
    keys = Keys()
    address = Address("apns", "a", "t", p256dh=keys.p256dh_bytes, auth=keys.secret)
    notification = Notification("message", "t", name="n" * 80, title="😀" * 80, text=text)
    opened = json.loads(keys.open(sealed_for(address, notification, bytes(16))))
    assert opened["name"] == "n" * 80
    assert len(opened.get("text", "")) <= 160


def test_names_go_before_a_notification_does():
    notification = Notification("message", "t", name="😀" * 5000, text="Hi")
    assert json.loads(fitted(notification, plain, PLAINTEXT_MAX)) == {"v": 1, "kind": "message", "tag": "t"}
    with pytest.raises(Inexpressible):
        fitted(Notification("message", "t" * 5000), plain, PLAINTEXT_MAX)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [(b"x", bytes(16)), (b"\x04" + bytes(64), bytes(16)), (Keys().p256dh_bytes, b"")],
    ids=["short", "origin", "no secret"],
)
def test_keys_that_seal_nothing_are_told(p256dh, auth):
    with pytest.raises(Inexpressible, match="key"):
        sealed_for(Address("apns", "a", "t", p256dh=p256dh, auth=auth), FULL, bytes(16))


def test_the_document_has_every_key():
    rows = document.section("22.4.1").table(first="Key")
    stated = {key: row for row in rows for key in document.words(row["Key"])}
    fields = msgspec.structs.fields(Notification)
    assert set(stated) == {field.name for field in fields}
    assert {key for key, row in stated.items() if row["Default"] == "required"} == {"v", "kind", "tag"}
    assert set(get_args(Kind)) <= set(re.findall(r"`(\w+)`", stated["kind"]["Meaning"]))


def test_the_document_has_every_sentence():
    """All that can be said is asked for, and nothing else stands there."""
    values = {
        "kind": [kind for kind in get_args(Kind) if kind != "read"],
        "name": [msgspec.UNSET, "name"],
        "title": [msgspec.UNSET, "title"],
        "text": [msgspec.UNSET, "text"],
        "content": [
            msgspec.UNSET,
            "picture",
            "video",
            "voice",
            "file",
            "sticker",
            "card",
            "card:poll",
            "other",
        ],
        "count": [msgspec.UNSET, 2],
    }
    said = {}
    for given in product(*values.values()):
        key, arguments = sentence(Notification(tag="t", **dict(zip(values, given, strict=True))))
        said[key] = ["count" if one == "2" else one for one in arguments]
    stated = {
        key: [one for one in row["Arguments"].split(", ") if one]
        for row in document.section("22.4.3").table(first="Loc-key")
        for key in document.words(row["Loc-key"])
    }
    assert stated == said


def test_the_examples_of_the_document_are_what_is_sent():
    [shown] = re.findall("```json\n(.*?)```", document.section("22.4.2").text, re.DOTALL)
    [sealed] = re.findall("```json\n(.*?)```", document.section("22.4.4").text, re.DOTALL)
    assert json.loads(shown) == {"aps": aps_of(FULL, is_sealed=False), **json.loads(plain(FULL))}
    given = json.loads(sealed)
    assert given.pop("sealed")
    assert given == {"aps": aps_of(visible(FULL), is_sealed=True), **json.loads(plain(visible(FULL)))}
