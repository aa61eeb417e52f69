"""The shapes of the bodies of messages, and of what is in them (protocol.md "Body", "Sharing")."""

from typing import Any

from tests.kit.shapes import (
    Misshapen,
    host_data,
    listed,
    positive,
    record,
    room,
    text,
    text_of,
    u53,
    user,
    word,
)

_address = text_of(r"https://\S+|media:[A-Za-z0-9_-]{22}")


def degrees(value: Any, where: str) -> None:
    if type(value) is not int or abs(value) > 1_800_000_000:
        raise Misshapen(f"{where}: {value!r} are no degrees")


card = record(
    {"type": text_of("[a-z][a-z0-9_]{0,15}")},
    {
        "url": text_of(r"https://\S+"),
        "title": word,
        "text": word,
        "image": _address,
        "images": listed(_address, least=1, most=9),
        "ref": word,
        "user": user,
        "invite": text_of(r"[A-Za-z0-9_-]{22}"),
        "lat": degrees,
        "lon": degrees,
        "count": u53,
        "width": u53,
        "height": u53,
        "data": word,
    },
)
span = record({"at": u53, "length": positive, "user": text})
origin = record({}, {"room": room, "seq": positive, "user": user, "time": positive})
attachment = record(
    {"url": text, "mime": text},
    {
        "name": text,
        "size": u53,
        "width": u53,
        "height": u53,
        "duration": u53,
        "preview": text,
        "alt": text,
        "kind": text_of("picture|video|voice|sticker|file"),
        "sizes": listed(text_of("[ms]"), least=1, most=2),
        "waveform": text_of("[0-9a-v]{64}"),
        "expires_at": positive,
    },
)
button = record({"label": word}, {"data": word, "url": word})
body = record(
    {},
    {
        "text": text,
        "attachments": listed(attachment, least=1, most=10),
        "reply_to": positive,
        "thread": positive,
        "mentions": listed(text, most=50),
        "buttons": listed(listed(button, least=1, most=3), least=1, most=5),
        "card": card,
        "spans": listed(span, least=1, most=50),
        "forwarded": origin,
        "data": host_data,
    },
)
