"""`python -m tests.kit.push_speed`: CPU time of one notification, of the sender and of httpx2, over HTTP/2 and TLS.

Both send the same payloads to a server in another process, 500 at a time, each in turn. Medians of several rounds.
httpx2 is asked as its documentation shows, one client with HTTP/2 and one token; it seals nothing, so sealed is what
the sender needs beyond that.
"""

import asyncio
import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
import uvloop
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chatd.config.push import PushApp
from chatd.core.push import Address
from chatd.push.handover import SenderSettings
from chatd.push.interface import Answer, Delivery
from chatd.push.key_files import new_vapid_key
from chatd.push.sender.services import LocalSender
from chatd.server.system_env import SystemEnv
from tests.kit.push_services.authority import Authority
from tests.kit.push_services.example import FULL
from tests.kit.push_services.listener import Listener, Request, Response
from tests.kit.push_services.web_push import Keys

ROUNDS, COUNT, AT_ONCE = 3, 2_000, 500
TOKEN = {"access_token": "a", "expires_in": 3600}
TAKEN = {"name": "projects/p/messages/0:1500415314455276%31bd1c9631bd1c96"}


async def take(request: Request) -> Response:
    if request.path.startswith("/3/device/"):
        return Response(200, b"", {"apns-id": "eabeae54-14a8-11e5-b60b-1697f925ec7b"})
    answer = TOKEN if request.path == "/token" else TAKEN
    return Response(200, json.dumps(answer).encode(), {"content-type": "application/json"})


async def serve(directory: Path, ready: int) -> None:
    async with Listener(take, Authority(directory)) as service:
        os.write(ready, service.url.encode())
        await asyncio.Event().wait()


def apps(directory: Path, url: str) -> tuple[PushApp, ...]:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "client_email": "a@b", "private_key": pem, "project_id": "p"}
    files = {"apns": new_vapid_key(), "fcm": json.dumps({**account, "token_uri": f"{url}/token"})}
    for name, content in files.items():
        (directory / name).touch(0o600)
        (directory / name).write_text(content)
    apns = PushApp(
        platform="apns", key_file=str(directory / "apns"), url=url, team="t", key_id="k", topic="t"
    )
    return apns, PushApp(platform="fcm", key_file=str(directory / "fcm"), url=url)


async def ours(settings: SenderSettings, platform: str, sealed: bool) -> float:
    """Return the microseconds of CPU that one notification takes."""
    done, keys = asyncio.Queue[Answer](), Keys()

    def note(answers: Sequence[Answer]) -> None:
        for answer in answers:
            done.put_nowait(answer)

    sender = LocalSender(settings, SystemEnv(), note)
    seal = {"p256dh": keys.p256dh_bytes, "auth": keys.secret} if sealed else {}

    async def send(numbers: Sequence[int]) -> None:
        places = [Address(platform, "", f"{number:064x}", **seal) for number in numbers]  # type: ignore[arg-type]
        expires_at = time.time_ns() // 1_000_000 + 3_600_000
        sender.send(
            [
                Delivery(number, place, FULL, expires_at=expires_at)
                for number, place in zip(numbers, places, strict=True)
            ]
        )
        for _ in numbers:
            answer = await done.get()
            assert answer.result == "sent", answer

    await send([0])
    began = time.process_time()
    for first in range(1, COUNT, AT_ONCE):
        await send(range(first, first + AT_ONCE))
    took = time.process_time() - began
    await sender.close()
    return took / COUNT * 1e6


async def theirs(url: str, platform: str) -> float:
    """Return the same of httpx2."""
    body = json.dumps(
        {"aps": {"alert": {"title": "Bob", "body": FULL.text}}, "room": FULL.room, "tag": FULL.tag}
    )
    path = "/3/device/{:064x}" if platform == "apns" else "/v1/projects/p/messages:send"
    head = {"authorization": "bearer x", "apns-topic": "t", "apns-push-type": "alert", "apns-priority": "10"}
    async with httpx2.AsyncClient(http2=True) as client:

        async def send(number: int) -> None:
            answer = await client.post(url + path.format(number), content=body, headers=head)
            assert (answer.status_code, answer.http_version) == (200, "HTTP/2")

        await send(0)
        began = time.process_time()
        for first in range(1, COUNT, AT_ONCE):
            await asyncio.gather(*map(send, range(first, first + AT_ONCE)))
        return (time.process_time() - began) / COUNT * 1e6


async def measure(directory: Path, url: str) -> None:
    settings = SenderSettings(apps(directory, url))
    for platform in ("apns", "fcm"):
        found: dict[str, list[float]] = {"plain": [], "sealed": [], "httpx2": []}
        for _ in range(ROUNDS):
            found["plain"].append(await ours(settings, platform, False))
            found["sealed"].append(await ours(settings, platform, True))
            found["httpx2"].append(await theirs(url, platform))
        shown = {name: statistics.median(times) for name, times in found.items()}
        times = " · ".join(f"{name} {us:.0f} us" for name, us in shown.items())
        print(f"{platform}: {times} · httpx2 / plain {shown['httpx2'] / shown['plain']:.1f} x")


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        directory, (heard, ready) = Path(made), os.pipe()
        if not (server := os.fork()):
            asyncio.run(serve(directory, ready))
        try:
            url = os.read(heard, 200).decode()
            os.environ["SSL_CERT_FILE"] = str(directory / "authority.pem")
            uvloop.run(measure(directory, url))
        finally:
            os.kill(server, signal.SIGTERM)


if __name__ == "__main__":
    main()
