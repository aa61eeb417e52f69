"""Web Push: RFC 8030, sealed as RFC 8291 says, with the identification of RFC 8292. UnifiedPush is the same.

An endpoint is a URL that a client chose. So requests go to public addresses alone; and a server that hangs, or asks for
patience, slows nobody but its own devices down, unless it is the push service of a browser or allowed by the operator.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from chatd.config.push import PushApp
from chatd.egress.client import Answer as HttpAnswer
from chatd.egress.client import Client, Unreachable
from chatd.egress.guard import USUAL, EgressRefused, Guard, Target, is_inside, networks, target_of
from chatd.env import Env
from chatd.push.interface import Answer, Delivery, Result
from chatd.push.sender.answers import answer, pause_of
from chatd.push.sender.apns import of_status
from chatd.push.sender.credentials import VapidToken
from chatd.push.sender.payload import Inexpressible, sealed_for
from chatd.push.sender.sealing import SALT_BYTES

# The push services of browsers: Google's, where others have servers, too, and the ends of the names of Mozilla's,
# Apple's and Microsoft's.
GOOGLE = "fcm.googleapis.com"
SERVICES = (".push.services.mozilla.com", ".push.apple.com", ".notify.windows.com")
# Failures in a row of any other server, after which it is left alone for a while.
FAILURES_MAX = 3
# Requests to all such servers at once, of the thousand that the queue has under way: the others are the browsers'.
STRANGERS_MAX = 200
STRANGERS_OF_ONE_MAX = 50
CONNECTIONS_MAX, STRANGER_CONNECTIONS_MAX = 64, 8  # to one server
HOLD_MIN_S, HOLD_MAX_S = 10.0, 300.0
ORIGINS_MAX = 256  # with connections; nearly all devices are at four services
TTL_MAX_S = 2_419_200  # four weeks; more is cut anyway
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")  # RFC 8030, 5.4
# Said when a subscription was made with another key than ours: it will never work.
OTHER_KEY = re.compile(rb"correspond|mismatch", re.IGNORECASE)


@dataclass(slots=True)
class Origin:
    """A server with endpoints. `failures`: in a row. `busy`: requests under way. `slots`: for one connection each.

    `has_answered`: until then, its name may be an invention of a client.
    """

    client: Client
    name: str
    is_known: bool
    slots: asyncio.Semaphore
    has_answered: bool = False
    failures: int = 0
    held_until: float = 0.0
    busy: int = 0


class Web:
    """The web clients of this server. `allow`: networks that endpoints may be in although they are private."""

    def __init__(self, app: PushApp, subject: str, allow: Sequence[str], env: Env) -> None:
        self._env = env
        self._guard = Guard(allow)
        self._allow = networks(allow)
        self._vapid = VapidToken(app, subject, env)
        self._origins: OrderedDict[str, Origin] = OrderedDict()
        self._strangers = 0

    async def send(self, delivery: Delivery) -> Answer:
        """Send one. Raises Inexpressible and NoCredential."""
        if delivery.form != "alert":
            # Browsers end the subscription of a site that is told something and shows nothing.
            raise Inexpressible(f"form {delivery.form}")
        try:
            target = target_of(delivery.address.token)
        except EgressRefused:
            return answer(delivery, "dead", "no endpoint")
        try:
            origin = await self._origin_of(target)
            told = await self._sent(delivery, origin, target.path)
        except EgressRefused:
            return answer(delivery, "refused", "address")._replace(is_stranger=True)
        except Unreachable as error:
            return answer(delivery, "retry", str(error))._replace(is_stranger=True)
        return told._replace(is_stranger=not (origin.is_known and origin.has_answered))

    async def _sent(self, delivery: Delivery, origin: Origin, path: str) -> Answer:
        """Send one when it is its turn at its server."""
        if not origin.is_known and (self._strangers >= STRANGERS_MAX or origin.busy >= STRANGERS_OF_ONE_MAX):
            return answer(delivery, "retry", "too many slow servers")
        origin.busy += 1
        self._strangers += not origin.is_known
        try:
            # The time of a request begins when there is a connection for it.
            async with origin.slots:
                return await self._post(delivery, origin, path)
        except Unreachable as error:
            return self._failed(origin, answer(delivery, "retry", str(error)))
        finally:
            origin.busy -= 1
            self._strangers -= not origin.is_known

    async def _post(self, delivery: Delivery, origin: Origin, path: str) -> Answer:
        if self._env.monotonic() < origin.held_until:
            return answer(delivery, "refused", "the server is down")
        headers = self._headers(delivery, origin.name)
        body = sealed_for(delivery.address, delivery.notification, self._env.random_bytes(SALT_BYTES))
        reply = await origin.client.post(body, headers, path=path)
        origin.has_answered = True
        return self._answer(delivery, origin, reply)

    async def close(self) -> None:
        for origin in self._origins.values():
            await origin.client.close()

    async def _origin_of(self, target: Target) -> Origin:
        name = f"{target.scheme}://{target.authority}"
        if name not in self._origins and len(self._origins) >= ORIGINS_MAX:
            await self._close_one()
        if name not in self._origins:
            is_known = self._is_known(target)
            most = CONNECTIONS_MAX if is_known else STRANGER_CONNECTIONS_MAX
            client = Client(name, self._guard, self._env, connections=most)
            self._origins[name] = Origin(client, name, is_known, asyncio.Semaphore(most))
        self._origins.move_to_end(name)
        return self._origins[name]

    async def _close_one(self) -> None:
        """Close the connections to the server that was used least recently."""
        idle = next((name for name, origin in self._origins.items() if not origin.busy), None)
        if idle is None:
            raise Unreachable("too many servers")
        await self._origins.pop(idle).client.close()

    def _is_known(self, target: Target) -> bool:
        if target.host == GOOGLE or target.host.endswith(SERVICES):
            # At another port a client finds one that never answers.
            return (target.scheme, target.port) == ("https", USUAL["https"])
        try:
            return is_inside(ip_address(target.host), self._allow)
        except ValueError:
            return False

    def _headers(self, delivery: Delivery, origin: str) -> dict[str, str]:
        ttl_s = min(max(0, delivery.expires_at - self._env.now_ms()) // 1000, TTL_MAX_S)
        urgency = "low" if delivery.notification.quiet else "high" if delivery.is_urgent else "normal"
        headers = {
            "Authorization": self._vapid.authorization(origin),
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(ttl_s),
            "Urgency": urgency,
        }
        tag = delivery.notification.tag
        return {**headers, "Topic": tag} if TOPIC.match(tag) else headers

    def _answer(self, delivery: Delivery, origin: Origin, reply: HttpAnswer) -> Answer:
        status = reply.status
        pause_s = pause_of(reply.retry_after, self._env.now_ms())
        if status in (404, 410):
            result: Result = "dead"
        elif status in (400, 401, 403):
            # Not `credential`: an endpoint is a client's, and must not be able to pause all others.
            result = "dead" if OTHER_KEY.search(reply.body) else "refused"
        elif status == 406:
            # Microsoft's word for too many.
            result = "busy"
        else:
            result = "sent" if 200 <= status < 300 else of_status(status, pause_s)
        told = answer(delivery, result, "" if result == "sent" else str(status), status, pause_s)
        if result in ("retry", "busy"):
            return self._failed(origin, told)
        origin.failures = 0
        return told

    def _failed(self, origin: Origin, told: Answer) -> Answer:
        """Return the answer to a failure; of a server of somebody else one that slows no other down."""
        if origin.is_known:
            return told
        origin.failures += 1
        if told.result == "retry" and origin.failures <= FAILURES_MAX:
            return told
        usual = HOLD_MIN_S * 2 ** min(max(0, origin.failures - FAILURES_MAX - 1), 8)
        origin.held_until = self._env.monotonic() + min(max(usual, told.retry_after_s), HOLD_MAX_S)
        return told._replace(result="refused", retry_after_s=0.0)
