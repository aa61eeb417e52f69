"""Bots and official accounts (protocol.md "Bots and official accounts"). Synchronous and pure.

A bot is a user: on a connection it is a client like any other. Here is what it has besides: the settings that the host
gives it, its greeting, and the choice of what it is told without a connection.
"""

from collections.abc import Container
from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from chatd.core.accounts import Amend, amend_card, put_account
from chatd.core.messages import check_body, note_written
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.unread_counts import count_own
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.protocol.bots import BotCommand, Sees, Told
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.messages import MESSAGE, Body, Event

# No client can use it: keys that the server makes have a colon.
WELCOME_KEY = "bot:welcome"
# What a greeting cannot refer to.
ELSEWHERE = ("reply_to", "thread", "mentions")


@dataclass(slots=True, frozen=True)
class Hook:
    """The address that a bot's updates are sent to, and the secret that signs them."""

    url: str
    secret: str = field(repr=False)


@dataclass(slots=True, frozen=True)
class Bot:
    """A record: the settings of a bot. `sees`: what it is told of groups."""

    user: str
    commands: tuple[BotCommand, ...] = ()
    welcome: Body | None = None
    sees: Sees = "mentions"
    hook: Hook | None = None


@dataclass(slots=True, frozen=True)
class DeletedBot:
    """A record: the settings of `user` are gone."""

    user: str


@dataclass(slots=True, frozen=True)
class PutBot:
    """Change the settings of a bot, or make one; UNSET leaves a value as it is, None removes it."""

    commands: tuple[BotCommand, ...] | UnsetType = UNSET
    welcome: Body | UnsetType | None = UNSET
    sees: Sees | UnsetType = UNSET
    hook: Hook | UnsetType | None = UNSET


@dataclass(slots=True, frozen=True)
class DeleteBot:
    """Remove the settings of a bot. Its account stays what it is."""


def consumer_of(user: str) -> str:
    """Return the name of a bot among the receivers of events; those of the configuration have no colon."""
    return f"bot:{user}"


def put_bot(user: str, request: PutBot, writes: WriteSet, reads: ReadSet) -> Ok:
    """Change a bot. An account that is not there becomes one; that of a person is not turned into one unasked."""
    require_bots(reads)
    account = reads.accounts.get(user)
    if account is not None and not account.is_automated:
        message = "this is the account of a person; PUT /v1/users/{user} with a kind makes it another one"
        raise Refused("conflict", message, field="kind")
    if isinstance(request.welcome, Body):
        check_welcome(request.welcome, reads)
    if account is None:
        new = Account(user, created_at=writes.now)
        put_account(amend_card(new, Amend(kind="bot"), writes, reads), writes, reads)
    known = reads.records_of(Bot)
    before = known.get(user)
    bot = amended(before or Bot(user), request)
    if bot != before:
        known[user] = bot
        writes.add(bot)
    return Ok()


def amended(bot: Bot, request: PutBot) -> Bot:
    return Bot(
        bot.user,
        bot.commands if request.commands is UNSET else request.commands,
        bot.welcome if request.welcome is UNSET else request.welcome,
        bot.sees if request.sees is UNSET else request.sees,
        bot.hook if request.hook is UNSET else request.hook,
    )


def check_welcome(welcome: Body, reads: ReadSet) -> None:
    check_body(welcome, reads.rules, buttons=True)
    for name in ELSEWHERE:
        if getattr(welcome, name) is not UNSET:
            raise Refused("bad_request", "a greeting is the first message of its room", field=f"body.{name}")


def delete_bot(user: str, request: DeleteBot, writes: WriteSet, reads: ReadSet) -> Ok:
    require_bots(reads)
    if reads.records_of(Bot).pop(user, None) is None:
        raise Refused("not_found", "there is no such bot")
    writes.add(DeletedBot(user))
    return Ok()


def require_bots(reads: ReadSet) -> None:
    if not reads.rules.bots:
        raise Refused("not_supported", "bots are switched off here")


def greet(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Have `user`, if it is a bot with a greeting, say it in a direct room that somebody opened with it just now.

    Not in one that the host opens: it knows what it wants to say there, and one of the two may block the other.
    """
    bot, account = reads.records_of(Bot).get(user), reads.accounts.get(user)
    if bot is None or bot.welcome is None or account is None or account.disabled:
        return
    room.time = writes.now
    note_written(room, user, writes, reads.rules.shown_to)
    room.ordinal += 1
    count_own(room, room.members[user], writes)
    event = Event(0, MESSAGE, user, ordinal=room.ordinal, key=WELCOME_KEY, body=bot.welcome)
    writes.append(room, event, key=WELCOME_KEY)


def hears(bot: Bot, event: Told, *, direct: bool, answered: str, bots: Container[str]) -> bool:
    """Whether `bot` is told of an event of a room that it is in.

    `answered`: the author of the message that this one replies to. `bots`: all bots and official accounts, none of
    which is told what another one does: two that answer each other would never end.
    """
    if event.users is not UNSET and bot.user in event.users:
        return True
    if event.user in bots:
        return False
    if direct or bot.sees == "all":
        return True
    if event.kind not in (MESSAGE, "edit") or event.body is UNSET:
        return False
    text, mentions = event.body.text or "", event.body.mentions or ()
    return text.startswith("/") or bot.user in mentions or answered == bot.user
