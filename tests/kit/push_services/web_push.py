"""A push service of browsers: RFC 8030 (delivery), RFC 8292 (VAPID), RFC 8291 and 8188 (sealed payloads).

What comes is opened by http_ece, an implementation of the two that is not ours.
"""

import base64
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import http_ece
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit.push_services.authority import Authority
from tests.kit.push_services.listener import Request, Response
from tests.kit.push_services.service import Service, Told

BODY_BYTES_MAX = 4096
URGENCIES = ("very-low", "low", "normal", "high")
DAY_S = 86_400


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Keys:
    """The keys of a device that opens sealed payloads, as devices.push takes them."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    secret: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def p256dh_bytes(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def p256dh(self) -> str:
        return base64url(self.p256dh_bytes)

    @property
    def auth(self) -> str:
        return base64url(self.secret)

    def open(self, sealed: bytes) -> bytes:
        """Return the plaintext of a body in aes128gcm; raises http_ece.ECEException."""
        opened: bytes = http_ece.decrypt(
            sealed, private_key=self.private, auth_secret=self.secret, version="aes128gcm"
        )
        return opened


@dataclass(frozen=True)
class Received:
    """A message that came to a subscription. `payload`: opened."""

    endpoint: str
    headers: dict[str, str]
    payload: dict[str, Any]


class WebPush(Service):
    """`gone`: endpoints of subscriptions that ended, 410; an endpoint it never gave is 404. `accepted`: in order."""

    def __init__(self, directory: Path, authority: Authority | None = None) -> None:
        super().__init__(authority)
        self.key_file = directory / "vapid.pem"
        self.subscriptions: dict[str, Keys] = {}
        self.gone: set[str] = set()
        self.accepted: list[Received] = []
        self.now_s: Callable[[], float] = time.time
        self.key_file.touch(0o600)
        self.key_file.write_bytes(
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def subscribe(self) -> dict[str, str]:
        """Make a subscription; return it as keys of devices.push."""
        endpoint = f"{self.url}/wp/{base64url(os.urandom(12))}"
        keys = self.subscriptions[endpoint] = Keys()
        return {"platform": "web", "token": endpoint, "p256dh": keys.p256dh, "auth": keys.auth}

    def app(self, **keys: Any) -> dict[str, Any]:
        """Return an app of the configuration for this service."""
        return {"platform": "web", "key_file": str(self.key_file), **keys}

    def of(self, endpoint: str) -> list[Received]:
        return [one for one in self.accepted if one.endpoint == endpoint]

    async def answer(self, request: Request) -> Told:
        endpoint = self.url + request.path
        if request.method != "POST":
            return Response(405)
        if endpoint in self.gone:
            return Response(410)
        if endpoint not in self.subscriptions:
            return Response(404)
        if status := self._vapid_status(request) or header_status(request.headers):
            return Response(status)
        if len(request.body) > BODY_BYTES_MAX:
            return Response(413)
        opened = self.subscriptions[endpoint].open(request.body)
        self.accepted.append(Received(endpoint, request.headers, json.loads(opened)))
        return Response(201, headers={"location": f"{self.url}/m/{len(self.accepted)}", "ttl": "60"})

    def _vapid_status(self, request: Request) -> int:
        """Return the status to refuse the identification of the sender with, or 0."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        given = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        if scheme != "vapid" or set(given) != {"t", "k"}:
            return 401
        own = serialization.load_pem_private_key(self.key_file.read_bytes(), None)
        assert isinstance(own, ec.EllipticCurvePrivateKey)
        public = own.public_key()
        point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        parts = urlsplit(self.url)
        try:
            claims = jwt.decode(
                given["t"],
                public,
                algorithms=["ES256"],
                audience=f"{parts.scheme}://{parts.netloc}",
                options={"require": ["aud", "exp", "sub"], "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return 403
        fresh = 0 < claims["exp"] - self.now_s() <= DAY_S
        known = given["k"] == base64url(point)
        return 0 if fresh and known and re.match(r"mailto:.+@.+|https://.+", claims["sub"]) else 403


def header_status(headers: dict[str, str]) -> int:
    """Return the status to refuse the headers of a message with, or 0."""
    right = (
        re.fullmatch(r"\d+", headers.get("ttl", ""))
        and headers.get("urgency", "normal") in URGENCIES
        and re.fullmatch(r"[A-Za-z0-9_-]{1,32}", headers.get("topic", "a"))
        and headers.get("content-encoding") == "aes128gcm"
    )
    return 0 if right else 400
