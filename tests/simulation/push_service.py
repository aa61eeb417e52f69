"""Apple's push service as a peer of the simulated daemon, which reaches it over HTTP/2 on the simulated network.

The service is that of tests/kit/push_services, so the client of HTTP/2, the payloads and the results are those of the
product. Its faults are those of the scenario, as long as there are any.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from chatd.config.push import Push, PushApp
from tests.kit.push_services.apns import KEY_ID, TEAM, TOPIC, Apns, refusal
from tests.kit.push_services.listener import Http2Connection, Request, Response
from tests.kit.push_services.service import Told
from tests.simulation.history import PushRequest
from tests.simulation.transport import Link

if TYPE_CHECKING:
    from tests.simulation.world import World

# Private, as a service without TLS has to be.
HOST, PORT = "10.0.0.7", 80
URL = f"http://{HOST}:{PORT}"
DELAY_S = 1
STALE_S = 600
# An answer takes a few milliseconds, or longer than the sender waits.
USUAL_S, TICKS = 0.001, 5
LATEST_S = 11.0
# The time for which a busy service wants to be left alone: longer than a request takes that was handed over.
PATIENCE_S = 25
# Refusals that end nothing: the sender slows down, or tries again.
PASSING = ("TooManyRequests", "InternalServerError", "ServiceUnavailable", "Shutdown")
# Refusals of a device, which is forgotten, and of one notification.
FINAL = ("Unregistered", "DeviceTokenNotForTopic", "PayloadTooLarge")


def settings(place: Path) -> Push:
    """Return the section of a configuration with this service. `place`: where it has its key."""
    app = PushApp(
        "apns", str(place / "AuthKey.p8"), app=TOPIC, team=TEAM, key_id=KEY_ID, topic=TOPIC, url=URL
    )
    return Push(enabled=True, apps=(app,), workers=0, delay_s=DELAY_S, stale_s=STALE_S)


@contextmanager
def push_service_reached() -> Iterator[None]:
    """Replace the threads in which names of hosts are looked up: they know no virtual time."""

    async def at_once(work: Callable[[], Any], name: str) -> Any:
        return work()

    with patch("chatd.egress.client.in_thread", at_once):
        yield


def keep_trace(before: Path, directory: Path) -> Path:
    """Let the next process find the trace of the one before; return its directory."""
    if (before / "trace").exists():
        directory.mkdir(mode=0o700)
        shutil.copytree(before / "trace", directory / "trace")
    return directory


class SimPushService(Apns):
    """The peer. What it answers and when is drawn."""

    def __init__(self, world: "World", place: Path) -> None:
        super().__init__(place, streams=8)
        self._world = world
        self.lane = world.choices.lane("push")
        self._known: set[str] = set()

    async def _on_request(self, request: Request) -> Told:
        fate = self._fate()
        told = await self._told(request, fate)
        self._record(request, told)
        if fate == "late":
            await asyncio.sleep(LATEST_S)
        return told

    async def _told(self, request: Request, fate: str) -> Told:
        await asyncio.sleep(USUAL_S * (1 + self.lane.pick(TICKS)))
        if fate in ("hang", "reset", "drop", "goaway"):
            return fate  # type: ignore[return-value]
        if fate in (*PASSING, *FINAL):
            told = refusal(fate)
            return replace(told, headers={**told.headers, "retry-after": str(PATIENCE_S)})
        return await self.answer(request)

    def _fate(self) -> str:
        world, lane = self._world, self.lane
        if not world.troubled:
            return ""
        if world.scenario.has("push_hangs") and lane.befalls(6):
            return ("hang", "late")[lane.pick(2)]
        if world.scenario.has("push_refuses") and lane.befalls(4):
            return FINAL[lane.pick(len(FINAL))] if lane.befalls(6) else PASSING[lane.pick(len(PASSING))]
        if world.scenario.has("push_goaway") and lane.befalls(5):
            return ("goaway", "goaway", "reset", "drop")[lane.pick(4)]
        return ""

    def _credential_reason(self, request: Request) -> str:
        # A wall clock that jumps makes tokens that a real service refuses; here it only has to be signed.
        token = request.headers.get("authorization", "")
        if token not in self._known:
            self.now_s = self._world.wall.now_s
            if reason := super()._credential_reason(request):
                return reason if reason == "InvalidProviderToken" else ""
            self._known.add(token)
        return ""

    def _record(self, request: Request, told: Told) -> None:
        payload = json.loads(request.body)
        accepted = isinstance(told, Response) and told.status == 200
        final = accepted or (isinstance(told, Response) and told.status in (400, 410, 413))
        # Nothing of a request that was not looked at.
        if told == "goaway":
            self._world.count("requests left out by a GOAWAY")
            return
        self._world.history.pushes.append(
            PushRequest(
                self._world.loop.time(),
                request.path.rpartition("/")[2],
                payload.get("tag", ""),
                payload.get("room", ""),
                payload.get("seq", 0),
                payload.get("kind", ""),
                payload["aps"].get("badge"),
                accepted,
                final,
            )
        )

    def connection(self) -> Http2Connection:
        return Http2Connection(self.listener)

    async def answer(self, request: Request) -> Told:
        """Answer as the real service does, to which all devices are known."""
        self.add(request.path.rpartition("/")[2])
        return await super().answer(request)


class ServicePeer:
    """The end of the service of one connection. Nothing of it depends on the bytes, which signatures make random."""

    def __init__(self, make: Callable[[], Http2Connection]) -> None:
        self._make = make
        self._protocol: Http2Connection | None = None

    def begin(self, link: Link) -> None:
        self._protocol = self._make()
        self._protocol.connection_made(PeerTransport(link))

    def opened(self) -> None:
        """Do nothing: `begin` has the connection."""

    def received(self, data: bytes) -> None:
        assert self._protocol is not None
        self._protocol.data_received(data)

    def lost(self) -> None:
        if self._protocol is not None:
            self._protocol.connection_lost(None)
            self._protocol = None


class PeerTransport(asyncio.Transport):
    """What the service writes to."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._closing = False

    def write(self, data: Any) -> None:
        if data and not self._closing:
            self._link.send(bytes(data))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._link.finish()

    def abort(self) -> None:
        self._closing = True
        self._link.reset()

    def is_closing(self) -> bool:
        return self._closing or self._link.over
