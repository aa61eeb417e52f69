"""The schemas of replies about files and push notifications (protocol.md "Media", "Push notifications")."""

from tests.kit.shapes import (
    Shape,
    device,
    flag,
    listed,
    more,
    one_of,
    positive,
    record,
    room,
    text,
    text_of,
    u53,
    word,
)

file = text_of(r"[A-Za-z0-9_\-]{22}")
file_kind = one_of("picture", "video", "voice", "sticker", "file")

FILE_AND_PUSH_REPLIES: dict[str, tuple[dict[str, Shape], dict[str, Shape]]] = {
    "file.link": (
        {
            "links": listed(
                record(
                    {"room": room, "seq": u53, "file": file, "url": text, "expires_at": positive},
                    {"size": one_of("m", "s")},
                ),
                most=50,
            )
        },
        {},
    ),
    "file.list": (
        {
            "files": listed(
                record(
                    {"file": file, "kind": file_kind, "size": u53, "created_at": u53},
                    {"name": text, "attached": flag},
                ),
                most=200,
            ),
            "used": u53,
            "quota": u53,
        },
        {"more": more},
    ),
    "sticker.list": (
        {
            "stickers": listed(
                record({"name": text_of(r"[a-z0-9][a-z0-9_-]{0,31}"), "file": file}, {}), most=200
            )
        },
        {"more": more},
    ),
    "push.test": ({"outcome": word}, {"detail": text_of(r".{1,64}")}),
    "push.decisions": (
        {
            "decisions": listed(
                record(
                    {"time": positive, "kind": word, "outcome": word},
                    {"device": device, "room": room, "seq": positive, "detail": text_of(r".{1,64}")},
                ),
                most=50,
            )
        },
        {},
    ),
}
