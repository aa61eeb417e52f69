"""The shapes of what is shared: cards, places of mentions, origins (protocol.md "Sharing")."""

from typing import Any

from tests.kit.shapes import Misshapen, Shape, listed, positive, record, room, text, text_of, u53, user, word

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
shared: dict[str, Shape] = {"card": card, "spans": listed(span, least=1, most=50), "forwarded": origin}
"""The keys of a body."""
