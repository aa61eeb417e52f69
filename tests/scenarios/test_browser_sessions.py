"""protocol.md "Plain HTTP": browsers that stay logged in, and login links of a development server."""

import asyncio
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from chatd.auth.passwords import Passwords
from tests.kit import http
from tests.kit.client import fresh_device
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.leak_detector import PASSWORD

OWN = "https://chat.example"
LINK = "0123456789_-abcdefABCD"
LINKS = {LINK: "alice"}


@pytest.fixture(scope="module")
def hashed() -> str:
    """The hash of PASSWORD."""
    passwords = Passwords()
    try:
        return asyncio.run(passwords.hash(PASSWORD))
    finally:
        passwords.close()


@pytest.fixture
async def daemon(tmp_path: Path, hashed: str, request: pytest.FixtureRequest) -> AsyncIterator[RunningDaemon]:
    """A daemon with the accounts alice and bob, which serves pages."""
    marker = request.node.get_closest_marker("settings")
    sections = {"web": {"enabled": True, "url": f"{OWN}/"}, **(marker.kwargs if marker else {})}
    async with running_daemon(config_for(tmp_path, **sections), login_links=LINKS) as running:
        for user in ("alice", "bob"):
            answer = await running.api("PUT", f"/v1/users/{user}", password_hash=hashed)
            assert answer.status == 200
        yield running


async def log_in(daemon: RunningDaemon, user: str = "alice", **fields: Any) -> str:
    """Log in as a browser that is to be remembered; return its cookie."""
    content = {"user": user, "password": PASSWORD, "remember": True, **fields}
    answer = await http.request(
        f"{daemon.http_url}/v1/login", "POST", content=content, headers={"Origin": OWN}
    )
    assert answer.status == 200
    return SimpleCookie(answer.headers["set-cookie"])["chatd_session"].value


async def resume(daemon: RunningDaemon, session: str) -> http.Answer:
    headers = {"Cookie": f"chatd_session={session}", "Origin": OWN, "Sec-Fetch-Site": "same-origin"}
    return await http.request(f"{daemon.http_url}/v1/session", "POST", headers=headers)


async def test_a_browser_that_comes_back_is_logged_in(daemon: RunningDaemon, clients: Clients) -> None:
    device = fresh_device()
    answer = await resume(daemon, await log_in(daemon, device=device))
    assert answer.status == 200
    alice = await clients.connect("alice", token=answer.json["token"], device=device)
    assert alice.user == "alice"
    other = await clients.open("alice", token=answer.json["token"])
    await other.expect_refusal("token_invalid", other.hello())  # as bound to its device as the login was


async def test_each_cookie_is_of_its_user(daemon: RunningDaemon, clients: Clients) -> None:
    alices, bobs = await log_in(daemon), await log_in(daemon, "bob")
    for user, session in (("alice", alices), ("bob", bobs)):
        token = (await resume(daemon, session)).json["token"]
        assert (await (await clients.open(user, token=token)).say_hello())["user"] == user


async def test_the_cookie_opens_no_connection(daemon: RunningDaemon, clients: Clients) -> None:
    thief = await clients.open("alice", token=await log_in(daemon))
    await thief.expect_refusal("token_invalid", thief.hello())
    await thief.expect_bye(4101)


async def test_a_token_is_no_cookie(daemon: RunningDaemon) -> None:
    token = (await resume(daemon, await log_in(daemon))).json["token"]
    assert (await resume(daemon, token)).status == 401


@pytest.mark.parametrize(
    "change",
    [
        ("POST", "/revoke", {}),
        ("PUT", "", {"disabled": True}),
        ("PUT", "/password", {"password_hash": "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"}),
    ],
    ids=lambda change: change[0] + change[1],
)
async def test_a_revocation_ends_it(daemon: RunningDaemon, change: tuple[str, str, dict[str, Any]]) -> None:
    alices, bobs = await log_in(daemon), await log_in(daemon, "bob")
    method, path, content = change
    assert (await daemon.api(method, f"/v1/users/alice{path}", **content)).status == 200
    answer = await resume(daemon, alices)
    assert (answer.status, answer.json) == (401, {"code": "login_failed"})
    assert (await resume(daemon, bobs)).status == 200


async def test_a_browser_that_is_removed_as_a_device_is_logged_out(
    daemon: RunningDaemon, clients: Clients
) -> None:
    device, other_device = fresh_device(), fresh_device()
    session = await log_in(daemon, device=device)
    other_session = await log_in(daemon, device=other_device)
    token = (await resume(daemon, session)).json["token"]
    phone = await clients.connect("alice")
    await clients.connect("alice", token=token, device=device)
    await phone.request({"type": "devices.remove", "device": device})
    assert (await resume(daemon, session)).status == 401
    assert (await resume(daemon, other_session)).status == 200


async def test_it_outlives_a_restart(daemon: RunningDaemon) -> None:
    session = await log_in(daemon)
    await daemon.restart()
    assert (await resume(daemon, session)).status == 200


RATES = {"enabled": True, "login_user_per_min": 3, "login_address_per_min": 3}


@pytest.mark.settings(rates=RATES)
async def test_browsers_of_one_address_do_not_use_up_its_logins(daemon: RunningDaemon) -> None:
    alices, bobs = await log_in(daemon), await log_in(daemon, "bob")
    statuses = [(await resume(daemon, session)).status for session in (alices, bobs) * 2]
    assert statuses == [200, 200, 200, 200]
    assert (await resume(daemon, alices)).status == 429
    answer = await resume(daemon, "forged")
    assert answer.status == 401
    answer = await resume(daemon, "forged again")
    assert (answer.status, answer.json["code"]) == (429, "rate_limited")


@pytest.mark.settings(rates={**RATES, "login_address_per_min": 10})
async def test_a_revoked_cookie_does_not_use_up_the_logins_of_its_owner(daemon: RunningDaemon) -> None:
    session = await log_in(daemon)
    await daemon.api("POST", "/v1/users/alice/revoke")
    assert [(await resume(daemon, session)).status for _ in range(4)] == [401, 401, 401, 401]
    assert (await resume(daemon, await log_in(daemon))).status == 200


# --- login links


async def by_link(daemon: RunningDaemon, link: str = LINK, **more: Any) -> http.Answer:
    headers = more.pop("headers", {})
    return await http.request(
        f"{daemon.http_url}/v1/login", "POST", content={"link": link, **more}, headers=headers
    )


async def test_a_link_logs_in_again_and_again_and_leaves_no_cookie(
    daemon: RunningDaemon, clients: Clients
) -> None:
    device = fresh_device()
    for _ in range(2):
        answer = await by_link(daemon, device=device, remember=True, headers={"Origin": OWN})
        assert answer.status == 200
        assert "set-cookie" not in answer.headers
        await clients.connect("alice", token=answer.json["token"], device=device)


@pytest.mark.parametrize("link", [LINK[::-1], LINK.lower(), "A" * 22])
async def test_another_code_is_none(daemon: RunningDaemon, link: str) -> None:
    answer = await by_link(daemon, link)
    assert (answer.status, answer.json) == (401, {"code": "login_failed"})


@pytest.mark.parametrize("link", ["", LINK[1:], LINK + "A", LINK + "\n", None, 7, [LINK]], ids=repr)
async def test_what_cannot_be_a_code_is_a_bad_request(daemon: RunningDaemon, link: Any) -> None:
    assert (await by_link(daemon, link)).status == 400


@pytest.mark.settings(
    listen={"address": "127.0.0.1:0", "ops_address": "127.0.0.1:0", "trusted_proxies": ("127.0.0.1/32",)}
)
async def test_a_link_is_for_loopback(daemon: RunningDaemon) -> None:
    assert (await by_link(daemon, headers={"X-Forwarded-For": "203.0.113.7"})).status == 401
    assert (await by_link(daemon, headers={"Origin": "https://evil.example"})).status == 403
    assert (await by_link(daemon)).status == 200


async def test_a_link_opens_no_disabled_account(daemon: RunningDaemon) -> None:
    await daemon.api("PUT", "/v1/users/alice", disabled=True)
    assert (await by_link(daemon)).status == 401


@pytest.mark.settings(rates=RATES)
async def test_codes_cannot_be_tried_without_limit(daemon: RunningDaemon) -> None:
    assert [(await by_link(daemon, "A" * 22)).status for _ in range(4)] == [401, 401, 401, 429]


async def test_a_server_without_links_knows_none(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path)) as daemon:
        assert (await by_link(daemon)).status == 401
