"""The background tasks of a daemon: they go on, whatever a key server answers and whatever fails."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chatd.auth.keyring import Keyring
from chatd.config.secret import Secret
from chatd.jobs.maintenance import Maintenance
from chatd.telemetry import supervision
from tests.kit import http
from tests.kit.clients import Clients
from tests.kit.daemon import config_for, daemon_process, running_daemon
from tests.kit.keyserver import KeyServer, key_server
from tests.kit.keysets import key_set_of
from tests.kit.tokens import token_for


@pytest.fixture
def provider() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.mark.parametrize(
    ("part", "work"), [(Maintenance, "run"), (Maintenance, "watch_lag"), (Keyring, "keep_fresh")]
)
async def test_a_task_that_failed_begins_again(
    part: Any, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, begun = getattr(part, work), asyncio.Event()

    async def fails_first(self: Any, *arguments: Any) -> None:
        if "is started again" not in caplog.text:
            raise RuntimeError("a defect")
        begun.set()
        await real(self, *arguments)

    monkeypatch.setattr(supervision, "RESTART_S", 0)
    monkeypatch.setattr(part, work, fails_first)
    async with running_daemon(config_for(tmp_path)):
        await begun.wait()


@pytest.mark.parametrize(("answer", "times"), [("heading", 1), ("nowhere", 2)])
async def test_no_key_server_keeps_the_daemon_from_reloading_or_leaving(
    provider: KeyServer, tmp_path: Path, answer: str, times: int
) -> None:
    """One that drips, and one whose redirect cannot be read, which is asked again all the same."""
    settings = {"AUTH__JWKS_URL": provider.url(answer), "AUTH__JWKS_RETRY_S": "1"}
    async with daemon_process(tmp_path, **settings) as daemon:
        await asked(provider, times)
        daemon.reload()
        await daemon.wait_for_log("settings read again; changed: nothing")
        assert await daemon.terminate() == 0
        assert "stopped" in daemon.log


async def test_a_daemon_without_any_key_is_not_ready_and_one_that_had_some_is(
    provider: KeyServer, tmp_path: Path
) -> None:
    """Down at the first start, up, and down again at the next."""
    app = Signer()
    auth = {"jwks_url": provider.url("switched"), "secret": Secret()}
    async with running_daemon(config_for(tmp_path, auth=auth)) as daemon:
        await asked(provider, 1)
        ready = await http.request(f"{daemon.ops_url}/readyz")
        assert (ready.status, ready.json["checks"]["keys"]) == (503, "there is no key to verify a token with")
        company = Clients(daemon.url)
        ann = await company.open("ann", token=app.token("ann"))
        told = await ann.expect_refusal("overloaded", ann.hello())
        assert (told["retry"], 0 < told["retry_after"] <= 60_000) == ("later", True)
        assert (await ann.expect_bye(4003))["retry_after"] == told["retry_after"]
        provider.content = key_set_of(app)
        await daemon.restart()
        company = Clients(daemon.url)
        await company.connect("ann", token=app.token("ann"))
        await company.leave()
        while not list(tmp_path.glob("keys-*.json")):
            await asyncio.sleep(0.01)
        provider.content = b""
        await daemon.restart()
        assert (await http.request(f"{daemon.ops_url}/readyz")).status == 200
        company = Clients(daemon.url)
        await company.connect("ann", token=app.token("ann"))
        await company.leave()


class Signer:
    """The private key of a host app."""

    kid, algorithm = "app", "ES256"

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())

    def token(self, user: str) -> str:
        claims = jwt.decode(token_for(user), options={"verify_signature": False})
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.kid})


async def asked(provider: KeyServer, times: int) -> None:
    """Return when it was asked so often."""
    while len(provider.paths) < times:
        await asyncio.sleep(0.01)
