"""Turn JSON exports of Matrix rooms into lines for `chatd import`: python3 matrix.py room.json ... > matrix.ndjson

An export has the events of one room in `messages`, as Element writes it. In the ids of users, what chatd does not allow
becomes an underscore. What was encrypted is in the export only where the one who exported could read it.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]
KINDS = {"m.text", "m.emote", "m.notice", "m.image", "m.file", "m.audio", "m.video", "m.location"}
FILES = {"m.image", "m.file", "m.audio", "m.video"}


def user_id(matrix: str) -> str:
    return re.sub(r"[^A-Za-z0-9_\-.:@|+]", "_", matrix)[:64]


def relation(event: Row) -> Row:
    found: Row = event.get("content", {}).get("m.relates_to") or {}
    return found


def body_of(content: Row) -> Row:
    text = content.get("body", "")
    if "m.in_reply_to" in (content.get("m.relates_to") or {}):
        # A quote of the message that is answered, for clients that show no replies.
        text = re.sub(r"\A(> .*\n)+\n", "", text)
    if content.get("msgtype") not in FILES or "url" not in content:
        return {"text": text}
    info = content.get("info", {})
    sizes = {"size": info.get("size"), "width": info.get("w"), "height": info.get("h")}
    known = {name: int(size) for name, size in sizes.items() if size}
    mime = info.get("mimetype") or "application/octet-stream"
    return {"body": {"attachments": [{"url": content["url"], "mime": mime, "name": text[:256], **known}]}}


def people(events: list[Row]) -> Iterator[Row]:
    """Yield the line of each person, with the last name they had."""
    profiles: dict[str, Row] = {event["sender"]: {} for event in events}
    for event in events:
        if event["type"] == "m.room.member" and event["content"].get("membership") == "join":
            profiles[event["state_key"]] = event["content"]
    for user, profile in profiles.items():
        name = profile.get("displayname") or user[1:].partition(":")[0]
        yield {"type": "user", "user": user_id(user), "name": name, "avatar": profile.get("avatar_url") or ""}


def members(events: list[Row]) -> list[str]:
    """Return who is in the room at the end: whoever wrote and was not seen to leave."""
    found = dict.fromkeys((event["sender"] for event in events), True)
    for event in events:
        if event["type"] == "m.room.member":
            found[event["state_key"]] = event["content"].get("membership") == "join"
    return [user_id(user) for user, present in found.items() if present]


def lines(export: Row) -> Iterator[Row]:
    events = sorted(export["messages"], key=lambda event: event["origin_server_ts"])
    if not events:
        return
    place, senders = events[0]["room_id"], {event["event_id"]: user_id(event["sender"]) for event in events}
    yield from people(events)
    creators = [{"creator": user_id(one["sender"])} for one in events if one["type"] == "m.room.create"][:1]
    yield {
        "type": "room", "room": place, "kind": "group", "time": events[0]["origin_server_ts"],
        "title": export.get("room_name", ""), **(creators[0] if creators else {}), "members": members(events)[:1000],
    }  # fmt: skip
    for user in members(events)[1000:]:
        yield {"type": "member", "room": place, "user": user}
    edits, reactions = dict[str, Row](), dict[str, dict[str, list[str]]]()
    for event in events:
        target = relation(event)
        if target.get("rel_type") == "m.replace":
            edits[target["event_id"]] = event
        elif event["type"] == "m.reaction" and target.get("key"):
            given = reactions.setdefault(target["event_id"], {})
            given.setdefault(target["key"], []).append(user_id(event["sender"]))
    for event in events:
        if event["type"] == "m.room.message" and relation(event).get("rel_type") != "m.replace":
            id = event["event_id"]
            yield message(event, place, senders, edits.get(id), reactions.get(id))


def message(event: Row, place: str, senders: dict[str, str], edit: Row | None, reactions: Any) -> Row:
    id, content, target = event["event_id"], event.get("content", {}), relation(event)
    row = {
        "type": "message",
        "room": place,
        "key": id,
        "user": senders[id],
        "time": event["origin_server_ts"],
    }
    if content.get("msgtype") not in KINDS:
        return {**row, "recalled": True}
    if edit is not None:
        row["edited_at"] = edit["origin_server_ts"]
        content = {**content, **edit["content"].get("m.new_content", {})}
    row |= body_of(content)
    answered = (target.get("m.in_reply_to") or {}).get("event_id")
    if answered in senders and not target.get("is_falling_back"):
        row["reply_to"] = {"user": senders[answered], "key": answered}
    if target.get("rel_type") == "m.thread" and target["event_id"] in senders:
        row["thread"] = {"user": senders[target["event_id"]], "key": target["event_id"]}
    return {**row, **({"reactions": reactions} if reactions else {})}


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as opened:
            for line in lines(json.load(opened)):
                print(json.dumps(line))
