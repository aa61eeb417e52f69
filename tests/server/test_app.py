"""The parts of a daemon, and the configuration they were given: a reload leaves nothing old behind."""

import types
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from chatd.config.reloadable import replaced, takes_effect
from chatd.config.schema import fields
from tests.kit.inprocess import in_process

# Asked before the session, or when a process leaves: no part behind the listeners keeps them.
ELSEWHERE = ("log.", "drain.", "listen.")
OPAQUE = (str, bytes, int, float, type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


def marked(numbers: Iterator[int]) -> dict[str, float]:
    """A number of its own for each key that can change while the daemon runs and counts at once."""
    names = [
        field.name
        for field in fields().values()
        if type(field.default) in (int, float)
        and takes_effect(field.name) == "at once"
        and not field.name.startswith(ELSEWHERE)
    ]
    return {name: type(fields()[name].default)(next(numbers)) for name in names}


def reachable(root: object) -> set[float]:
    """All numbers that can be found from `root`, through attributes, slots, containers, closures."""
    seen, waiting, numbers = set(), deque([root]), set()
    while waiting:
        one = waiting.popleft()
        if type(one) in (int, float):
            numbers.add(one)
        elif (isinstance(one, OPAQUE) and not isinstance(one, types.FunctionType)) or id(one) in seen:
            continue
        else:
            seen.add(id(one))
            waiting.extend(parts(one))
    return numbers


def parts(one: Any) -> Iterator[Any]:
    if isinstance(one, dict):
        yield from (*one.keys(), *one.values())
    elif isinstance(one, (list, tuple, set, frozenset, deque)):
        yield from one
    elif isinstance(one, types.FunctionType):
        yield from (cell.cell_contents for cell in one.__closure__ or ())
    elif isinstance(one, types.MethodType):
        yield one.__self__
    elif isinstance(one, msgspec.Struct):
        yield from msgspec.structs.astuple(one)
    elif type(one).__module__.startswith(("chatd.", "tests.")):
        names = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
        yield from (getattr(one, name) for name in names if hasattr(one, name))
        yield from getattr(one, "__dict__", {}).values()


async def test_a_reload_reaches_every_part(tmp_path: Path) -> None:
    """A part that kept a number for itself would follow the old file for ever."""
    numbers = count(7_000_003, 1009)
    before, after = marked(numbers), marked(numbers)
    sections: dict[str, dict[str, Any]] = {}
    for name, value in before.items():
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    async with in_process(tmp_path, **sections) as server:
        alice = await server.connect("alice")
        assert set(before.values()) <= reachable((server.app, alice.session)), (
            "the search finds what there is"
        )
        alice.hang_up()
        await server.advance(1e8)  # until nothing is scheduled by the old ones
        server.app.reconfigure(replaced(server.config, after))
        bob = await server.connect("bob")
        left = reachable((server.app, bob.session))
        assert {name for name, value in before.items() if value in left} == set()
        assert len(after) > 30
