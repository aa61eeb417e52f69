"""Deliveries of webhooks as lines of a terminal. All that comes from outside is cleaned."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from chatd.cli.chat.wording import Line, clean

# Keys that a line shows in a place of their own.
PLACED = frozenset({"id", "type", "time", "room", "event", "by"})
# Of an event: what identifies it, not what it says.
UNSAID = frozenset({"seq", "kind", "time", "ordinal", "key", "user", "body", "composed_at"})
TYPE_WIDTH, ROOM_WIDTH = 16, 13
TEXT_MAX = 500
TIME_MAX_S = 253_402_300_799  # the year 9999
BY_KIND = {"message": "ok", "edit": "note", "recall": "note", "reaction": "note"}


def refused_line(fault: str, now_ms: int) -> Line:
    """Return the line of a delivery that is not believed."""
    return ((f"{clock(now_ms)} ", "faint"), (f"✗ {fault}", "bad"))


def delivery_line(events: int, items: int, delay_ms: int, answer: int, now_ms: int) -> Line:
    """Return the line above what is in a delivery. `delay_ms`: since its last event was stored, if there is one."""
    counted = counted_as(events, "event") if not items else f"{counted_as(items, 'item')} to judge"
    return (
        (f"{clock(now_ms)} ", "faint"),
        ("✓ signed", "ok"),
        (f"  {counted}", "strong"),
        (f"  after {delay_ms} ms" if events else "", "faint"),
        (f"  answered {answer}", "faint" if answer < 300 else "bad"),
    )


def counted_as(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted_as(1, "event"), counted_as(2, "event")
    ('1 event', '2 events')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def entry_line(entry: Mapping[str, Any]) -> Line:
    """Return one entry of the feed."""
    type = clean(str(entry.get("type", "")))
    event = entry.get("event")
    said = event_text(event) if isinstance(event, dict) else ((shown(entry, PLACED), ""),)
    marks = [
        (f"  {mark}", "bad")
        for mark in ("unscreened", "flagged")
        if isinstance(event, dict) and entry.get(mark)
    ]
    return (
        (f"  {clock(time_of(entry))} ", "faint"),
        (f"{type:<{TYPE_WIDTH}} ", BY_KIND.get(type.partition(".")[2], "kind")),
        (f"{clean(str(entry.get('room', ''))):<{ROOM_WIDTH}} ", "faint"),
        *said,
        *marks,
        (f"  by {clean(str(entry['by']))}" if "by" in entry else "", "faint"),
    )


def event_text(event: Mapping[str, Any]) -> Line:
    """Return an event of a room: its author, its text, and whatever else it has."""
    user, body = event.get("user"), event.get("body")
    text = body.get("text") if isinstance(body, dict) else None
    author = (f"{clean(str(user))}: ", "other") if user else ("", "")
    if isinstance(text, str):
        more = shown(body, frozenset({"text"})) if isinstance(body, dict) else ""
        return (author, (cut(clean(text)), ""), (f"  {more}" if more else "", "faint"))
    if isinstance(body, dict):
        return (author, (shown(body, frozenset()), ""))
    return (author, (shown(event, UNSAID), ""))


def item_line(item: Mapping[str, Any], verdict: str) -> Line:
    """Return one item of a before-hook, with the verdict on it."""
    body = item.get("body")
    text = body.get("text") if isinstance(body, dict) else None
    about = clean(text) if isinstance(text, str) else shown(item, frozenset({"id", "on", "user", "room"}))
    return (
        ("  ", ""),
        (f"{verdict:<8} ", "bad" if verdict == "reject" else "ok"),
        (f"{clean(str(item.get('on', ''))):<8} ", "kind"),
        (f"{clean(str(item.get('room', ''))):<{ROOM_WIDTH}} ", "faint"),
        (f"{clean(str(item.get('user', '')))}: ", "other"),
        (cut(about), ""),
    )


def shown(values: Mapping[str, Any], without: frozenset[str]) -> str:
    """Return what is left of an object, as `key value` pairs."""
    left = {key: value for key, value in values.items() if key not in without}
    return cut("  ".join(f"{clean(key)} {plain(value)}" for key, value in left.items()))


def plain(value: Any) -> str:
    """Return a value as few characters as it needs.

    >>> plain(["u1", "u2"]), plain("joined"), plain({"a": 1})
    ('u1, u2', 'joined', '{"a": 1}')
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        return ", ".join(map(clean, value))
    return clean(json.dumps(value, ensure_ascii=False))


def clock(time_ms: int) -> str:
    """Return hour, minute and second in local time."""
    return time.strftime("%H:%M:%S", time.localtime(min(time_ms / 1000, TIME_MAX_S)))


def time_of(entry: Mapping[str, Any]) -> int:
    """Return the time of an entry in Unix milliseconds; 0 when it has none."""
    found = entry.get("time")
    return found if isinstance(found, int) and found >= 0 else 0


def cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…"
