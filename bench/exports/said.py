"""One thing somebody said, and what all exports have in common: what cannot be replayed is mended or left out."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from bench.opening import files
from bench.trace import ROOM_CHARS_MAX, TEXT_BYTES_MAX, Mending, TraceError, in_order, whole_text

MINUTE_S = 60.0
NOTICE = "notices: who came, went, or changed something"  # why a line is left out


class Said(NamedTuple):
    """`ts`: Unix seconds. `place`: where it stands in the export."""

    ts: float
    room: str
    user: str
    text: str
    place: str


def documents(path: Path) -> Iterator[tuple[PurePath, Any]]:
    """Yield the JSON files of an export, decoded, each with its name inside. Raises TraceError."""
    for name, content in files(path, ".json"):
        try:
            yield name, json.loads(content)
        except (ValueError, RecursionError) as error:
            raise TraceError(f"{name}: not JSON: {error}") from None


def tidied(said: Iterable[Said], mending: Mending) -> list[Said]:
    """Everything that can be replayed, by time; the rest is left out."""
    fit = [fitted for one in said if (fitted := _fitted(one, mending)) is not None]
    return in_order(fit, attrgetter("ts"), "{0.place}", mending)


def spread(said: list[Said], mending: Mending) -> Iterator[Said]:
    """Yield the same, where times are whole minutes: messages of one minute in a row are spread over it."""
    for _, group in groupby(said, attrgetter("ts")):
        minute = list(group)
        for place, one in enumerate(minute):
            mending.mend("the minute only, spread over it", one.place)
            yield one._replace(ts=one.ts + MINUTE_S * place / len(minute))


def _fitted(one: Said, mending: Mending) -> Said | None:
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
    return Said(one.ts, room, user, text, one.place)
