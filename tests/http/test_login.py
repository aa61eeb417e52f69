"""login.py: the cookie of a browser, over HTTP, with accounts that give what a test sets."""

from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatd.config.model import Config, Listen
from chatd.config.web import Web
from chatd.http.listeners import Listener, ListenerOptions
from chatd.http.routes import public_application
from chatd.telemetry.counters import Counters
from chatd.web.site import Website
from chatd.websocket.acceptor_config import acceptor_config
from chatd.websocket.admission import Admission
from tests.kit import http
from tests.kit.echo_server import Echo, LoopEnv

OWN, FRIEND = "https://chat.example", "https://app.example"
WEB = Web(enabled=True, url=f"{OWN}/in/here/", remember_days=7)
RIGHT = {"user": "alice", "password": "correct horse"}


@dataclass
class Granted:
    token: str = "a token"
    expires_in_s: int = 3600
    session: str | None = None


class Accounts:
    """Everybody is let in, and remembered for as long as was asked; the session is `alice`."""

    async def log_in(self, asked, address, remember_s):
        return Granted(session=f"for-{remember_s}" if remember_s else None)

    async def resume(self, session, address):
        return Granted(token=f"token of {session}") if session == "alice" else None


@pytest.fixture
async def serve():
    """Serves the routes with these settings of the pages and gives the URL."""
    listeners = []

    async def _serve(web: Web = WEB, accounts: Any = Accounts, origins: tuple[str, ...] = (FRIEND,)) -> str:
        config = Config(web=web, listen=Listen(origins=origins))
        acceptor = acceptor_config(
            config, Echo, env=LoopEnv(), admission=Admission(config.limits), counters=Counters()
        )
        application = public_application(accounts, acceptor, Website(web, Path("nowhere")))
        listener = Listener("127.0.0.1:0", application, ListenerOptions(request_deadline_s=10.0, backlog=16))
        await listener.start()
        listeners.append(listener)
        return f"http://127.0.0.1:{listener.port}"

    yield _serve
    for listener in listeners:
        await listener.stop(0.0)


def cookie_of(answer: http.Answer) -> Morsel:
    return SimpleCookie(answer.headers["set-cookie"])["chatd_session"]


async def log_in(url, origin=OWN, **more):
    return await http.request(
        f"{url}/v1/login", "POST", content={**RIGHT, **more}, headers={"Origin": origin}
    )


async def session(url, method="POST", **headers):
    return await http.request(
        f"{url}/v1/session", method, headers={"Cookie": "chatd_session=alice", **headers}
    )


async def test_a_browser_that_is_to_be_remembered_gets_a_cookie_for_one_route(serve):
    answer = await log_in(await serve(), remember=True)
    assert answer.json == {"token": "a token", "expires_in": 3600}
    cookie = cookie_of(answer)
    assert cookie.value == f"for-{7 * 86400}"
    assert cookie["path"] == "/in/here/v1/session"
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "strict")
    assert cookie["max-age"] == str(7 * 86400)
    assert cookie["domain"] == ""


@pytest.mark.parametrize("asked", [{}, {"remember": False}])
async def test_others_get_none(serve, asked):
    assert "set-cookie" not in (await log_in(await serve(), **asked)).headers


@pytest.mark.parametrize("web", [msgspec.structs.replace(WEB, remember_days=0), Web(enabled=False)])
async def test_where_no_browser_is_remembered_there_is_no_session(serve, web):
    url = await serve(web)
    assert "set-cookie" not in (await log_in(url, FRIEND, remember=True)).headers
    answer = await session(url)
    assert (answer.status, answer.json) == (404, {"code": "not_found"})


@pytest.mark.parametrize(
    ("origin", "is_secure"),
    [
        ("http://127.0.0.1:8470", False),
        ("http://localhost", False),
        ("https://127.0.0.1:8470", True),
        ("http://192.168.1.7:8470", True),
        ("http://127.0.0.1.evil.example", True),
    ],
)
async def test_only_a_page_on_loopback_may_be_remembered_without_tls(serve, origin, is_secure):
    url = await serve(Web(enabled=True), origins=(origin,))
    cookie = cookie_of(await log_in(url, origin, remember=True))
    assert bool(cookie["secure"]) is is_secure
    assert cookie["path"] == "/v1/session"


async def test_without_a_page_the_cookie_wants_tls(serve):
    url = await serve()
    answer = await http.request(f"{url}/v1/login", "POST", content={**RIGHT, "remember": True})
    assert cookie_of(answer)["secure"] is True


async def test_the_cookie_becomes_a_token(serve):
    url = await serve()
    answer = await session(url, Origin=OWN, **{"Sec-Fetch-Site": "same-origin"})
    assert (answer.status, answer.json) == (200, {"token": "token of alice", "expires_in": 3600})
    assert answer.headers["cache-control"] == "no-store"
    assert (await session(url, Cookie="chatd_session=forged")).status == 401
    none = await http.request(f"{url}/v1/session", "POST")
    assert (none.status, none.json) == (401, {"code": "login_failed"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": FRIEND},  # may connect with a token of its own, and is not our page
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": OWN, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": f"{OWN}:8443"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_pages_of_others_cannot_use_the_cookie(serve, headers, method):
    answer = await session(await serve(), method, **headers)
    assert (answer.status, answer.json) == (403, {"code": "forbidden"})
    assert "set-cookie" not in answer.headers


async def test_pages_of_others_leave_no_cookie_behind(serve):
    """Else a page could log its visitor in as somebody it knows, and read what they write there."""
    answer = await log_in(await serve(), FRIEND, remember=True)
    assert answer.status == 200
    assert "set-cookie" not in answer.headers


async def test_a_browser_that_logs_out_forgets_the_cookie(serve):
    answer = await session(await serve(), "DELETE", Origin=OWN)
    assert answer.status == 204
    cookie = cookie_of(answer)
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/in/here/v1/session")
    assert cookie["secure"] is True


async def test_a_session_is_not_read(serve):
    url = await serve()
    assert (await session(url, "GET")).status == 405
    assert (await session(await serve(accounts=lambda: None))).status == 404
