"""The export of Telegram Desktop in its machine-readable form: result.json, of one chat or of all.

Source: https://telegram.org/blog/export-and-more, and what it wrote before 2021: numbers for people, no Unix time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.exports.said import NOTICE, Said, documents
from bench.trace import Mending, TraceError, seconds


def read(path: Path, mending: Mending) -> Iterator[Said]:
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


def _message(message: Any, room: str, place: str, mending: Mending) -> Iterator[Said]:
    if not isinstance(message, dict) or message.get("type") != "message":
        mending.leave_out(NOTICE, place)
        return
    user = message.get("from_id") or message.get("from")  # two people may have one name
    if not user:
        mending.leave_out("without a user", place)
        return
    yield Said(_when(message, place), room, str(user), _text(message.get("text")), place)


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
