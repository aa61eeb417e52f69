"""Typed commands: their tables, and what is refused."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from chatd.cli.chat.wording import excerpt

V = TypeVar("V")
# The function of a command, its arguments and its meaning.
Bound = tuple[Callable[[str], Awaitable[None]], str, str]
Table = Mapping[str, tuple[Callable[[V, str], Awaitable[None]], str, str]]


class InvalidCommand(Exception):
    """A typed command that cannot be carried out; the text is the reason."""


def bound(view: V, table: Table[V]) -> Mapping[str, Bound]:
    """Return the commands of a table for one view, by name."""
    return {name: (partial(act, view), usage, meaning) for name, (act, usage, meaning) in table.items()}


def valid(typed: str) -> str:
    """Return the typed text; InvalidCommand when the input held bytes that are no text."""
    try:
        typed.encode()
    except UnicodeEncodeError:
        raise InvalidCommand(f"not sent, because it is not valid text: {excerpt(typed)}") from None
    return typed
