"""A transcript for a reader: a line for each packet, with the time since the line before."""

import json
from typing import Any

from .script import ScriptError
from .values import show

WIDTH = 240
"""Longest line: the end of a longer one is left out."""


def shown(text: str) -> str:
    """Return a transcript of JSON lines as text. Raises ScriptError when it is none."""

    rows, before = [], 0.0
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(line)
            at = float(entry["t"])
            rows += [f"{at:9.0f} +{at - before:<7.0f} {row}" for row in _rows(entry)]
        except (ValueError, KeyError, TypeError):
            raise ScriptError(f"line {number} is no line of a transcript: {line[:80]}") from None
        before = at
    return "\n".join(rows)


def _rows(entry: dict[str, Any]) -> list[str]:
    link = f"{entry['connection']} " if "connection" in entry else ""
    head = f"{link}{entry['dir']}"
    packets = [_cut(show(packet)) for packet in entry.get("packets", ())]
    if packets:
        return [f"{head} {packet}" for packet in packets]
    rest = {key: value for key, value in entry.items() if key not in ("t", "dir", "connection", "hex")}
    return [f"{head} {' '.join(f'{key}={show(value)}' for key, value in rest.items())}".rstrip()]


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}… {len(text) - WIDTH} more"
