"""Google's FCM HTTP v1 API, and the token endpoint of OAuth 2.0 for service accounts (RFC 7523).

The messages are those of Google's discovery document `fcm:v1`, the errors those of "ErrorCode" of its reference.
"""

import json
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.kit.push_services.authority import Authority
from tests.kit.push_services.fcm_message import Message, SendMessageRequest
from tests.kit.push_services.listener import Request, Response, json_response
from tests.kit.push_services.service import Service, Told

PROJECT = "example-project"
SCOPES = {
    "https://www.googleapis.com/auth/firebase.messaging",
    "https://www.googleapis.com/auth/cloud-platform",
}
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Google's own libraries put this into an assertion, whatever the address of the endpoint.
ENDPOINT = "https://oauth2.googleapis.com/token"

# Status of HTTP and status of Google's RPCs by the error code of FCM.
ERRORS = {
    "UNSPECIFIED_ERROR": (500, "UNKNOWN"),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT"),
    "UNREGISTERED": (404, "NOT_FOUND"),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED"),
    "UNAVAILABLE": (503, "UNAVAILABLE"),
    "INTERNAL": (500, "INTERNAL"),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED"),
}
DATA_BYTES_MAX = 4096
TTL_S_MAX = 2_419_200
RESERVED = re.compile(r"from|message_type|(google|gcm).*")


def error(code: str, message: str = "refused", *, retry_after_s: int | None = None) -> Response:
    """Return an answer with an error code of FCM, for `Service.next`."""
    status, word = ERRORS[code]
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    body = {"error": {"code": status, "message": message, "status": word, "details": details}}
    return json_response(status, body, {} if retry_after_s is None else {"retry-after": str(retry_after_s)})


def unauthenticated() -> Response:
    """Return the answer to an access token that is not known or has expired."""
    return json_response(401, {"error": {"code": 401, "message": "bad token", "status": "UNAUTHENTICATED"}})


class Fcm(Service):
    """The service and its token endpoint, with one service account of one project.

    `tokens`: devices it knows; another token is unregistered. `foreign`: devices of another sender. `accepted`: the
    messages, in order. `grants`: how many access tokens it gave. `token_faults`: as `next`, for the token endpoint.
    """

    def __init__(self, directory: Path, authority: Authority | None = None, *, streams: int = 100) -> None:
        super().__init__(authority, streams)
        self.key_file = directory / "service-account.json"
        self.tokens: set[str] = set()
        self.foreign: set[str] = set()
        self.accepted: list[Message] = []
        self.grants = 0
        self.token_faults: list[Told] = []
        self.now_s: Callable[[], float] = time.time
        self._access: dict[str, float] = {}

    def write_account(self, **keys: Any) -> Path:
        """Write the file of the service account, when the port is known; `keys` differ from the right ones."""
        private = rsa_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "a1b2c3",
            "private_key": private.decode(),
            "client_email": f"push@{PROJECT}.iam.gserviceaccount.com",
            "client_id": "1234567890",
            "token_uri": f"{self.url}/token",
            **keys,
        }
        self.key_file.touch(0o600)
        self.key_file.write_text(json.dumps(account))
        return self.key_file

    async def __aenter__(self) -> "Fcm":
        await super().__aenter__()
        self.write_account()
        return self

    def add(self, token: str) -> str:
        self.tokens.add(token)
        return token

    def app(self, **keys: Any) -> dict[str, Any]:
        """Return an app of the configuration for this service."""
        names = {"app": "com.example.android", "project": PROJECT}
        return {"platform": "fcm", "key_file": str(self.key_file), "url": self.url, **names, **keys}

    def of(self, token: str) -> list[Message]:
        return [one for one in self.accepted if one.token == token]

    def forget_access(self) -> None:
        """Know no access token any more."""
        self._access.clear()

    async def _on_request(self, request: Request) -> Told:
        if request.path == "/token":
            return self.token_faults.pop(0) if self.token_faults else self._grant(request)
        return await super()._on_request(request)

    def _grant(self, request: Request) -> Response:
        form = parse_qs(request.body.decode())
        if request.method != "POST" or form.get("grant_type") != [GRANT]:
            return json_response(400, {"error": "unsupported_grant_type"})
        try:
            assertion = form["assertion"][0]
            claims = jwt.decode(
                assertion,
                rsa_key().public_key(),
                algorithms=["RS256"],
                audience=[f"{self.url}/token", ENDPOINT],
                options={"require": ["iss", "scope", "aud", "exp", "iat"]},
            )
            head = jwt.get_unverified_header(assertion)
        except (jwt.InvalidTokenError, KeyError) as problem:
            return json_response(400, {"error": "invalid_grant", "error_description": str(problem)})
        account = json.loads(self.key_file.read_text())
        if claims["iss"] != account["client_email"] or head.get("kid") != account["private_key_id"]:
            return json_response(400, {"error": "invalid_grant", "error_description": "account not found"})
        if claims["exp"] - claims["iat"] > 3600 or not SCOPES & set(claims["scope"].split()):
            return json_response(400, {"error": "invalid_scope"})
        self.grants += 1
        token = f"ya29.{uuid4().hex}"
        self._access[token] = self.now_s() + 3599
        return json_response(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    async def answer(self, request: Request) -> Told:
        scheme, _, access = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self._access.get(access, 0) <= self.now_s():
            return unauthenticated()
        if request.method != "POST" or request.path != f"/v1/projects/{PROJECT}/messages:send":
            return json_response(404, {"error": {"code": 404, "message": "no", "status": "NOT_FOUND"}})
        try:
            message = msgspec.json.decode(request.body, type=SendMessageRequest).message
        except msgspec.DecodeError as problem:
            return error("INVALID_ARGUMENT", str(problem))
        if wrong := invalid(message):
            return error("INVALID_ARGUMENT", wrong)
        if message.token in self.foreign:
            return error("SENDER_ID_MISMATCH")
        if message.token not in self.tokens:
            return error("UNREGISTERED")
        self.accepted.append(message)
        return json_response(200, {"name": f"projects/{PROJECT}/messages/0:{uuid4().hex}"})


def invalid(message: Message) -> str:
    """Return what is wrong with a message that has the right types, or nothing."""
    if len([one for one in (message.token, message.topic, message.condition) if one]) != 1:
        return "one of token, topic and condition"
    android = message.android
    for data in (message.data, android.data if android else None):
        if (
            data
            and sum(len(key.encode()) + len(value.encode()) for key, value in data.items()) > DATA_BYTES_MAX
        ):
            return "the data are too big"
        if reserved := [key for key in data or () if RESERVED.fullmatch(key)]:
            return f"reserved: {reserved}"
    if android and android.ttl and float(android.ttl.removesuffix("s")) > TTL_S_MAX:
        return "ttl"
    return ""


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """Return the key of the service account; one is enough, it takes a while to make."""
    return rsa.generate_private_key(65537, 2048)
