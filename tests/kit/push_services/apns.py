"""The provider API of Apple's push service: "Sending notification requests to APNs", "Handling notification responses
from APNs", "Establishing a token-based connection to APNs" and "Generating a remote notification" of Apple's
documentation."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit.push_services.authority import Authority
from tests.kit.push_services.listener import Request, Response, json_response
from tests.kit.push_services.service import Service, Told

REASONS = {
    **dict.fromkeys(
        (
            *(
                "BadCollapseId",
                "BadDeviceToken",
                "BadExpirationDate",
                "BadMessageId",
                "BadPriority",
                "BadTopic",
            ),
            *("DeviceTokenNotForTopic", "DuplicateHeaders", "IdleTimeout", "InvalidPushType"),
            *("MissingDeviceToken", "MissingTopic", "PayloadEmpty", "TopicDisallowed"),
        ),
        400,
    ),
    **dict.fromkeys(
        (
            *("BadCertificate", "BadCertificateEnvironment", "ExpiredProviderToken", "Forbidden"),
            *("InvalidProviderToken", "MissingProviderToken", "UnrelatedKeyIdInToken"),
            "BadEnvironmentKeyIdInToken",
        ),
        403,
    ),
    "BadPath": 404,
    "MethodNotAllowed": 405,
    "ExpiredToken": 410,
    "Unregistered": 410,
    "PayloadTooLarge": 413,
    "TooManyProviderTokenUpdates": 429,
    "TooManyRequests": 429,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
    "Shutdown": 503,
}
PUSH_TYPES = (
    *("alert", "background", "complication", "controls", "fileprovider", "liveactivity", "location", "mdm"),
    *("pushtotalk", "voip", "widgets"),
)
TEAM, KEY_ID, TOPIC = "TEAM123456", "KEY1234567", "com.example.app"

# Keys of `aps` with the type of their values.
APS: dict[str, type | tuple[type, ...]] = {
    "alert": (dict, str),
    "badge": int,
    "sound": (str, dict),
    "thread-id": str,
    "category": str,
    "content-available": int,
    "mutable-content": int,
    "target-content-id": str,
    "interruption-level": str,
    "relevance-score": (int, float),
}
ALERT_TEXTS = (
    *("title", "subtitle", "body", "launch-image", "title-loc-key", "subtitle-loc-key", "loc-key"),
)
ALERT_LISTS = ("title-loc-args", "subtitle-loc-args", "loc-args")
INTERRUPTIONS = ("passive", "active", "time-sensitive", "critical")


@dataclass(frozen=True)
class Accepted:
    """A notification that was taken for a device. `headers`: with their names in lower case, of one request."""

    token: str
    headers: dict[str, str]
    payload: dict[str, Any]

    @property
    def aps(self) -> dict[str, Any]:
        found: dict[str, Any] = self.payload["aps"]
        return found


def refusal(reason: str, **more: Any) -> Response:
    """Return the answer with a reason of Apple's table, for `Service.next`."""
    return json_response(REASONS[reason], {"reason": reason, **more}, {"apns-id": str(uuid4())})


class Apns(Service):
    """One environment of the service, which knows one key of one team.

    `topics`: the topic of every device by its token; another token is a bad one. `gone`: since when a device is,
    Unix ms. `accepted`: in order. `now_s`: its clock. `warms_up`: one stream until a request had a valid token.
    """

    def __init__(
        self,
        directory: Path,
        authority: Authority | None = None,
        *,
        streams: int = 1000,
        warms_up: bool = True,
    ) -> None:
        super().__init__(authority, 1 if warms_up else streams)
        self.key_file = directory / "AuthKey.p8"
        self.topics: dict[str, str] = {}
        self.gone: dict[str, int] = {}
        self.accepted: list[Accepted] = []
        self.now_s: Callable[[], float] = time.time
        self._streams = streams
        self._warm: set[int] = set()
        # By connection: servers that share a key have a token each.
        self._issued: dict[int, list[int]] = {}
        self._key = self.new_key()

    def new_key(self) -> ec.EllipticCurvePublicKey:
        """Write another key to `key_file` and return its public half; the service goes on with the one it knows."""
        key = ec.generate_private_key(ec.SECP256R1())
        self.key_file.touch(0o600)
        self.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return key.public_key()

    def trusts(self, other: "Apns") -> None:
        """Know the key of another environment."""
        self._key = other._key

    def add(self, token: str, topic: str = TOPIC) -> str:
        self.topics[token] = topic
        return token

    def app(self, **keys: Any) -> dict[str, Any]:
        """Return an app of the configuration for this service."""
        names = {"app": TOPIC, "team": TEAM, "key_id": KEY_ID, "topic": TOPIC}
        return {"platform": "apns", "key_file": str(self.key_file), "url": self.url, **names, **keys}

    def of(self, token: str) -> list[Accepted]:
        return [one for one in self.accepted if one.token == token]

    async def answer(self, request: Request) -> Told:
        reason, more = self._reason(request)
        if reason:
            return refusal(reason, **more)
        token = request.path.removeprefix("/3/device/")
        payload = json.loads(request.body)
        self.objections += objections(request.headers, payload)
        self.accepted.append(Accepted(token, request.headers, payload))
        return Response(200, headers={"apns-id": request.headers.get("apns-id", str(uuid4()))})

    def _reason(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Return the reason to refuse a request, or none, and what goes with it."""
        if request.method != "POST":
            return "MethodNotAllowed", {}
        if reason := self._credential_reason(request):
            return reason, {}
        self._warm_up(request.connection)
        if not request.path.startswith("/3/device/"):
            return "BadPath", {}
        token = request.path.removeprefix("/3/device/")
        headers = request.headers
        if reason := header_reason(headers) or body_reason(headers, request.body):
            return reason, {}
        if not token:
            return "MissingDeviceToken", {}
        if token in self.gone:
            return "Unregistered", {"timestamp": self.gone[token]}
        if token not in self.topics:
            return "BadDeviceToken", {}
        if self.topics[token] != headers["apns-topic"].removesuffix(".voip"):
            return "DeviceTokenNotForTopic", {}
        return "", {}

    def _credential_reason(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "bearer" or not token:
            return "MissingProviderToken"
        try:
            head = jwt.get_unverified_header(token)
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["ES256"],
                options={"require": ["iss", "iat"], "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return "InvalidProviderToken"
        if head.get("kid") != KEY_ID or claims["iss"] != TEAM or not isinstance(claims["iat"], int):
            return "InvalidProviderToken"
        issued = claims["iat"]
        if not -3600 <= issued - self.now_s() <= 60:
            return "ExpiredProviderToken"
        before = self._issued.setdefault(request.connection, [])
        if issued not in before:
            # A new token at most every 20 minutes.
            if before and issued - before[-1] < 1200:
                return "TooManyProviderTokenUpdates"
            before.append(issued)
        return ""

    def _warm_up(self, connection: int) -> None:
        if self.listener.streams != self._streams and connection not in self._warm:
            self._warm.add(connection)
            self.listener.set_streams(self._streams, connection)


def header_reason(headers: dict[str, str]) -> str:
    """Return the reason to refuse the headers of a request, or none."""
    if any("," in headers.get(name, "") for name in ("apns-topic", "apns-priority", "apns-push-type")):
        return "DuplicateHeaders"
    if not headers.get("apns-topic"):
        return "MissingTopic"
    push_type = headers.get("apns-push-type", "")
    if push_type not in PUSH_TYPES:
        return "InvalidPushType"
    if (push_type == "voip") != headers["apns-topic"].endswith(".voip"):
        return "BadTopic"
    if headers.get("apns-priority", "10") not in ("1", "5", "10"):
        return "BadPriority"
    if push_type == "background" and headers.get("apns-priority") != "5":
        return "BadPriority"
    if not re.fullmatch(r"\d{1,12}", headers.get("apns-expiration", "0")):
        return "BadExpirationDate"
    if len(headers.get("apns-collapse-id", "").encode()) > 64:
        return "BadCollapseId"
    try:
        UUID(headers.get("apns-id", str(UUID(int=0))))
    except ValueError:
        return "BadMessageId"
    return ""


def body_reason(headers: dict[str, str], body: bytes) -> str:
    if not body:
        return "PayloadEmpty"
    return "PayloadTooLarge" if len(body) > (5120 if headers["apns-push-type"] == "voip" else 4096) else ""


def objections(headers: dict[str, str], payload: Any) -> list[str]:
    """Return what the documentation does not allow in a payload, although the service takes it."""
    aps = payload.get("aps") if isinstance(payload, dict) else None
    if not isinstance(aps, dict):
        return ["no aps"]
    found = [f"aps.{key}" for key, value in aps.items() if not isinstance(value, APS.get(key, ()))]
    alert = aps.get("alert", {})
    if isinstance(alert, dict):
        found += [f"alert.{key}" for key in alert if key not in (*ALERT_TEXTS, *ALERT_LISTS)]
        found += [key for key in ALERT_TEXTS if not isinstance(alert.get(key, ""), str)]
        for key in ALERT_LISTS:
            arguments = alert.get(key, [])
            if not isinstance(arguments, list) or not all(isinstance(one, str) for one in arguments):
                found.append(key)
            if key in alert and key.replace("args", "key") not in alert:
                found.append(f"{key} without a key")
    if aps.get("interruption-level", "active") not in INTERRUPTIONS:
        found.append("interruption-level")
    if isinstance(aps.get("badge"), int) and aps["badge"] < 0:
        found.append("badge")
    silent = {"content-available"} | (set(aps) - {"alert", "badge", "sound"})
    if headers["apns-push-type"] == "background" and (
        set(aps) != silent or aps.get("content-available") != 1
    ):
        found.append("a background notification that shows something")
    if headers["apns-push-type"] == "alert" and not {"alert", "badge", "sound"} & set(aps):
        found.append("an alert that shows nothing")
    if "mutable-content" in aps and "alert" not in aps:
        found.append("mutable-content without an alert")
    return found
