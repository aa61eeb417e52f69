"""A push gateway of the operator: the Push Gateway API of the Matrix specification, signed as webhooks are.

Behind it are the services that this server does not speak to itself, such as those of Chinese vendors of phones.
"""

import asyncio
from typing import Any

import msgspec

from chatd.config.push import PushApp
from chatd.config.secret import Secret
from chatd.core.push import Notification
from chatd.egress.client import Client
from chatd.egress.guard import Guard
from chatd.egress.signing import secrets_in, signed
from chatd.env import Env
from chatd.push.interface import Answer, Delivery
from chatd.push.sender.answers import answer, pause_of, rejected_of
from chatd.push.sender.apns import of_status
from chatd.push.sender.credentials import KeyFile
from chatd.push.sender.payload import (
    PAYLOAD_MAX,
    base64url,
    fitted,
    payload_of,
    sealed_for,
    visible,
)
from chatd.push.sender.sealing import SALT_BYTES

# A request beside the payload: the token, and what Matrix names otherwise.
BODY_MAX = 3 * PAYLOAD_MAX
MESSAGES = ("message", "mention")
CONNECTIONS_MAX = 32


class Gateway:
    """One app behind a gateway. Raises EgressRefused when its URL is none."""

    def __init__(self, app: PushApp, env: Env) -> None:
        self._app = app
        self._env = env
        self._file: KeyFile[tuple[Secret, ...]] = KeyFile(app, lambda: secrets_in(app.key_file), env)
        self._client = Client(app.url, Guard(configured=True), env, connections=CONNECTIONS_MAX)
        # The time of a request begins when there is a connection for it.
        self._slots = asyncio.Semaphore(CONNECTIONS_MAX)

    async def send(self, delivery: Delivery) -> Answer:
        """Send one. Raises Inexpressible, NoCredential, Unreachable and EgressRefused."""
        body, secrets = self._body(delivery), self._file.key()
        id = f"push_{base64url(self._env.random_bytes(12))}"
        async with self._slots:
            now_ms = self._env.now_ms()
            reply = await self._client.post(body, signed(secrets, id, now_ms, body))
        pause_s = pause_of(reply.retry_after, now_ms)
        if not 200 <= reply.status < 300:
            # A gateway says in its answer which devices are gone; 410 is about itself.
            result = "refused" if reply.status == 410 else of_status(reply.status, pause_s)
            return answer(delivery, result, str(reply.status), reply.status, pause_s)
        try:
            is_dead = delivery.address.token in rejected_of(reply.body)
        except ValueError:
            return answer(delivery, "refused", "no push gateway", reply.status)
        return answer(delivery, "dead" if is_dead else "sent", "rejected" if is_dead else "", reply.status)

    async def close(self) -> None:
        await self._client.close()

    def _body(self, delivery: Delivery) -> bytes:
        notification, address, sealed = delivery.notification, delivery.address, ""
        if address.p256dh:
            sealed = base64url(sealed_for(address, notification, self._env.random_bytes(SALT_BYTES)))
            notification = visible(notification)
        is_urgent = delivery.is_urgent and delivery.form == "alert" and not notification.quiet
        device = {"app_id": self._app.app or "chatd", "pushkey": address.token, "data": {}}
        device["tweaks"] = {"sound": "default"} if delivery.form == "alert" and not notification.quiet else {}

        def encode(shown: Notification) -> bytes:
            form = notification_of(shown, sealed)
            prio = "high" if is_urgent else "low"
            return msgspec.json.encode({"notification": {**form, "prio": prio, "devices": [device]}})

        return fitted(notification, encode, BODY_MAX)


def notification_of(notification: Notification, sealed: str) -> dict[str, Any]:
    """Return a notification with the keys of Matrix; our own payload is its `content`."""
    content = payload_of(notification)
    if sealed:
        content["sealed"] = sealed
    if notification.text and notification.kind in MESSAGES:
        content |= {"msgtype": "m.text", "body": notification.text}
    kind = "m.room.message" if notification.kind in MESSAGES else f"chatd.{notification.kind}"
    found: dict[str, Any] = {"type": kind, "content": content}
    if notification.room and notification.seq:
        found["event_id"] = f"{notification.room}:{notification.seq}"
    names = {"room_id": "room", "sender": "user", "sender_display_name": "name", "room_name": "title"}
    found |= {name: content[key] for name, key in names.items() if key in content}
    if isinstance(notification.badge, int):
        found["counts"] = {"unread": notification.badge}
    return found
