"""Turn pages of Sendbird's API into lines for `chatd import`: python3 sendbird.py page.json ... > sendbird.ndjson

Pages of `GET /v3/group_channels` (with `show_member=true`) have `channels`, those of `.../messages` (with
`include_reactions=true`) have `messages`, in any order of files. Files stay where their address says.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]
# Later than any time in seconds, earlier than any in milliseconds.
SECONDS_MAX = 100_000_000_000


def user_id(sendbird: str) -> str:
    return re.sub(r"[^A-Za-z0-9_\-.:@|+]", "_", sendbird)[:64]


def milliseconds(time: int) -> int:
    """Return a time in milliseconds: those of channels are in seconds."""
    return time * 1000 if time < SECONDS_MAX else time


def author_of(message: Row) -> str:
    return user_id((message.get("user") or {}).get("user_id") or "sendbird")


def people(channels: list[Row], messages: list[Row]) -> Iterator[Row]:
    found: dict[str, Row] = {}
    for user in (
        *(message.get("user") or {} for message in messages),
        *(one for channel in channels for one in channel.get("members", [])),
    ):
        if user.get("user_id"):
            found[user["user_id"]] = user
    for id, user in found.items():
        name, avatar = user.get("nickname") or "", user.get("profile_url") or ""
        yield {"type": "user", "user": user_id(id), "name": name, "avatar": avatar}


def room(channel: Row) -> Iterator[Row]:
    place, creator = channel["channel_url"], (channel.get("created_by") or {}).get("user_id")
    members = [
        {"user": user_id(one["user_id"]), "role": "admin" if one.get("role") == "operator" else "member"}
        for one in channel.get("members", [])
        if one.get("state", "joined") == "joined"
    ]
    direct = channel.get("is_distinct") and len(members) == 2
    yield {
        "type": "room", "room": place, "kind": "direct" if direct else "group",
        "time": milliseconds(channel["created_at"]), "title": channel.get("name") or "",
        "avatar": channel.get("cover_url") or "", "public": bool(channel.get("is_public")) and not direct,
        **({"creator": user_id(creator)} if creator else {}), "members": members[:1000],
    }  # fmt: skip
    for one in members[1000:]:
        yield {"type": "member", "room": place, **one}


def attachment(file: Row) -> Row:
    size = {"size": file["size"]} if file.get("size") else {}
    mime = file.get("type") or "application/octet-stream"
    return {"url": file["url"], "mime": mime, "name": (file.get("name") or "")[:256], **size}


def message(one: Row, authors: dict[int, str]) -> Row:
    row = {
        "type": "message",
        "room": one["channel_url"],
        "key": str(one["message_id"]),
        "user": author_of(one),
    }
    row["time"] = one["created_at"]
    if one.get("is_removed"):
        return {**row, "recalled": True}
    files = [file for file in (one.get("file"), *(one.get("files") or [])) if file and file.get("url")][:10]
    text = one.get("message") or ""
    row |= {"body": {"text": text, "attachments": [*map(attachment, files)]}} if files else {"text": text}
    parent = one.get("parent_message_id")
    if parent:
        row["reply_to"] = {"user": authors.get(parent, row["user"]), "key": str(parent)}
    if one.get("updated_at"):
        row["edited_at"] = one["updated_at"]
    reactions = {
        f":{reaction['key']}:": [user_id(user) for user in reaction["user_ids"]]
        for reaction in one.get("reactions") or []
    }
    return {**row, **({"reactions": reactions} if reactions else {})}


def lines(pages: list[Row]) -> Iterator[Row]:
    channels = [channel for page in pages for channel in page.get("channels", [])]
    messages = [one for page in pages for one in page.get("messages", [])]
    yield from people(channels, messages)
    for channel in channels:
        yield from room(channel)
    messages.sort(key=lambda one: one["created_at"])
    authors = {one["message_id"]: author_of(one) for one in messages}
    # Those of admins, such as "ann joined", have no author.
    yield from (message(one, authors) for one in messages if one.get("type") != "ADMM")


if __name__ == "__main__":
    found = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as opened:
            found.append(json.load(opened))
    for line in lines(found):
        print(json.dumps(line))
