"""Turn a Slack export (a zip) into lines for `chatd import`: python3 slack.py export.zip > slack.ndjson

Ids of users stay those of Slack. The answers of a thread name its first message. Files stay at Slack: a message has
their address. Notes that somebody joined, left or renamed a channel are left out.
"""

import html
import json
import re
import sys
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

Row = dict[str, Any]

# Lists of rooms, and the key by which the folder of their messages is named.
LISTS = {"channels.json": "name", "groups.json": "name", "mpims.json": "name", "dms.json": "id"}
SAID = {None, "thread_broadcast", "me_message", "bot_message", "file_share", "tombstone"}


def milliseconds(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))


def plain(text: str, names: dict[str, str]) -> str:
    """Return a text without the marks of Slack."""
    text = re.sub(r"<@(\w+)(?:\|[^>]*)?>", lambda found: "@" + names.get(found[1], found[1]), text)
    text = re.sub(r"<#\w+\|([^>]*)>", r"#\1", text)
    text = re.sub(r"<!(\w+)[^>]*>", r"@\1", text)
    text = re.sub(r"<([^>|]+)\|([^>]*)>", r"\2 (\1)", text)
    return html.unescape(re.sub(r"<([^>]+)>", r"\1", text))


def user_of(message: Row) -> str:
    return str(message.get("user") or message.get("bot_id") or "slack")


def users(found: list[Row]) -> Iterator[Row]:
    for user in found:
        profile = user.get("profile", {})
        name = profile.get("display_name") or profile.get("real_name") or user.get("name", "")
        row = {"type": "user", "user": user["id"], "name": name, "avatar": profile.get("image_192", "")}
        yield {**row, "kind": "bot" if user.get("is_bot") else "person"}


def room(channel: Row, list_name: str) -> Iterator[Row]:
    members = channel.get("members", [])
    kind = "direct" if list_name == "dms.json" and len(set(members)) == 2 else "group"
    creator = {"creator": channel["creator"]} if channel.get("creator") else {}
    yield {
        "type": "room", "room": channel["id"], "kind": kind, "time": int(channel.get("created", 0)) * 1000,
        "title": channel.get("name", ""), **creator, "members": members[:1000],
    }  # fmt: skip
    for user in members[1000:]:
        yield {"type": "member", "room": channel["id"], "user": user}


def message(one: Row, place: str, names: dict[str, str], authors: dict[str, str]) -> Row:
    """Return the line of a message. `authors`: of the messages of the room so far, by `ts`."""
    ts, user = one["ts"], user_of(one)
    row = {"type": "message", "room": place, "key": ts, "user": user, "time": milliseconds(ts)}
    if one.get("subtype") == "tombstone":
        return {**row, "recalled": True}
    text, files = (
        plain(one.get("text", ""), names),
        [file for file in one.get("files", []) if file.get("url_private")],
    )
    if files:
        row["body"] = {"text": text, "attachments": [attachment(file) for file in files[:10]]}
    else:
        row["text"] = text
    first = one.get("thread_ts", ts)
    if first != ts:
        row["thread"] = {"user": one.get("parent_user_id") or authors.get(first, user), "key": first}
    if "edited" in one:
        row["edited_at"] = milliseconds(one["edited"]["ts"])
    reactions: dict[str, list[str]] = {}
    for reaction in one.get("reactions", []):
        # Skin tones are behind the name.
        reactions.setdefault(f":{reaction['name'].partition('::')[0]}:", []).extend(reaction["users"])
    return {**row, **({"reactions": reactions} if reactions else {})}


def attachment(file: Row) -> Row:
    sizes = {"size": "size", "width": "original_w", "height": "original_h"}
    known = {name: int(file[key]) for name, key in sizes.items() if file.get(key)}
    mime = file.get("mimetype") or "application/octet-stream"
    return {"url": file["url_private"], "mime": mime, "name": file.get("name", "")[:256], **known}


def lines(export: ZipFile) -> Iterator[Row]:
    files = set(export.namelist())
    people = json.loads(export.read("users.json")) if "users.json" in files else []
    names = {row["user"]: row["name"] for row in users(people)}
    yield from users(people)
    for name, folder in LISTS.items():
        for channel in json.loads(export.read(name)) if name in files else ():
            yield from room(channel, name)
            days = sorted(
                one for one in files if re.fullmatch(re.escape(channel[folder]) + r"/[^/]*\.json", one)
            )
            authors: dict[str, str] = {}
            for day in days:
                for one in sorted(
                    json.loads(export.read(day)), key=lambda row: milliseconds(row.get("ts", "0"))
                ):
                    if one.get("type") == "message" and one.get("subtype") in SAID:
                        yield message(one, channel["id"], names, authors)
                        authors[one["ts"]] = user_of(one)


if __name__ == "__main__":
    with ZipFile(sys.argv[1]) as opened:
        for line in lines(opened):
            print(json.dumps(line))
