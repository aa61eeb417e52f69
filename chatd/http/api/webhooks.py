"""Endpoints of webhooks: their state, and what an operator does about it."""

from typing import Annotated

from msgspec import Meta, Struct

from chatd.core.webhooks import Parked
from chatd.http.api.route import Asked, Call, Done, More, Route
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import Milliseconds
from chatd.webhooks.views import Retried, Status


class Replay(Asked, frozen=True, kw_only=True):
    """The place to go on from: behind a cursor, or with what happened since a time.

    `after`: "" for all that is kept, `latest` for nothing of it. `since`: Unix milliseconds. One of both.
    """

    after: More | None = None
    since: Annotated[int, Meta(ge=0, le=(1 << 53) - 1)] | None = None


class ParkedEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry that the endpoint refused. `status`: of the last answer, if there was one.

    `text`: its beginning, unless the daemon was started since.
    """

    id: str
    time: Milliseconds
    status: int = 0
    text: str = ""


class HooksAnswer(Struct, frozen=True):
    hooks: list[Status]


class HookAnswer(Struct, frozen=True):
    """An endpoint, and the entries it refused, the newest first."""

    hook: Status
    parked: list[ParkedEntry]


def shown(one: Parked, text: str) -> ParkedEntry:
    return ParkedEntry(id=one.entry, time=one.time, status=one.status, text=text)


async def get_hooks(call: Call, asked: Asked) -> HooksAnswer:
    return HooksAnswer(call.services.webhooks.statuses())


async def get_hook(call: Call, asked: Asked) -> HookAnswer:
    name = call.path["name"]
    parked = await call.services.webhooks.parked(name)
    return HookAnswer(call.services.webhooks.status(name), [shown(one, text) for one, text in parked])


async def replay(call: Call, asked: Replay) -> Status:
    if (asked.after is None) == (asked.since is None):
        raise Refused("bad_request", "give `after` or `since`, and not both", field="after")
    name = call.path["name"]
    await call.services.webhooks.replay(name, asked.after or "", asked.since, call.audit(name))
    return call.services.webhooks.status(name)


async def enable(call: Call, asked: Asked) -> Status:
    name = call.path["name"]
    await call.services.webhooks.enable(name, call.audit(name))
    return call.services.webhooks.status(name)


async def retry(call: Call, asked: Asked) -> Retried:
    name = call.path["name"]
    return await call.services.webhooks.retry(name, call.path["entry"], call.audit(name))


async def discard(call: Call, asked: Asked) -> Done:
    name = call.path["name"]
    await call.services.webhooks.discard(name, call.path["entry"], call.audit(name))
    return Done()


HOOK = "/v1/hooks/{name}"
ROUTES = (
    Route("GET", "/v1/hooks", "events", get_hooks, Asked, HooksAnswer),
    Route("GET", HOOK, "events", get_hook, Asked, HookAnswer),
    Route("POST", f"{HOOK}/replay", "events", replay, Replay, Status),
    Route("POST", f"{HOOK}/enable", "events", enable, Asked, Status),
    Route("POST", f"{HOOK}/parked/{{entry}}/retry", "events", retry, Asked, Retried),
    Route("DELETE", f"{HOOK}/parked/{{entry}}", "events", discard, Asked, Done),
)
