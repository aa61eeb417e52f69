"""The examples of docs/host.md, each run as a program of its own."""

import asyncio
import datetime
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from bench.machine import free_ports
from chatd.config.push import PushApp
from chatd.http.api.application import TABLE
from chatd.http.api.route import scopes_of
from tests.kit import http
from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.media_client import MediaClient
from tests.kit.newcomer import ROOT, blocks
from tests.kit.tokens import SECRET
from tests.kit.waiting import until

HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OPENING, SIGN, USERS, FILES, FOLLOW, RECEIVE, NOTIFIED = [
    block.text for block in blocks(ROOT / "docs" / "host.md") if block.language == "python"
]


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    on = {"enabled": True}
    push = {"apps": (PushApp(platform="fcm", key_file="k"),), "workers": 0, **on}
    media = {"address": "127.0.0.1:0", **on}
    listen = {"api_address": "127.0.0.1:0"}
    config = config_for(tmp_path / "data", listen=listen, events=on, push=push, media=media)
    async with running_daemon(config) as running:
        yield running


@pytest.fixture
async def environment(daemon: RunningDaemon) -> dict[str, str]:
    made = await daemon.api("POST", "/v1/keys", name="host", scopes=sorted(scopes_of(TABLE)))
    ours = {"CHATD_URL": daemon.api_url, "CHATD_KEY": made.json["secret"], "CHAT_SECRET": SECRET}
    return {**os.environ, **ours, "PYTHONPATH": str(ROOT)}


async def started(program: str, environment: dict[str, str], *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *words, env=environment, stdout=asyncio.subprocess.PIPE
    )


async def said(program: str, environment: dict[str, str], *words: str) -> str:
    process = await started(program, environment, *words)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()


async def test_the_opening_needs_no_daemon(environment: dict[str, str]) -> None:
    assert await said(OPENING, environment) == ""


async def test_a_signed_token_lets_a_phone_in_on_its_device(
    daemon: RunningDaemon, environment: dict[str, str]
) -> None:
    device = "A" * 22
    token = await said(SIGN, environment, "u42", device)
    clients = Clients(daemon.url)
    await clients.connect("u42", device=device, token=token)
    await clients.leave()


async def test_users_a_room_and_its_messages(daemon: RunningDaemon, environment: dict[str, str]) -> None:
    output = await said(USERS, environment)
    [room] = (await daemon.api("GET", "/v1/users/u42/rooms")).json["rooms"]
    assert output == f"{room['room']} ['Thank you!']"
    assert (await daemon.api("GET", "/v1/users/u42")).json["name"] == "User 42"
    assert len((await daemon.api("GET", "/v1/users?limit=200")).json["users"]) == 200
    # Run again it makes nothing twice.
    assert await said(USERS, environment) == output


async def test_files_of_a_user_are_taken_down(daemon: RunningDaemon, environment: dict[str, str]) -> None:
    chat = await TestClient.connect(daemon.url, "u42")
    url = (await chat.say_hello(features=["media"]))["media"]["url"]
    file = await MediaClient(url, environment["CHATD_KEY"]).upload(b"a file", owner="u42")
    assert await said(FILES, environment, "u42") == f"{file} file 6\n0"


async def test_messages_are_followed_from_the_cursor_that_was_kept(
    daemon: RunningDaemon, environment: dict[str, str], tmp_path: Path
) -> None:
    made = await daemon.api("POST", "/v1/rooms/direct", users=["ann", "bob"])
    room = made.json["room"]

    async def post(text: str) -> None:
        message = {"as": "ann", "key": f"key-{text}-1234", "body": {"text": text}}
        await daemon.api("POST", f"/v1/rooms/{room}/messages", **message)

    cursor = tmp_path / "cursor"
    for text in ("one", "two"):
        await post(text)
        before = cursor.read_text() if cursor.exists() else ""
        follower = await started(FOLLOW, environment, str(cursor))
        assert follower.stdout is not None
        assert await follower.stdout.readline() == f"{room} ann {text}\n".encode()
        await until(lambda before=before: cursor.exists() and cursor.read_text() not in ("", before))
        follower.kill()
        await follower.wait()


async def test_a_receiver_takes_what_is_signed_and_nothing_else() -> None:
    [port] = free_ports(1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WEBHOOK_SECRET": HOOK_SECRET, "PORT": str(port)}
    receiver = await started(RECEIVE, environment)
    page = {"type": "events", "events": [{"id": "k7Qd-1-0", "type": "event.message"}]}
    body, now = json.dumps(page), datetime.datetime.now(tz=datetime.UTC)
    good = Webhook(HOOK_SECRET).sign("k7Qd-1-0", now, body)
    stale = now - datetime.timedelta(minutes=6)

    async def answered(signature: str, content: str = body, at: datetime.datetime = now) -> int:
        headers = {
            "webhook-id": "k7Qd-1-0",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }
        url = f"http://127.0.0.1:{port}/"
        while True:
            try:
                return (await http.request(url, "POST", content=content.encode(), headers=headers)).status
            except OSError:
                # It does not listen yet.
                await asyncio.sleep(0.02)

    try:
        assert await answered(f"v1,AAAA {good}") == 204
        assert receiver.stdout is not None
        assert await receiver.stdout.readline() == b"k7Qd-1-0 event.message\n"
        assert await answered("v1,AAAA") == 401
        assert await answered(good, body + " ") == 401
        old = Webhook(HOOK_SECRET).sign("k7Qd-1-0", stale, body)
        assert await answered(old, at=stale) == 401
    finally:
        receiver.kill()
        await receiver.wait()


async def test_support_sees_why_somebody_was_not_notified(
    daemon: RunningDaemon, environment: dict[str, str]
) -> None:
    clients = Clients(daemon.url)
    phone = await clients.connect("u42", hello={"features": ["push"]})
    await phone.request({"type": "devices.push", "platform": "fcm", "token": "t"})
    room, _ = await clients.in_direct("u7", "u42")
    await phone.request({"type": "preferences", "room": room, "notify": "none"})
    await daemon.api(
        "POST", f"/v1/rooms/{room}/messages", **{"as": "u7", "key": "key-of-u7-00001", "body": {"text": "hi"}}
    )
    while " message prefs_off " not in (shown := await said(NOTIFIED, environment, "u42")):
        pass
    assert f"{phone.device} fcm sent" in shown
    await clients.leave()
