"""A configuration that changes while the daemon runs: by SIGHUP as operators do it, and part by part."""

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from chatd.config.model import Config
from chatd.config.origins import Origins
from chatd.config.reloadable import ReloadPlan, Unusable
from chatd.server.descriptors import shared_out
from chatd.server.reload import Reload
from tests.kit import http
from tests.kit.certificates import write_certificate
from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess, RunningDaemon, config_for, daemon_process, running_daemon
from tests.kit.tokens import token_for

CANARY = "a secret that must not be seen anywhere"


class Operator:
    """An operator with an editor and SIGHUP, and a daemon process that reads the file."""

    def __init__(self, directory: Path, daemon: DaemonProcess) -> None:
        self.daemon = daemon
        self._file = directory / "chatd.toml"
        self._reloads = 0

    async def writes(self, text: str) -> None:
        """Change the file and have it read; returns when the daemon has said what came of it."""
        self._file.write_text(text)
        self._reloads += 1
        self.daemon.reload()
        await self.daemon.wait_for_log("settings", times=self._reloads)


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    file = tmp_path / "chatd.toml"
    file.touch(mode=0o600)
    async with daemon_process(tmp_path, CONFIG=str(file), RATES__ENABLED="true") as daemon:
        yield Operator(tmp_path, daemon)


def packet(room: str) -> dict[str, Any]:
    return {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}}


async def test_sighup_puts_the_file_in_force_and_a_broken_one_changes_nothing(operator: Operator) -> None:
    company, log = Clients(operator.daemon.url), operator.daemon
    room, (alice, _) = await company.in_direct("alice", "bob")
    for _ in range(5):
        await alice.request(packet(room))

    await operator.writes("[rates]\nwrites_burst = 1\nwrites_per_s = 0.01\n[listen]\nbacklog = 99\n")
    assert "changed: rates.writes_per_s, rates.writes_burst" in log.log
    assert "restart to change listen.backlog" in log.log
    await alice.reply_to(packet(room))
    await alice.expect_refusal("rate_limited", packet(room))

    await operator.writes("[rates]\nwrites_burst = 100\nwrites_brust = 5\n")
    assert "the settings stay as they were" in log.log
    assert "chatd.toml:3: unknown key rates.writes_brust. Did you mean rates.writes_burst?" in log.log
    await alice.expect_refusal("rate_limited", packet(room))

    await operator.writes("")
    await alice.request(packet(room))
    await company.leave()


async def test_sighup_takes_keys_in_and_out_for_the_next_hello(operator: Operator, tmp_path: Path) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    claims = jwt.decode(token_for("ann"), options={"verify_signature": False})
    token = jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": "app"})
    company = Clients(operator.daemon.url)

    async def greets() -> dict[str, Any]:
        ann = await company.open("ann", token=token)
        return await ann.reply_to(ann.hello())

    assert (await greets())["code"] == "token_invalid"
    await operator.writes(f'[auth]\nkeys = [{{kid="app", algorithm="EdDSA", file="{tmp_path}/key.pem"}}]\n')
    assert (await greets())["type"] == "ok"
    assert (await greets())["type"] == "ok", "remembered by now"
    await operator.writes(f'[auth]\nkeys = [{{kid="app", algorithm="EdDSA", file="{tmp_path}/none.pem"}}]\n')
    assert "none.pem cannot be read" in operator.daemon.log
    assert (await greets())["type"] == "ok", "a file that is wrong takes no key away"
    (tmp_path / "open").write_text(CANARY)
    await operator.writes(f'[auth]\nsecret_file = "{tmp_path}/open"\n')
    await operator.writes(f'[auth]\nsecret = ["{CANARY}"]\n')
    await operator.writes(f'[auth]\nsecret = "{CANARY}"\n[limits]\nbatch = 0\n')
    await operator.writes("")
    assert (await greets())["code"] == "token_invalid", "remembered tokens go with their key"
    assert CANARY not in operator.daemon.log
    await company.leave()


# --- part by part, in one process


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path)) as running:
        yield running


async def test_pages_that_may_connect_change(daemon: RunningDaemon) -> None:
    company, page = Clients(daemon.url), {"Origin": "https://app.example.org"}
    with pytest.raises(Exception, match="403"):
        await company.open("ann", headers=page)
    daemon.reconfigure(listen={"origins": ("https://app.example.org",)})
    await company.open("ann", headers=page)
    await company.leave()


async def test_a_proxy_that_is_trusted_now_is_believed(daemon: RunningDaemon) -> None:
    company = Clients(daemon.url)
    daemon.reconfigure(limits={"connections_per_address": 1})
    await company.connect("ann", headers={"X-Forwarded-For": "192.0.2.1"})
    with pytest.raises(Exception, match="503"):
        await company.connect("bob", headers={"X-Forwarded-For": "192.0.2.2"})
    daemon.reconfigure(listen={"trusted_proxies": ("127.0.0.0/8",)})
    await company.connect("bob", headers={"X-Forwarded-For": "192.0.2.2"})
    await company.leave()


async def test_a_new_heartbeat_is_told_to_new_connections(daemon: RunningDaemon) -> None:
    company = Clients(daemon.url)
    daemon.reconfigure(heartbeat={"foreground_s": 77})
    ann = await company.open("ann")
    assert (await ann.say_hello())["heartbeat"] == 77
    await company.leave()


async def test_login_comes_and_goes_with_the_accounts(daemon: RunningDaemon) -> None:
    account = {"user": "ann", "password": "wrong-password"}

    async def logs_in() -> int:
        return (await http.request(f"{daemon.http_url}/v1/login", "POST", content=account)).status

    assert await logs_in() == 401
    daemon.reconfigure(auth={"accounts": False})
    assert await logs_in() == 404
    daemon.reconfigure(auth={"accounts": True})
    assert await logs_in() == 401


async def shown_certificate(daemon: RunningDaemon, url: str = "") -> bytes:
    """The certificate that a new client is shown, DER."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    port = int((url or daemon.http_url).rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
    assert isinstance(shown, bytes)
    return shown


async def test_files_that_hold_something_else_now_are_named_in_the_log(
    operator: Operator, tmp_path: Path
) -> None:
    """A certificate is renewed under its old name: no setting changed, and yet something did."""
    key = tmp_path / "key.pem"
    settings = f'[auth]\nkeys = [{{kid="app", algorithm="EdDSA", file="{key}"}}]\n'

    def new_key() -> None:
        public = ed25519.Ed25519PrivateKey.generate().public_key()
        pem = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        key.write_bytes(public.public_bytes(*pem))

    new_key()
    await operator.writes(settings)
    await operator.writes(settings)
    new_key()
    await operator.writes(settings)
    changed = re.findall(r'changed: ([^"]*)"', operator.daemon.log)
    assert changed == ["auth.keys, the keys of tokens", "nothing", "the keys of tokens"]


async def test_a_renewed_certificate_is_shown_to_the_next_client(tmp_path: Path) -> None:
    old, new = write_certificate(tmp_path / "old.pem"), write_certificate(tmp_path / "new.pem")
    addresses = {"address": "127.0.0.1:0", "api_address": "127.0.0.1:0"}
    async with running_daemon(config_for(tmp_path, listen={**old, **addresses})) as daemon:
        first = await shown_certificate(daemon)
        assert await shown_certificate(daemon, daemon.api_url) == first
        daemon.reconfigure(listen=new)
        second = await shown_certificate(daemon)
        assert daemon.reconfigure(listen=new) == []
        write_certificate(tmp_path / "new.pem")
        assert daemon.reconfigure(listen=new) == ["the certificate"], "renewed under its old name"
        second = await shown_certificate(daemon)
        assert first != second
        assert await shown_certificate(daemon, daemon.api_url) == second
        (tmp_path / "new.pem").write_text("nonsense")
        with pytest.raises(Exception, match="cannot load the certificate"):
            daemon.reconfigure(listen={**new, "origins": ("https://late.example",)}, rates={"enabled": True})
        assert await shown_certificate(daemon) == second


# --- one reload after the other


class Patient:
    """A daemon that only notes what is put in force."""

    class env:
        @staticmethod
        def monotonic() -> float:
            return 1.5

    descriptors = shared_out(1 << 20)
    origins = Origins()

    def __init__(self) -> None:
        self.config = Config()
        self.taken: list[Config] = []

    def reconfigure(self, config: Config) -> list[str]:
        self.config = config
        self.taken.append(config)
        return []


async def test_the_service_manager_hears_of_a_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        reload = Reload(cast(Any, Patient()), lambda running: ReloadPlan(running, (), ()))
        running = asyncio.create_task(reload.run())
        reload.ask()
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(manager, 1000) == b"RELOADING=1\nMONOTONIC_USEC=1500000"
        assert await loop.sock_recv(manager, 1000) == b"READY=1"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_defect_while_reading_ends_neither_the_daemon_nor_later_reloads(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop, done, daemon = asyncio.get_running_loop(), asyncio.Event(), Patient()
    outcomes: list[Any] = [RuntimeError("canary"), Unusable("chatd.toml:1: wrong. Mend it."), None]

    def reread(running: Config) -> ReloadPlan:
        outcome = outcomes.pop(0)
        loop.call_soon_threadsafe(again.ask if outcomes else done.set)
        if outcome is not None:
            raise outcome
        return ReloadPlan(Config(), ("log.level",), ())

    again = Reload(daemon, reread)
    running = asyncio.create_task(again.run())
    again.ask()
    with caplog.at_level(logging.INFO):
        await done.wait()
        while not daemon.taken:
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    said = [record.getMessage() for record in caplog.records]
    assert said[:2] == [
        "the settings stay as they were",
        "the settings stay as they were: chatd.toml:1: wrong. Mend it.",
    ]
    assert len(daemon.taken) == 1
