"""Bots and official accounts: what the host says of them, and what they are told."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.core.bots import Bot, Hook, PutBot, consumer_of
from chatd.core.users import Account
from chatd.http.api.messages import body_of, body_shown
from chatd.http.api.route import Asked, Call, Done, More, Page, Route, page_of
from chatd.protocol.bots import BotCommand, BotCommands, Sees
from chatd.protocol.event_feed import Events
from chatd.protocol.messages import Body, LooseBody
from chatd.protocol.users import UserKind
from chatd.webhooks.views import Status

Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Secret = Annotated[str, Meta(pattern=r"^whsec_[A-Za-z0-9+/=]{32,88}\Z")]


class AskedHook(Asked, frozen=True, kw_only=True):
    """Where the updates of a bot are sent, and the secret that signs them."""

    url: Url
    secret: Secret

    def __repr__(self) -> str:
        return f"AskedHook(url={self.url!r}, secret='********')"


class AskedBot(Asked, frozen=True, kw_only=True):
    """The settings of a bot; what is absent stays, and null removes."""

    commands: BotCommands | UnsetType = UNSET
    welcome: LooseBody | UnsetType | None = UNSET
    sees: Sees | UnsetType = UNSET
    hook: AskedHook | UnsetType | None = UNSET


class ShownHook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The hook of a bot, without its secret. `delivery`: as of `GET /v1/hooks/{name}`, while the daemon runs."""

    url: str
    delivery: Status | UnsetType = UNSET


class BotAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    user: str
    kind: UserKind
    commands: list[BotCommand] = []
    welcome: Body | UnsetType = UNSET
    sees: Sees
    hook: ShownHook | UnsetType = UNSET


class BotsAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    bots: list[BotAnswer]
    more: str | UnsetType = UNSET


class UpdatesQuery(Asked, frozen=True, kw_only=True):
    """As of `GET /v1/events`, without `types`."""

    after: More = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 500
    wait: Annotated[float, Meta(ge=0, le=30)] = 0


async def put_bot(call: Call, asked: AskedBot) -> BotAnswer:
    user = call.path["user"]
    hook = asked.hook
    change = PutBot(
        UNSET if asked.commands is UNSET else tuple(asked.commands),
        body_of(call, asked.welcome) if isinstance(asked.welcome, LooseBody) else asked.welcome,
        asked.sees,
        Hook(hook.url, hook.secret) if isinstance(hook, AskedHook) else hook,
    )
    await call.services.bots.put(user, change, call.audit(user))
    return await answer_of(call, user)


async def get_bots(call: Call, asked: Page) -> BotsAnswer:
    found = await call.services.bots.listed(asked.more, asked.limit + 1)
    bots, more = page_of(found, asked.limit, lambda one: one[0].user)
    return BotsAnswer(bots=[shown(call, *one) for one in bots], more=more)


async def get_bot(call: Call, asked: Asked) -> BotAnswer:
    return await answer_of(call, call.path["user"])


async def delete_bot(call: Call, asked: Asked) -> Done:
    user = call.path["user"]
    await call.services.bots.delete(user, call.audit(user))
    return Done()


async def get_updates(call: Call, asked: UpdatesQuery) -> Events:
    return await call.services.bots.page(call.path["user"], asked.after, asked.limit, asked.wait)


async def answer_of(call: Call, user: str) -> BotAnswer:
    return shown(call, *await call.services.bots.get(user))


def shown(call: Call, bot: Bot, account: Account) -> BotAnswer:
    user = bot.user
    deliveries = {status.name: status for status in call.services.webhooks.statuses()}
    return BotAnswer(
        user=user,
        kind=account.kind,
        commands=[*bot.commands],
        welcome=UNSET if bot.welcome is None else body_shown(bot.welcome),
        sees=bot.sees,
        hook=UNSET
        if bot.hook is None
        else ShownHook(url=bot.hook.url, delivery=deliveries.get(consumer_of(user), UNSET)),
    )


ROUTES = (
    Route("GET", "/v1/bots", "bots", get_bots, Page, BotsAnswer),
    Route("GET", "/v1/bots/{user}", "bots", get_bot, Asked, BotAnswer),
    Route("PUT", "/v1/bots/{user}", "bots", put_bot, AskedBot, BotAnswer),
    Route("DELETE", "/v1/bots/{user}", "bots", delete_bot),
    Route("GET", "/v1/bots/{user}/events", "bots", get_updates, UpdatesQuery, Events, waits=True),
)
