"""`chatd people`: the graph of the host app, from a shell."""

import json
from collections.abc import Iterator
from typing import BinaryIO, get_args

import click

from chatd.cli.exits import Failure
from chatd.cli.host_api import api_of
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded
from chatd.config.people import Capability

# An upload that a running daemon answers in a second.
LINES_AT_ONCE = 1000
BYTES_AT_ONCE = 4 << 20

RELATIONS = {
    "self": "{a} is {b}",
    "friend": "{a} is a friend of {b}",
    "acquaintance": "{b} follows {a}, or they share a small group",
    "follower": "{a} follows {b}",
    "stranger": "{a} is a stranger to {b}",
}
RULES = {
    "relation": "everybody may do this to themselves",
    "audience": "{of} admits {to}, {chosen}",
    "circle": "a circle of {of} decides",
    "block": "{of} blocks the other",
    "closed": "the account of {of} is closed",
    "unknown": "{of} was never here",
    "preferences": "{of} has switched it off for everybody",
    "standing": "{of} has {standing} in their direct room",
}
STANDINGS = {"accepted": "accepted", "request": "not answered yet", "declined": "declined"}


@click.group(
    epilog="""\b
Examples:
  chatd people import friends.ndjson
  chatd people digest --bucket 3fa2
  chatd people explain alice bob write

They work while the daemon runs (through its admin socket) and while it does not. docs/people.md shows how a back
end imports its graph, keeps it in step and proves that the two agree."""
)
def people() -> None:
    """The graph of the host app: import, digest, explain."""


@people.command(name="import")
@click.argument("file", type=click.File("rb"))
@with_configuration
def import_file(loaded: Loaded, file: BinaryIO) -> None:
    """Replace the edges of the users in FILE, or - for standard input.

    A line is a JSON object: {"user": "u1", "friends": ["u2"], "follows": [], "blocks": []}. A key that is absent stays
    as it is. It may be repeated: what is so already is not written again.
    """
    api, users, added, removed, refused = api_of(loaded.config), 0, 0, 0, 0
    for first, body in parts(file):
        for answer in api.upload("POST", "/v1/people/import", body):
            if not answer.get("ok"):
                refused += 1
                reason = answer.get("detail") or answer["title"]
                click.echo(f"line {first + answer['line'] - 1}: {answer['code']}: {reason}", err=True)
                continue
            users, added, removed = users + 1, added + answer["added"], removed + answer["removed"]
    click.echo(f"Imported {users} users: {added} edges added, {removed} removed.")
    if refused:
        raise Failure(f"{refused} lines were refused; correct them and import the file again")


@people.command()
@click.option("--bucket", metavar="HEX", help="The users of one bucket, 4 hex digits.")
@click.option("--user", metavar="USER", help="The edges of one user.")
@with_configuration
def digest(loaded: Loaded, bucket: str | None, user: str | None) -> None:
    """Print the digest of the graph as JSON: counts and sums by bucket, as GET /v1/people/digest answers."""
    asked = {name: value for name, value in (("bucket", bucket), ("user", user)) if value is not None}
    api = api_of(loaded.config)
    while True:
        answer = api.ask("GET", "/v1/people/digest", asked)
        asked["more"] = answer.pop("more", "")
        click.echo(json.dumps(answer))
        if not asked["more"]:
            return


@people.command()
@click.argument("a")
@click.argument("b")
@click.argument("what", type=click.Choice(get_args(Capability)))
@click.option("--json", "for_programs", is_flag=True, help="As JSON.")
@with_configuration
def explain(loaded: Loaded, a: str, b: str, what: str, for_programs: bool) -> None:
    """Say whether A may do WHAT to B, and which rule decides it."""
    found = api_of(loaded.config).ask("GET", "/v1/people/explain", {"a": a, "b": b, "what": what})
    if for_programs:
        click.echo(json.dumps(found))
        return
    words = {
        "of": found["of"],
        "to": found["audience"]["to"],
        "chosen": "as they chose" if found["chosen"] else "as the host has it by default",
        "standing": STANDINGS.get(found.get("standing", ""), ""),
    }
    click.echo(f"{found['outcome']}: {RULES[found['rule']].format(**words)}")
    click.echo(RELATIONS[found["relation"]].format(a=a, b=b))


def parts(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of `file` in parts, each with the number of its first line."""
    first, lines, size = 1, list[bytes](), 0
    for line in file:
        if lines and (len(lines) >= LINES_AT_ONCE or size + len(line) > BYTES_AT_ONCE):
            yield first, b"".join(lines)
            first, lines, size = first + len(lines), [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield first, b"".join(lines)
