"""`convert`: turns a chat export into a trace for `replay`, on standard output."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.exports import documents, logs
from bench.exports.documents import tidied
from bench.options import Scenario
from bench.trace import BROKEN, Mending, Message, TraceError

FORMATS: dict[str, Callable[[Path, Mending], Iterator[Message]]] = {
    "slack": documents.slack,
    "telegram": documents.telegram,
    "whatsapp": logs.whatsapp,
    "irc": logs.irc,
}
DAY_S = 86400


async def run(options: argparse.Namespace) -> int:
    mending = Mending()
    try:
        said = tidied(FORMATS[options.format](options.export, mending), mending)
    except BROKEN as error:
        raise TraceError(f"{options.export}: {getattr(error, 'strerror', None) or error}") from error
    mending.tell(options.export.name)
    if not said:
        raise TraceError(f"{options.export}: there is no message in it")
    try:
        for one in said:
            line = {"ts": one.at_s, "room": one.room, "user": one.user, "text": one.text}
            sys.stdout.buffer.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Or the interpreter complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    rooms, people = ({getattr(one, key) for one in said} for key in ("room", "user"))
    days = (said[-1].at_s - said[0].at_s) / DAY_S
    counts = f"messages {len(said):,} · people {len(people):,} · rooms {len(rooms):,} · days {days:,.1f}"
    print(f"bench: {options.export.name}: {counts}", file=sys.stderr)
    return 0


_EXPORT = "file, directory or zip; plain or gzip; - is standard input"
SCENARIO = Scenario(
    "turns a chat export into a trace for `replay`, on standard output",
    run,
    own={
        "format": {"choices": FORMATS, "help": "whose export it is"},
        "export": {"type": Path, "metavar": "FILE", "help": _EXPORT},
    },
)
