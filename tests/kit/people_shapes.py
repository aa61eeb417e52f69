"""The shapes of contacts, circles, cards and privacy (protocol.md "People")."""

from tests.kit.shapes import (
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
    "kind": one_of("bot", "official"),
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


_capabilities = ("knock", "write", "add", "call", "presence", "receipts", "page", "find")
_circles = listed(positive, least=1, most=50)
bounds = record({}, dict.fromkeys(_capabilities, listed(audience, least=3, most=3)))
privacy_rules = record(
    {}, dict.fromkeys(_capabilities, record({"to": audience}, {"allow": _circles, "deny": _circles}))
)
privacy = record({"rules": privacy_rules}, {"locked": flag})
