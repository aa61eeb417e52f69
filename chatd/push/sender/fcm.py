"""Firebase Cloud Messaging: the method `projects.messages.send` of Google's FCM HTTP v1 API.

Never with a `collapse_key`: a device may have four, and more than 20 in a burst wait for minutes. The tag replaces.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from chatd.config.push import PushApp
from chatd.core.push import Notification
from chatd.egress.client import Answer as HttpAnswer
from chatd.egress.client import Client
from chatd.egress.guard import Guard
from chatd.env import Env
from chatd.push.interface import Answer, Delivery, Result
from chatd.push.sender.answers import Status, answer, google_fault_of, pause_of
from chatd.push.sender.apns import of_status
from chatd.push.sender.credentials import OAuthToken
from chatd.push.sender.http2 import Http2Client
from chatd.push.sender.http2_connection import Response
from chatd.push.sender.payload import (
    PAYLOAD_MAX,
    base64url,
    fitted,
    payload_of,
    sealed_for,
    sentence,
    visible,
)
from chatd.push.sender.sealing import SALT_BYTES

HOST = "https://fcm.googleapis.com"
TTL_MAX_S = 2_419_200  # four weeks
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# "ErrorCode" of the reference. What is not here is told by the status.
RESULTS: Mapping[str, Result] = {
    "UNREGISTERED": "dead",
    "SENDER_ID_MISMATCH": "dead",
    "QUOTA_EXCEEDED": "busy",
    "THIRD_PARTY_AUTH_ERROR": "credential",
}


class Fcm:
    """One app at FCM."""

    def __init__(self, app: PushApp, env: Env) -> None:
        self._app = app
        self._env = env
        self._oauth = OAuthToken(app, env, self._post_form)
        self._client = Http2Client(app.url or HOST, env)
        self._forms: dict[str, Client] = {}
        self._asking: asyncio.Task[None] | None = None

    async def send(self, delivery: Delivery) -> Answer:
        """Send one. Raises Inexpressible, NoCredential and Unreachable."""
        body = self._body(delivery)
        path = f"/v1/projects/{self._app.project or self._oauth.project}/messages:send"
        response, known = await self._post(path, body)
        fault = google_fault_of(response.body)
        if response.status == 401 and not code_of(fault) and self._oauth.renew(known):
            response, _ = await self._post(path, body)
        return self._answer(delivery, response)

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        await self._client.close()
        for client in self._forms.values():
            await client.close()

    async def _post(self, path: str, body: bytes) -> tuple[Response, str]:
        """Return the answer with the credential that was sent."""
        while not (known := self._oauth.known()):
            if self._asking is None:
                self._asking = asyncio.get_running_loop().create_task(self._ask())
            await asyncio.shield(self._asking)
        headers = ((":path", path), ("authorization", known), ("content-type", "application/json"))
        return await self._client.post(headers, body), known

    async def _ask(self) -> None:
        try:
            await self._oauth.ask()
        finally:
            self._asking = None

    async def _post_form(self, uri: str, form: bytes) -> HttpAnswer:
        if uri not in self._forms:
            self._forms[uri] = Client(uri, Guard(configured=True), self._env)
        return await self._forms[uri].post(form, FORM)

    def _body(self, delivery: Delivery) -> bytes:
        notification, address, sealed = delivery.notification, delivery.address, ""
        if address.p256dh:
            sealed = base64url(sealed_for(address, notification, self._env.random_bytes(SALT_BYTES)))
            notification = visible(notification)
        is_shown = (
            self._app.display and not sealed and delivery.form == "alert" and notification.kind != "read"
        )
        ttl_s = min(max(0, delivery.expires_at - self._env.now_ms()) // 1000, TTL_MAX_S)
        is_urgent = delivery.is_urgent and delivery.form == "alert" and not notification.quiet
        android: dict[str, Any] = {"priority": "HIGH" if is_urgent else "NORMAL", "ttl": f"{ttl_s}s"}

        def encode(shown: Notification) -> bytes:
            more = {"notification": display_of(shown)} if is_shown else {}
            message = {"token": address.token, "data": data_of(shown, sealed), "android": {**android, **more}}
            return msgspec.json.encode({"message": message})

        # Data and notification count for Google; JSON is longer than they are.
        return fitted(notification, encode, PAYLOAD_MAX + len(address.token))

    def _answer(self, delivery: Delivery, response: Response) -> Answer:
        status = response.status
        if status == 200:
            return answer(delivery, "sent", status=status)
        fault = google_fault_of(response.body)
        code, pause_s = code_of(fault), pause_of(response.retry_after, self._env.now_ms())
        result = RESULTS.get(code) or of_status(status, pause_s)
        if status == 400 and is_about_token(fault):
            result = "dead"
        return answer(delivery, result, code or fault.status or str(status), status, pause_s)


def code_of(fault: Status) -> str:
    return next((detail.errorCode for detail in fault.details if detail.errorCode), "")


def is_about_token(fault: Status) -> bool:
    """Whether a request was refused because its token is none."""
    fields = [str(one.get("field", "")) for detail in fault.details for one in detail.fieldViolations]
    return "message.token" in fields or "registration token" in fault.message


def data_of(notification: Notification, sealed: str) -> dict[str, str]:
    """Return a payload as the data of a message, whose values are texts."""
    data = {key: told(value) for key, value in payload_of(notification).items()}
    return {**data, "sealed": sealed} if sealed else data


def told(value: object) -> str:
    return "true" if value is True else str(value)


def display_of(notification: Notification) -> dict[str, Any]:
    """Return the part that Android shows by itself, while the app does not run."""
    key, arguments = sentence(notification)
    shown: dict[str, Any] = {"bodyLocKey": key, "tag": notification.tag}
    if arguments:
        shown["bodyLocArgs"] = arguments
    if isinstance(notification.badge, int):
        shown["notificationCount"] = notification.badge
    if notification.quiet:
        shown["notificationPriority"] = "PRIORITY_LOW"
    else:
        shown["defaultSound"] = True
    return shown
