"""The admin socket: a Unix socket in the data directory, for the command line and the host app's back end.

Any process that may open the file may do everything here; it is never on a network. JSON in, JSON out.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chatd.commands.admin import Admin
from chatd.core.users import Account
from chatd.http.routes import client_left
from chatd.protocol.complaints import refusal_of
from chatd.protocol.errors import ChatError, Unavailable
from chatd.protocol.identifiers import Address, Device, Room, Title, User
from chatd.protocol.messages import Body

BODY_BYTES_MAX = 65_536  # a notice is the largest request


class PutUser(msgspec.Struct, forbid_unknown_fields=True):
    """`password`: an argon2id hash, made by the caller; None keeps the stored one."""

    user: User
    password: str | None = None
    name: Title = ""
    avatar: Address = ""

    def __repr__(self) -> str:
        return f"PutUser(user={self.user!r}, password='********')"


class SetPassword(msgspec.Struct, forbid_unknown_fields=True):
    user: User
    password: str

    def __repr__(self) -> str:
        return f"SetPassword(user={self.user!r}, password='********')"


class Disable(msgspec.Struct, forbid_unknown_fields=True):
    user: User
    disabled: bool = True
    seen: bool = False


class Revoke(msgspec.Struct, forbid_unknown_fields=True):
    user: User
    device: Device | None = None
    seen: bool = False


class Notice(msgspec.Struct, forbid_unknown_fields=True):
    room: Room
    body: Body


class ConsoleKey(msgspec.Struct, forbid_unknown_fields=True):
    pass


Verb = Callable[[Any], Awaitable[Any]]


def admin_app(admin: Admin, console_link: Callable[[], str]) -> Starlette:
    """Return the routes of the admin socket, each a POST with one JSON object; GET /users lists accounts.

    `console_link` returns a link that opens the console once, or raises Refused.
    """

    async def put_user(asked: PutUser) -> None:
        await admin.put_user(asked.user, asked.name, asked.avatar, asked.password)

    async def set_password(asked: SetPassword) -> Any:
        return {"generation": await admin.set_password(asked.user, asked.password)}

    async def disable(asked: Disable) -> None:
        await admin.disable(asked.user, asked.disabled, seen=asked.seen)

    async def revoke(asked: Revoke) -> Any:
        return {"generation": await admin.revoke(asked.user, asked.device or "", seen=asked.seen)}

    async def notice(asked: Notice) -> Any:
        return await admin.notice(asked.room, asked.body)

    async def console_key(asked: ConsoleKey) -> Any:
        return {"link": console_link()}

    async def users(request: Request) -> Response:
        page = await admin.accounts(request.query_params.get("after", ""))
        return JSONResponse([public(account) for account in page])

    verbs: dict[str, tuple[type, Verb]] = {
        "/users/put": (PutUser, put_user),
        "/users/password": (SetPassword, set_password),
        "/users/disable": (Disable, disable),
        "/revoke": (Revoke, revoke),
        "/notice": (Notice, notice),
        "/console/key": (ConsoleKey, console_key),
    }
    routes = [Route("/users", users, methods=["GET"])]
    routes += [Route(path, endpoint(*verb), methods=["POST"]) for path, verb in verbs.items()]
    return Starlette(routes=routes, exception_handlers={ClientDisconnect: client_left})


def endpoint(kind: type, verb: Verb) -> Callable[[Request], Awaitable[Response]]:
    """Return an HTTP endpoint that decodes `kind` from the body, runs `verb`, and answers in JSON."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        if len(body) > BODY_BYTES_MAX:
            return JSONResponse({"code": "too_large"}, 413)
        try:
            result = await verb(msgspec.json.decode(body, type=kind))
        except msgspec.DecodeError as error:
            return JSONResponse({"code": "bad_request", "message": refusal_of(str(error)).message}, 400)
        except Unavailable as error:
            return JSONResponse({"code": error.code, "message": error.message}, 503)
        except ChatError as error:
            return JSONResponse({"code": error.code, "message": error.message}, 409)
        return JSONResponse({} if result is None else json.loads(msgspec.json.encode(result)))

    return answer


def public(account: Account) -> dict[str, Any]:
    """Return the fields of an account that may be shown: never its password."""
    return {
        "user": account.user,
        "name": account.name,
        "disabled": account.disabled,
        "password": account.password is not None,
        "created_at": account.created_at,
    }
