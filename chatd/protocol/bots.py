"""Bots and official accounts (protocol.md "Bots and official accounts")."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.identifiers import User
from chatd.protocol.limits import COMMANDS_MAX

CommandName = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,32}\Z")]
Sees = Literal["mentions", "all"]


class BotCommand(Struct, frozen=True):
    """One command: a text begins with `/` and its name."""

    name: CommandName
    description: Annotated[str, Meta(min_length=1, max_length=256)]


BotCommands = Annotated[list[BotCommand], Meta(max_length=COMMANDS_MAX)]


class BotsGet(Request, tag="bots.get", frozen=True, kw_only=True):
    bot: User


class BotOk(Ok, tag="ok", kw_only=True):
    """`welcome`: whether it greets whoever opens a direct room with it."""

    commands: list[BotCommand] = []
    welcome: bool = False
