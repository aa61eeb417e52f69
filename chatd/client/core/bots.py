"""Bots, official accounts, and the buttons below their messages (protocol.md, "Bots and official accounts"); pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from .packets import Body, UserEntry

KINDS = frozenset({"bot", "official"})
"""The kinds of an account that are not `person`, as which any other is taken (protocol.md, "Forward compatibility")."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message, with either `data` or `url`.

    The app shows where a `url` leads before it opens it, and opens `https`, `http` and links of its own only.
    """

    label: str
    data: str = ""
    url: str = ""

    def pressed(self, seq: int) -> Body:
        """Return the message that a press sends, below message `seq`. Raises ValueError for a button that opens
        something."""
        if not self.data:
            raise ValueError("a press on this button sends nothing")
        return {"text": self.label, "data": self.data, "reply_to": seq}


Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a bot; `name` is without the slash."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Bot:
    """The commands of a bot; with `welcome` it greets whoever opens a direct room with it."""

    commands: tuple[Command, ...] = ()
    welcome: bool = False


class CommandEntry(TypedDict):
    """A command in a reply."""

    name: str
    description: NotRequired[str]


class BotReply(TypedDict, total=False):
    """The reply to `bots.get`."""

    commands: list[CommandEntry]
    welcome: bool


def bot_from(reply: BotReply) -> Bot:
    """Return the bot of a reply."""
    commands = (Command(entry["name"], entry.get("description", "")) for entry in reply.get("commands", ()))
    return Bot(tuple(commands), reply.get("welcome", False))


def buttons_of(body: Body | None) -> Rows:
    """Return the rows of buttons of a body; a button that can neither send nor open anything is left out."""
    rows = (tuple(_button(entry) for entry in row) for row in (body or {}).get("buttons", ()))
    return tuple(kept for row in rows if (kept := tuple(one for one in row if one.data or one.url)))


def kind_of(card: UserEntry | None) -> str:
    """Return `person`, `bot` or `official`; without a card nobody is known to be anything else."""
    kind = card.get("kind", "") if card else ""
    return kind if kind in KINDS else "person"


def _button(entry: Mapping[str, str]) -> Button:
    return Button(entry.get("label", ""), entry.get("data", ""), entry.get("url", ""))
