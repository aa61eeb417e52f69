"""Turn exports of Stream channels into lines for `chatd import`: python3 stream.py export.json ... > stream.ndjson

An export is a list of objects with `channel`, `members` and `messages`, in the format of Stream's API. Of reactions it
has the latest of each message. Files stay where their address says.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

Row = dict[str, Any]
ADDRESSES = ("asset_url", "image_url", "og_scrape_url", "thumb_url", "title_link")
MIMES = {"image": "image/*", "video": "video/*", "audio": "audio/*"}


def user_id(stream: str) -> str:
    return re.sub(r"[^A-Za-z0-9_\-.:@|+]", "_", stream)[:64]


def milliseconds(time: str) -> int:
    # Older Pythons read neither Z nor nine digits.
    short = re.sub(r"(\.\d{1,6})\d*", r"\1", time).replace("Z", "+00:00")
    short = re.sub(r"\.(\d+)", lambda found: "." + found[1].ljust(6, "0"), short)
    return round(datetime.fromisoformat(short).timestamp() * 1000)


def author_of(message: Row) -> str:
    return user_id((message.get("user") or {}).get("id") or message.get("user_id") or "stream")


def people(channel: Row) -> Iterator[Row]:
    found: dict[str, Row] = {}
    for one in (*channel.get("members", []), *channel.get("messages", [])):
        user = one.get("user") or {}
        if "id" in user:
            found[user["id"]] = user
    for id, user in found.items():
        since = {"since": milliseconds(user["created_at"])} if user.get("created_at") else {}
        name, avatar = user.get("name") or "", user.get("image") or ""
        yield {"type": "user", "user": user_id(id), "name": name, "avatar": avatar, **since}


def room(channel: Row, place: str) -> Iterator[Row]:
    about = channel["channel"]
    members = [
        {
            "user": user_id(one.get("user_id") or one["user"]["id"]),
            "role": "admin" if one.get("channel_role") == "channel_moderator" else "member",
            **({"time": milliseconds(one["created_at"])} if one.get("created_at") else {}),
        }
        for one in channel.get("members", [])
    ]
    creator = (about.get("created_by") or {}).get("id") or about.get("created_by_id")
    # Channels that are made for their members have an id that begins so.
    direct = about["id"].startswith("!members") and len(members) == 2
    yield {
        "type": "room", "room": place, "kind": "direct" if direct else "group",
        "time": milliseconds(about["created_at"]), "title": about.get("name") or "", "avatar": about.get("image") or "",
        **({"creator": user_id(creator)} if creator else {}), "members": members[:1000],
    }  # fmt: skip
    for one in members[1000:]:
        yield {"type": "member", "room": place, **one}


def attachment(one: Row) -> Row | None:
    url = next((one[name] for name in ADDRESSES if one.get(name)), None)
    if url is None:
        return None
    mime = one.get("mime_type") or MIMES.get(one.get("type", ""), "application/octet-stream")
    name = one.get("title") or one.get("fallback") or ""
    return {
        "url": url,
        "mime": mime,
        "name": name[:256],
        **({"size": one["file_size"]} if one.get("file_size") else {}),
    }


def message(one: Row, place: str, authors: dict[str, str]) -> Row:
    row = {"type": "message", "room": place, "key": one["id"], "user": author_of(one)}
    row["time"] = milliseconds(one["created_at"])
    if one.get("deleted_at") or one.get("type") == "deleted":
        return {**row, "recalled": True}
    files = [found for part in one.get("attachments") or [] if (found := attachment(part)) is not None][:10]
    text = one.get("text") or ""
    row |= {"body": {"text": text, "attachments": files}} if files else {"text": text}
    for name, key in (("reply_to", "quoted_message_id"), ("thread", "parent_id")):
        if one.get(key):
            row[name] = {"user": authors.get(one[key], row["user"]), "key": one[key]}
    if one.get("message_text_updated_at"):
        row["edited_at"] = milliseconds(one["message_text_updated_at"])
    reactions: dict[str, list[str]] = {}
    for reaction in one.get("latest_reactions") or []:
        user = reaction.get("user_id") or reaction["user"]["id"]
        reactions.setdefault(f":{reaction['type']}:", []).append(user_id(user))
    return {**row, **({"reactions": reactions} if reactions else {})}


def lines(channels: list[Row]) -> Iterator[Row]:
    for channel in channels:
        about = channel["channel"]
        place = about.get("cid") or f"{about['type']}:{about['id']}"
        yield from people(channel)
        yield from room(channel, place)
        messages = sorted(channel.get("messages", []), key=lambda one: milliseconds(one["created_at"]))
        authors = {one["id"]: author_of(one) for one in messages}
        yield from (message(one, place, authors) for one in messages if one.get("type") != "system")


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as opened:
            for line in lines(json.load(opened)):
                print(json.dumps(line))
