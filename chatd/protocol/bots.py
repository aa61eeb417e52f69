"""Bots and official accounts (protocol.md "Bots and official accounts")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, msgpack

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.identifiers import User
from chatd.protocol.limits import COMMANDS_MAX
from chatd.protocol.messages import Body

CommandName = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,32}\Z")]
Sees = Literal["mentions", "all"]


class BotCommand(Struct, frozen=True):
    """One command: a text begins with `/` and its name."""

    name: CommandName
    description: Annotated[str, Meta(min_length=1, max_length=256)]


BotCommands = Annotated[list[BotCommand], Meta(max_length=COMMANDS_MAX)]


class Told(Struct, frozen=True):
    """As much of an event as decides whether a bot is told of it."""

    seq: int
    kind: str
    user: str | UnsetType = UNSET
    target: int | UnsetType = UNSET
    users: list[object] | UnsetType = UNSET
    body: Body | UnsetType = UNSET


decode_commands = msgpack.Decoder(list[BotCommand]).decode
decode_greeting = msgpack.Decoder(Body).decode
decode_told = msgpack.Decoder(Told).decode


class BotsGet(Request, tag="bots.get", frozen=True, kw_only=True):
    bot: User


class BotOk(Ok, tag="ok", kw_only=True):
    """`welcome`: whether it greets whoever opens a direct room with it."""

    commands: list[BotCommand] = []
    welcome: bool = False
