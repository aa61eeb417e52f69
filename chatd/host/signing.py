"""Tokens for phones (docs/backend.md) and signatures of webhooks (Standard Webhooks, standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

# Between the clocks of both sides, as in the libraries of the specification.
TOLERANCE_S = 300


class BadSignature(Exception):
    """A POST that chatd did not send, or sent long ago."""


def sign_token(
    secret: str, user: str, *, ttl_s: int = 3600, device: str = "", audience: str = "chatd", **claims: Any
) -> str:
    """Return a token with which `user` may connect for `ttl_s` seconds. `secret`: that of `auth.secret`.

    `device`: the only one on which it is good. `claims`: others of a token, such as `allow`.
    """
    now = int(time.time())
    content = {"sub": user, "aud": audience, "iat": now, "exp": now + ttl_s, **claims}
    if device:
        content["device"] = device
    signed = _part(b'{"alg":"HS256","typ":"JWT"}') + b"." + _part(json.dumps(content).encode())
    return (signed + b"." + _part(hmac.digest(secret.encode(), signed, hashlib.sha256))).decode()


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return what a POST of chatd says. `body`: as it came, before anything decoded it. `secret`: `whsec_...`.

    Raises BadSignature.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id, at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (id and at.isascii() and at.isdigit()):
        raise BadSignature("there is no id, or no time")
    if abs(time.time() - int(at)) > TOLERANCE_S:
        raise BadSignature("it is too old, or a clock is wrong")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret is whsec_ and base64") from error
    wanted = b"v1," + base64.b64encode(hmac.digest(key, f"{id}.{at}.".encode() + body, hashlib.sha256))
    # While a secret is changed there are two.
    signatures = given.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(wanted, one.encode()) for one in signatures):
        raise BadSignature("no signature is that of the secret")
    content: dict[str, Any] = json.loads(body)
    return content


def _part(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
