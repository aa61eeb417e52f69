"""`chatd import`: rooms and messages of another chat, from a shell."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import click

from chatd.cli.exits import Failure
from chatd.cli.host_api import api_of
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded

# A part is answered in about a second, and the progress is told then.
LINES_AT_ONCE = 5000
BYTES_AT_ONCE = 4 << 20
# A longer line is sent so far that the server sees it is too long (http/api/ndjson.py).
LINE_BYTES_MAX = (1 << 20) + 1

COUNTS = ("users", "rooms", "members", "messages", "duplicates")


@click.command(
    name="import",
    epilog="""\b
Examples:
  python docs/converters/slack.py export.zip | chatd import -
  chatd import old-chat.ndjson
  chatd import old-chat.ndjson --from 120001

It works while the daemon runs (through its admin socket) and while it does not. What is here already stays as it is,
so an import that was cut is begun again, or goes on with --from. docs/import.md has the format.""",
)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--from", "first", type=click.IntRange(min=1), default=1, help="Skip the lines before this one."
)
@with_configuration
def import_file(loaded: Loaded, file: BinaryIO, first: int) -> None:
    """Bring the users, rooms and messages in FILE, or - for standard input, to this server."""
    api = api_of(loaded.config, create=True)
    total: dict[str, Any] = {"lines": 0, **dict.fromkeys(COUNTS, 0), "mended": {}, "left_out": {}}
    for number, body in parts(file, first):
        try:
            (answer,) = api.upload("POST", "/v1/import", body)
        except Failure as failure:
            end_progress()
            raise Failure(f"{failure.message}\nGo on with: chatd import FILE --from {number}") from None
        add(total, answer, number - 1)
        progress(f"{total['lines']} lines, {total['messages']} new messages")
    end_progress()
    report(total)
    if total["left_out"]:
        count = sum(one["count"] for one in total["left_out"].values())
        raise Failure(f"{count} were left out; correct their lines and import the file again")


def parts(file: BinaryIO, first: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines from `first` on in parts, each with the number of its first line."""
    lines, size, number = list[bytes](), 0, 0
    for number, whole in enumerate(file, 1):
        if number < first:
            continue
        line = whole.rstrip(b"\r\n")[:LINE_BYTES_MAX] + b"\n"
        if lines and (len(lines) >= LINES_AT_ONCE or size + len(line) > BYTES_AT_ONCE):
            yield number - len(lines), b"".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield number + 1 - len(lines), b"".join(lines)


def add(total: dict[str, Any], answer: Mapping[str, Any], before: int) -> None:
    """Add the answer to a part that `before` lines precede."""
    for name in ("lines", *COUNTS):
        total[name] += answer[name]
    for kind in ("mended", "left_out"):
        for reason, noted in answer[kind].items():
            known = total[kind].setdefault(reason, {**noted, "count": 0, "first": noted["first"] + before})
            known["count"] += noted["count"]


def progress(text: str) -> None:
    """Show how far it is, where somebody looks."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)


def end_progress() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)


def report(total: Mapping[str, Any]) -> None:
    """Print what is new, what was here, and what came otherwise."""
    for name in ("lines", *COUNTS):
        click.echo(f"{name:<20} {total[name]:>10}")
    for kind, title in (("mended", "mended"), ("left_out", "left out")):
        for reason, noted in total[kind].items():
            detail = f": {noted['detail']}" if noted.get("detail") else ""
            click.echo(
                f"{title + ' ' + reason:<30} {noted['count']:>10}  first line {noted['first']}{detail}"
            )
