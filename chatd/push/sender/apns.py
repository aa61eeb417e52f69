"""Apple Push Notification service: "Sending notification requests to APNs" of Apple's documentation."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from chatd.config.push import PushApp
from chatd.core.push import Notification
from chatd.env import Env
from chatd.push.interface import SINCE_MAX, Answer, Delivery, Result
from chatd.push.sender.answers import answer, fault_of, pause_of
from chatd.push.sender.credentials import ApnsToken
from chatd.push.sender.http2 import Http2Client
from chatd.push.sender.http2_connection import Headers, NeverIndexedHeaderTuple, Response
from chatd.push.sender.payload import (
    PAYLOAD_MAX,
    Inexpressible,
    base64url,
    fitted,
    payload_of,
    sealed_for,
    sentence,
    visible,
)
from chatd.push.sender.sealing import SALT_BYTES

HOSTS = {"production": "https://api.push.apple.com", "sandbox": "https://api.sandbox.push.apple.com"}
COLLAPSE_BYTES_MAX = 64
# A token is bytes in hex. It becomes part of a path.
TOKEN = re.compile(r"[A-Za-z0-9]{1,400}\Z")
# "Handling notification responses from APNs". Reasons that are not here are told by the status.
RESULTS: Mapping[str, Result] = {
    "BadDeviceToken": "dead",
    "DeviceTokenNotForTopic": "dead",
    "ExpiredToken": "dead",
    "MissingDeviceToken": "dead",
    "Unregistered": "dead",
    "TopicDisallowed": "credential",
}


class Apns:
    """One app at APNs, in both environments. `url`: of another server, for both."""

    def __init__(self, app: PushApp, env: Env) -> None:
        self._app = app
        self._env = env
        self._token = ApnsToken(app, env)
        self._hosts = {"production": app.url} if app.url else HOSTS
        self._clients: dict[str, Http2Client] = {}
        self._topic = app.topic or app.app

    async def send(self, delivery: Delivery) -> Answer:
        """Send one. Raises Inexpressible, NoCredential and Unreachable."""
        address = delivery.address
        if address.purpose != "alert":
            # Apps are ended by iOS for a push of this kind that is no call.
            raise Inexpressible(f"purpose {address.purpose}")
        if not TOKEN.match(address.token):
            return answer(delivery, "dead", "BadDeviceToken")
        body, first = self._body(delivery), address.environment if address.environment in self._hosts else ""
        order = sorted(self._hosts, key=lambda name: name != first)
        response = await self._post(order[0], delivery, body)
        if fault_of(response.body).reason == "BadDeviceToken" and len(order) > 1:
            # Nobody but Apple knows which environment a build of an app is of.
            other = await self._post(order[1], delivery, body)
            if fault_of(other.body).reason != "BadDeviceToken":
                return self._answer(delivery, other, order[1])
        return self._answer(delivery, response, "")

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    async def _post(self, environment: str, delivery: Delivery, body: bytes) -> Response:
        if environment not in self._clients:
            self._clients[environment] = Http2Client(self._hosts[environment], self._env)
        client, bearer = self._clients[environment], self._token.bearer()
        response = await client.post(self._headers(delivery, bearer), body)
        is_expired = response.status == 403 and fault_of(response.body).reason == "ExpiredProviderToken"
        if is_expired and self._token.renew(bearer):
            response = await client.post(self._headers(delivery, self._token.bearer()), body)
        return response

    def _headers(self, delivery: Delivery, bearer: str) -> Headers:
        is_urgent = delivery.is_urgent and delivery.form == "alert" and not delivery.notification.quiet
        headers: list[tuple[str, str] | NeverIndexedHeaderTuple] = [
            NeverIndexedHeaderTuple(":path", f"/3/device/{delivery.address.token}"),
            ("authorization", bearer),
            ("apns-topic", self._topic),
            ("apns-push-type", "background" if delivery.form == "background" else "alert"),
            ("apns-priority", "10" if is_urgent else "5"),
            ("apns-expiration", str(delivery.expires_at // 1000)),
        ]
        if collapse := self._collapse_id(delivery):
            headers.append(NeverIndexedHeaderTuple("apns-collapse-id", collapse))
        return headers

    def _collapse_id(self, delivery: Delivery) -> str:
        if delivery.form == "background":
            return ""
        # A number on the icon must not take the place of what is shown.
        tag = "badge" if delivery.form == "badge" else delivery.notification.tag
        return tag if len(tag.encode()) <= COLLAPSE_BYTES_MAX and tag.isascii() and tag.isprintable() else ""

    def _body(self, delivery: Delivery) -> bytes:
        notification, address = delivery.notification, delivery.address
        if delivery.form == "badge":
            if not isinstance(notification.badge, int):
                raise Inexpressible("no badge")
            return msgspec.json.encode({"aps": {"badge": notification.badge}})
        shown, sealed = notification, {}
        if address.p256dh:
            salt = self._env.random_bytes(SALT_BYTES)
            sealed = {"sealed": base64url(sealed_for(address, notification, salt))}
            shown = visible(notification)

        def encode(shown: Notification) -> bytes:
            aps = silent_aps() if delivery.form == "background" else aps_of(shown, is_sealed=bool(sealed))
            return msgspec.json.encode({"aps": aps, **payload_of(shown), **sealed})

        return fitted(shown, encode, PAYLOAD_MAX)

    def _answer(self, delivery: Delivery, response: Response, environment: str) -> Answer:
        status = response.status
        if status == 200:
            return Answer(delivery.number, "sent", status=status, environment=environment)
        fault = fault_of(response.body)
        pause_s = pause_of(response.retry_after, self._env.now_ms())
        result = RESULTS.get(fault.reason) or of_status(status, pause_s)
        detail = fault.reason or str(status)
        told = answer(delivery, result, detail, status, pause_s)
        since = fault.timestamp if result == "dead" and 0 < fault.timestamp <= SINCE_MAX else 0
        return told._replace(since=since)


def of_status(status: int, pause_s: float) -> Result:
    """Return the result that a status of HTTP stands for, where nothing else is known."""
    if status == 410:
        return "dead"
    if status in (401, 403):
        return "credential"
    if status == 429 or (status >= 500 and pause_s):
        return "busy"
    return "retry" if status >= 500 else "refused"


def silent_aps() -> dict[str, Any]:
    return {"content-available": 1}


def aps_of(notification: Notification, *, is_sealed: bool) -> dict[str, Any]:
    """Return the part of a payload that iOS reads, of a notification that is shown."""
    key, arguments = sentence(notification)
    alert: dict[str, Any] = {"loc-key": key}
    if arguments:
        alert["loc-args"] = arguments
    aps: dict[str, Any] = {"alert": alert, "thread-id": notification.tag}
    if isinstance(notification.badge, int):
        aps["badge"] = notification.badge
    if is_sealed or notification.text or notification.content:
        aps["mutable-content"] = 1
    if notification.quiet:
        aps["interruption-level"] = "passive"
    else:
        aps["sound"] = "default"
    return aps
