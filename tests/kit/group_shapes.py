"""The schemas of what only governed groups have (protocol.md "Governed groups")."""

from tests.kit.shapes import (
    Shape,
    boolean,
    listed,
    one_of,
    positive,
    record,
    role,
    room,
    text,
    u53,
    user,
    word,
)

any_role = one_of("member", "admin", "owner")
policy = record(
    {},
    {
        "join": one_of("closed", "request", "open"),
        "history": one_of("none", "recent", "all"),
        **dict.fromkeys(("invite", "post", "mention_all", "info", "pin"), any_role),
        **dict.fromkeys(("approve", "listed", "no_forward", "hide_members"), boolean),
        **dict.fromkeys(("slow_s", "retain_s"), u53),
    },
)
member_row = record(
    {"user": user, "role": role, "joined_at": u53},
    {"nickname": word, "silenced_until": positive, "banned_until": positive},
)

GROUP_SETTINGS: dict[str, Shape] = {"policy": policy, "about": text, "tags": listed(word, most=5)}
GROUP_SETTINGS |= dict.fromkeys(("comments", "channel"), text)
GROUP_SUMMARY: dict[str, Shape] = {
    "policy": policy,
    "about": word,
    "tags": listed(word, least=1, most=5),
    "announcement": positive,
    "kept": positive,
    "comments": room,
    "channel": room,
    "joins": positive,
    "nickname": word,
    "silenced_until": positive,
}

_NUMBERED: dict[str, Shape] = {"seq": positive, "time": positive}
# Without a user where the host app did it.
_BY: dict[str, Shape] = {"user": user}
GROUP_KINDS: dict[str, tuple[dict[str, Shape], dict[str, Shape]]] = {
    "silenced": ({**_NUMBERED, "users": listed(user, least=1), "until": u53}, _BY),
    "nickname": ({**_NUMBERED, "nickname": text}, {**_BY, "users": listed(user, least=1, most=1)}),
    "announcement": ({**_NUMBERED, "target": positive, "set": boolean}, _BY),
}
