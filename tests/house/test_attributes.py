"""No code writes attributes of another object: it calls a method, or returns the new value.

Written to may be `self`, and what the function itself has made. Counters are there for everybody to count in.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.session.session import Session
from tests.kit.sources import ROOT, Source, source_of, sources

ELSEWHERE = {
    "chatd/http/http_protocol.py": {"self.cycle.keep_alive": "of uvicorn, which offers nothing else"},
    "chatd/websocket/handshake.py": {
        "failure.__traceback__": "Python's way to free a traceback",
        "library.origin": "of websockets, which offers no way to use it again",
        "library.subprotocol": "the same",
        "library.handshake_exc": "the same",
        "library.extensions": "the same",
        "response.headers": "the same: headers are added to what it made",
    },
    "chatd/telemetry/logs.py": {
        "record.msg": "filters and formatters of logging change the record they are given",
        "record.args": "the same",
        "record.dropped": "the same",
        "record.suppressed": "the same",
        "root.handlers": "the process has one logger at the root, and logging no other way to set it up",
    },
    "chatd/session/session.py": {"reply.id": "a reply is given away to be sent"},
    "chatd/commands/sync.py": {
        "after.summary.preview": "summaries the same function asked for",
        "after.summary.events": "the same",
    },
}
OF_THE_WRITER = ("read_set_loader.py", "long_reads.py", "writer.py")  # they fill in what a batch is made of
SINGLE = ("chatd/server/app.py", "chatd/server/daemon.py")
FILES = [
    *sources(
        "chatd/session",
        "chatd/websocket",
        "chatd/http",
        "chatd/delivery",
        "chatd/commands",
        "chatd/jobs",
        "chatd/bus",
    ),
    *(source_of(ROOT / name) for name in SINGLE),
]
ROOMS = [source for source in FILES if source.path.name not in OF_THE_WRITER]


def foreign(source: Source) -> Iterator[str]:
    """The attributes of others that are written to in a file."""
    for function in source.functions():
        made = {"self", "cls", *things_made(function)}
        for node in ast.walk(function):
            target = node.value if isinstance(node, ast.Subscript) else node
            if not isinstance(target, ast.Attribute) or not isinstance(node.ctx, ast.Store | ast.Del):
                continue
            path = ast.unparse(target)
            owner, *between = path.split(".")[:-1]
            if "counters" in path or (owner in made and (not between or owner not in ("self", "cls"))):
                continue
            if isinstance(node, ast.Subscript) and owner in ("self", "cls"):
                continue
            yield path


def things_made(function: ast.AST) -> Iterator[str]:
    """The names that hold what a function has made: by calling a class, a function, or a method of its own."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(value, ast.Call) and ast.unparse(value.func).removeprefix("self.").isidentifier():
                yield from (target.id for target in node.targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("source", ROOMS, ids=lambda source: source.name)
def test_nobody_writes_attributes_of_others(source):
    assert set(foreign(source)) == set(ELSEWHERE.get(source.name, ()))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("session.mode = 'background'", ["session.mode"]),
        ("session.newest[Focus] = request", ["session.newest"]),
        ("self._dispatcher.full = True", ["self._dispatcher.full"]),
        ("a.number, self.b = 1, 2", ["a.number"]),
        ("del session.mode", ["session.mode"]),
        ("room = self.rooms.get(1); room.members += 1", ["room.members"]),
        ("row = Row(1); row.state = 1", []),
        ("row = await read(1); row.state = 1", []),
        ("self.mode = 1; self._rooms[1] = 2; self._counters.sent += 1", []),
    ],
)
def test_a_line_that_writes_to_others_is_found(line, found):
    code = f"async def some(self, session, a):\n    {line}"
    assert list(foreign(Source(Path("x.py"), code))) == found


def test_a_session_has_few_attributes():
    """Further state belongs to one of its parts."""
    assert len(Session.__slots__) <= 14
