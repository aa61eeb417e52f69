"""The export of a Slack workspace: a zip or its directory, a folder for each channel with a JSON file for each day.

Source: https://slack.com/help/articles/220556107-How-to-read-Slack-data-exports
"""

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from bench.exports.said import NOTICE, Said, documents
from bench.trace import Mending, seconds

# Subtypes in which somebody says something; the others tell what happened to the channel.
SAYING = [
    None,
    *["bot_message", "me_message", "thread_broadcast", "reply_broadcast", "file_share", "file_comment"],
]
ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def read(path: Path, mending: Mending) -> Iterator[Said]:
    """Everything said, file by file. Raises TraceError for what is no such export."""
    for name, rows in documents(path):
        if isinstance(rows, list):  # users.json and others are lists, too, of what has no `ts`
            room = name.parent.name or _alone(path)
            for number, row in enumerate(rows, 1):
                if isinstance(row, dict) and "ts" in row:
                    yield from _row(row, room, f"{name}, message {number}", mending)


def _alone(path: Path) -> str:
    """Return the channel of a file given by itself, or of a folder that is all there is."""
    whole = path.absolute()
    return whole.name if whole.is_dir() else whole.parent.name or PurePath(path).stem


def _row(row: dict[str, Any], room: str, place: str, mending: Mending) -> Iterator[Said]:
    if row.get("type", "message") != "message" or row.get("subtype") not in SAYING:
        mending.leave_out(NOTICE, place)
        return
    profile = row.get("bot_profile")
    user = row.get("user") or row.get("username") or row.get("bot_id")
    if row.get("bot_id") or row.get("subtype") == "bot_message" or profile:
        mending.mend("said by a bot, kept under its name", place)
    if not user:
        mending.leave_out("without a user", place)
        return
    text = str(row.get("text") or "")
    for escape, character in ESCAPES:
        text = text.replace(escape, character)
    yield Said(seconds(row["ts"], place), room, str(user), text, place)
