"""Signed tokens for the people of a run (JWT, HS256), by hand: they check the daemon's library."""

import base64
import hashlib
import hmac
import json
import secrets
import time

# The longest a daemon accepts by default (protocol.md "hello"): no run outlives its tokens.
TOKEN_TTL_S = 24 * 3600


def token(user: str, secret: str, audience: str = "chatd") -> str:
    """A token for `user`, valid from now for TOKEN_TTL_S seconds (RFC 7519, RFC 7515); no two are the same.

    A daemon remembers what it has checked, so only a token that is new to it is checked.
    """
    now = int(time.time())
    claims = {"sub": user, "aud": audience, "iat": now, "exp": now + TOKEN_TTL_S, "jti": secrets.token_hex(8)}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_encoded(signature)}"


def _part(content: dict[str, object]) -> str:
    return _encoded(json.dumps(content, separators=(",", ":")).encode())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
