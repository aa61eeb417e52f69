"""The shapes of contacts, circles, cards and privacy (protocol.md "People")."""

from typing import Any

from tests.kit.shapes import (
    Misshapen,
    Shape,
    flag,
    host_data,
    listed,
    one_of,
    positive,
    record,
    room,
    text,
    text_of,
    user,
    word,
)

_plate: dict[str, Shape] = {
    "name": word,
    "avatar": word,
    "version": positive,
    "handle": text_of(r"[a-z0-9_.]{3,32}"),
    "verified": word,
}
audience = one_of("everyone", "followers", "acquaintances", "friends", "nobody")
page = record(
    {},
    {
        "cover": word,
        "theme": record({}, {"name": word, "colors": listed(word, least=1, most=4)}),
        "bio": word,
        "fields": listed(record({"name": word, "value": text}, {"to": audience}), least=1, most=16),
        "data": host_data,
    },
)
plate = record({"user": user}, _plate)
card = record({"user": user}, {**_plate, "page": page, "common": listed(room, least=1, most=20)})

contact = record(
    {"user": user},
    {
        "stamp": positive,
        "state": one_of("sent", "received", "friend"),
        "since": positive,
        "expires_at": positive,
        "note": word,
        "via": word,
        "remark": word,
        "circles": listed(positive, least=1, most=50),
        "following": flag,
        "blocked": flag,
    },
)
circle = record({"number": positive, "name": word, "since": positive})


def privacy_rules(value: Any, where: str) -> None:
    """Check audiences by capability."""
    if not isinstance(value, dict):
        raise Misshapen(f"{where}: no map of audiences: {value!r}")
    for name, chosen in value.items():
        one_of("knock", "write", "add", "call", "presence", "receipts", "page", "find")(name, where)
        circles = listed(positive, least=1, most=50)
        record({"to": audience}, {"allow": circles, "deny": circles})(chosen, f"{where}.{name}")


privacy = record({"rules": privacy_rules}, {"locked": flag})
