"""protocol.md "Plain HTTP": built-in accounts and POST /v1/login."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.kit import http
from tests.kit.client import fresh_device
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.leak_detector import PASSWORD
from tests.kit.tokens import earlier_token


@pytest.fixture(scope="module")
def store_with_alice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which an operator has added the account `alice`."""
    directory = tmp_path_factory.mktemp("accounts")
    command = [sys.executable, "-m", "chatd", "user", "add", "alice", "--name", "Alice Miller"]
    command += ["--data", str(directory / "store"), "--password-file", "-"]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, capture_output=True)
    return directory / "store"


@pytest.fixture
async def daemon(
    tmp_path: Path, store_with_alice: Path, request: pytest.FixtureRequest
) -> AsyncIterator[RunningDaemon]:
    """A daemon on a copy of that directory."""
    shutil.copytree(store_with_alice, tmp_path / "store")
    marker = request.node.get_closest_marker("settings")
    async with running_daemon(config_for(tmp_path / "store", **(marker.kwargs if marker else {}))) as running:
        yield running


async def _login(daemon: RunningDaemon, **fields: Any) -> http.Answer:
    content = {"user": "alice", "password": PASSWORD, **fields}
    return await http.request(f"{daemon.http_url}/v1/login", "POST", content=content)


async def test_a_login_gives_a_token_that_opens_a_connection(daemon: RunningDaemon, clients: Clients) -> None:
    answer = await _login(daemon)
    assert answer.status == 200
    assert answer.json.keys() == {"token", "expires_in"}
    assert answer.json["expires_in"] == 3600
    alice = await clients.open("alice", token=answer.json["token"])
    hello = await alice.say_hello()
    assert hello["user"] == "alice"
    assert 3_590 <= hello["token_ttl"] <= 3_600


async def test_a_token_for_a_device_opens_no_other(daemon: RunningDaemon, clients: Clients) -> None:
    device = fresh_device()
    token = (await _login(daemon, device=device)).json["token"]
    other = await clients.open("alice", token=token)
    await other.expect_refusal("token_invalid", other.hello())
    await other.expect_bye(4101)
    own = await clients.open("alice", token=token, device=device)
    await own.say_hello()


@pytest.mark.parametrize(
    "fields",
    [{"password": "wrong"}, {"user": "bob"}, {"password": PASSWORD + " "}, {"user": "Alice"}],
    ids=repr,
)
async def test_wrong_password_and_no_account_are_not_told_apart(
    daemon: RunningDaemon, fields: dict[str, str]
) -> None:
    answer = await _login(daemon, **fields)
    assert (answer.status, answer.json) == (401, {"code": "login_failed"})


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"user": "alice"},
        {"password": PASSWORD},
        {"user": 7, "password": "x"},
        ["alice", PASSWORD],
        "alice",
    ],
    ids=repr,
)
async def test_what_is_no_login_is_a_bad_request(daemon: RunningDaemon, content: Any) -> None:
    answer = await http.request(f"{daemon.http_url}/v1/login", "POST", content=content)
    assert (answer.status, answer.json["code"]) == (400, "bad_request")


async def test_a_body_of_a_megabyte_is_refused_unread(daemon: RunningDaemon) -> None:
    answer = await _login(daemon, password="x" * 1_000_000)
    assert answer.status in (400, 413)


@pytest.mark.settings(rates={"enabled": True, "login_address_per_min": 3})
async def test_attempts_are_counted_per_address(daemon: RunningDaemon) -> None:
    for _ in range(3):
        assert (await _login(daemon, password="wrong")).status == 401
    answer = await _login(daemon)
    assert answer.status == 429
    assert answer.json["code"] == "rate_limited"
    assert 0 < answer.json["retry_after"] <= 20_000
    assert 0 < int(answer.headers["retry-after"]) <= 20


@pytest.mark.settings(
    rates={"enabled": True, "login_user_per_min": 3},
    listen={"address": "127.0.0.1:0", "ops_address": "127.0.0.1:0", "trusted_proxies": ("127.0.0.1/32",)},
)
@pytest.mark.parametrize("user", ["alice", "nobody"])
async def test_attempts_are_counted_per_account_from_wherever(daemon: RunningDaemon, user: str) -> None:
    statuses = []
    for number in range(5):
        answer = await http.request(
            f"{daemon.http_url}/v1/login",
            "POST",
            content={"user": user, "password": "wrong horse"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
        statuses.append(answer.status)
    assert statuses == [401, 401, 401, 429, 429]
    assert (await _login(daemon, user="another")).status == 401


@pytest.mark.settings(auth={"accounts": False})
async def test_without_accounts_there_is_no_login(daemon: RunningDaemon) -> None:
    assert (await _login(daemon)).status == 404


async def test_a_login_is_a_post(daemon: RunningDaemon) -> None:
    assert (await http.request(f"{daemon.http_url}/v1/login")).status == 405


async def test_the_name_of_an_account_is_shown_to_others(daemon: RunningDaemon, clients: Clients) -> None:
    bob = await clients.connect("bob")
    (alice,) = (await bob.request({"type": "users.get", "users": ["alice"]}))["users"]
    assert (alice["user"], alice["name"]) == ("alice", "Alice Miller")
    assert "$argon2" not in repr(bob.heard)


async def test_a_new_password_ends_what_the_old_one_opened(daemon: RunningDaemon, clients: Clients) -> None:
    token = (await _login(daemon)).json["token"]
    client = await clients.connect("alice", token=token)
    tablet = await clients.connect("alice", token=earlier_token("alice"))
    hashed = PasswordHasher(1, 8192, 1).hash("a new password")
    assert (await daemon.api("PUT", "/v1/users/alice/password", password_hash=hashed)).status == 200
    for device in (client, tablet):
        await device.expect_bye(4201)
        again = await clients.open("alice", device=device.device, token=device.token)
        await again.expect_refusal("token_invalid", again.hello())
        await again.expect_bye(4201)
    assert (await _login(daemon)).status == 401
    for _ in range(3):
        answer = await _login(daemon, password="a new password")
        await clients.connect("alice", token=answer.json["token"])
