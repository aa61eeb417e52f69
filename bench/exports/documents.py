"""Exports in JSON, of a Slack workspace and of Telegram Desktop; and what all exports have in common.

Sources: https://slack.com/help/articles/220556107-How-to-read-Slack-data-exports (a folder for each channel with a file
for each day), https://telegram.org/blog/export-and-more, and what Telegram wrote before 2021.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any

from bench.trace import (
    ROOM_CHARS_MAX,
    TEXT_BYTES_MAX,
    Mending,
    Message,
    TraceError,
    files,
    in_order,
    seconds,
    whole_text,
)

MINUTE_S = 60.0
NOTICE = "notices: who came, went, or changed something"  # why a line is left out


def documents(path: Path) -> Iterator[tuple[PurePath, Any]]:
    """Yield the JSON files of an export, decoded, each with its name inside. Raises TraceError."""
    for name, content in files(path, ".json"):
        try:
            yield name, json.loads(content)
        except (ValueError, RecursionError) as error:
            raise TraceError(f"{name}: not JSON: {error}") from None


def tidied(said: Iterable[Message], mending: Mending) -> list[Message]:
    """Everything that can be replayed, by time; the rest is left out."""
    fit = [fitted for one in said if (fitted := _fitted(one, mending)) is not None]
    return in_order(fit, mending)


def spread(said: list[Message], mending: Mending) -> Iterator[Message]:
    """Yield the same, where times are whole minutes: messages of one minute in a row are spread over it."""
    for _, group in groupby(said, attrgetter("at_s")):
        minute = list(group)
        for place, one in enumerate(minute):
            mending.mend("the minute only, spread over it", one.place)
            yield one._replace(at_s=one.at_s + MINUTE_S * place / len(minute))


def _fitted(one: Message, mending: Mending) -> Message | None:
    text, room, user = (whole_text(word) for word in (one.text, one.room, one.user))
    if (text, room, user) != (one.text, one.room, one.user):
        mending.mend("half a surrogate pair, replaced", one.place)
    text = text.strip()
    if not text:
        mending.leave_out("without text", one.place)
        return None
    if len(encoded := text.encode()) > TEXT_BYTES_MAX:
        mending.mend(f"text longer than {TEXT_BYTES_MAX:,} bytes, cut", one.place)
        text = encoded[:TEXT_BYTES_MAX].decode(errors="ignore").strip()
    if len(room) > ROOM_CHARS_MAX:
        mending.mend(f"room longer than {ROOM_CHARS_MAX} characters, cut", one.place)
        mark = hashlib.blake2b(room.encode(), digest_size=4).hexdigest()
        room = f"{room[: ROOM_CHARS_MAX - len(mark) - 1]}-{mark}"
    return Message(one.place, one.at_s, room, user, text)


# Subtypes in which somebody says something; the others tell what happened to the channel.
SAYING = [
    None,
    *["bot_message", "me_message", "thread_broadcast", "reply_broadcast", "file_share", "file_comment"],
]
ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def slack(path: Path, mending: Mending) -> Iterator[Message]:
    """Everything said, file by file. Raises TraceError for what is no such export."""
    for name, rows in documents(path):
        if isinstance(rows, list):  # users.json and others are lists, too, of what has no `ts`
            # A file given by itself, or a folder that is all there is, is the channel.
            whole = path.absolute()
            alone = whole.name if whole.is_dir() else whole.parent.name or path.stem
            room = name.parent.name or alone
            for number, row in enumerate(rows, 1):
                if isinstance(row, dict) and "ts" in row:
                    yield from _row(row, room, f"{name}, message {number}", mending)


def _row(row: dict[str, Any], room: str, place: str, mending: Mending) -> Iterator[Message]:
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
    yield Message(place, seconds(row["ts"], place), room, str(user), text)


def telegram(path: Path, mending: Mending) -> Iterator[Message]:
    """Everything said, chat by chat. Raises TraceError for what is no such export."""
    for name, export in documents(path):
        for chat in _chats(export, str(name)):
            room = str(chat.get("name") or f"{chat.get('type', 'chat')} {chat.get('id', '')}".strip())
            for number, message in enumerate(chat["messages"], 1):
                yield from _message(message, room, f"{room}, message {number}", mending)


def _chats(export: Any, name: str) -> list[dict[str, Any]]:
    """The chats of an export: itself, or those it lists, also those that were left."""
    if isinstance(export, dict) and "messages" not in export:
        parts = (export.get(part) for part in ("chats", "left_chats"))
        found = [chat for part in parts if isinstance(part, dict) for chat in part.get("list", ())]
    else:
        found = [export]
    whole = (isinstance(chat, dict) and isinstance(chat.get("messages"), list) for chat in found)
    if not found or not all(whole):
        raise TraceError(f"{name}: no export of Telegram: there are no messages in it")
    return found


def _message(message: Any, room: str, place: str, mending: Mending) -> Iterator[Message]:
    if not isinstance(message, dict) or message.get("type") != "message":
        mending.leave_out(NOTICE, place)
        return
    user = message.get("from_id") or message.get("from")  # two people may have one name
    if not user:
        mending.leave_out("without a user", place)
        return
    yield Message(place, _when(message, place), room, str(user), _text(message.get("text")))


def _when(message: dict[str, Any], place: str) -> float:
    if "date_unixtime" in message:
        return seconds(message["date_unixtime"], place)
    try:  # older versions: the time of the exporting machine, without its zone
        return datetime.fromisoformat(str(message.get("date"))).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise TraceError(f"{place}: no date: {message.get('date')!r}") from None


def _text(text: Any) -> str:
    """The plain text of a text, or of a list of texts and of pieces with a format."""
    if isinstance(text, list):
        return "".join(_text(piece.get("text") if isinstance(piece, dict) else piece) for piece in text)
    return text if isinstance(text, str) else ""
