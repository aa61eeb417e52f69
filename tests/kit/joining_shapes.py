"""The schemas of the ways into groups (protocol.md "Entering groups")."""

from tests.kit.shapes import (
    Shape,
    flag,
    listed,
    more,
    one_of,
    positive,
    record,
    room,
    text,
    text_of,
    user,
    word,
)

room_card = record(
    {},
    {
        "room": room,
        "kind": one_of("channel"),
        "title": word,
        "avatar": word,
        "about": word,
        "tags": listed(word, least=1, most=5),
        "members": positive,
        "join": one_of("request", "open"),
        "approve": flag,
    },
)
join_row = record(
    {"room": room, "user": user, "kind": one_of("asked", "offered"), "time": positive},
    {"by": user, "text": word, "card": room_card},
)
invite = record(
    {
        "invite": text_of(r"[A-Za-z0-9_\-]{22}"),
        "by": text,
        "created_at": positive,
        "expires_at": positive,
    },
    {"uses": positive, "uses_max": positive, "approve": flag, "label": word, "url": word},
)

_Keys = dict[str, Shape]
ADDED: _Keys = {"not_added": listed(user, least=1), "offered": listed(user, least=1), "requested": flag}


def replies(summary: Shape, done: _Keys, event: Shape) -> dict[str, tuple[_Keys, _Keys]]:
    """Return the replies, by request."""
    return {
        "room.join": ({}, {**done, "requested": flag}),
        "members.add": ({}, {**done, "event": event, **ADDED}),
        "invites.create": ({"time": positive, "invite": invite}, {"duplicate": flag}),
        "invites.list": ({"invites": listed(invite)}, {"more": more}),
        "invites.revoke": ({}, done),
        "invites.look": ({"card": room_card}, {}),
        "rooms.find": ({"rooms": listed(room_card)}, {"more": more}),
        "invites.use": ({}, {**done, "requested": flag, "summary": summary}),
        "joins.list": ({"joins": listed(join_row)}, {"more": more}),
        "joins.decide": ({}, {**done, "not_added": listed(user, least=1)}),
    }
