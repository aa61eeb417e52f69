"""Tokens of test users, minted with PyJWT alone: by the code of a host app, never by that of the daemon."""

import time
from typing import Any

import jwt

# RFC 7518 3.2: at least 32 bytes.
SECRET = "the secret that only tests know, long enough for HS256"
LIFETIME_S = 3600


def earlier_token(user: str, **claims: Any) -> str:
    """Return a token that was issued some seconds ago: clearly before whatever happens now."""
    return token_for(user, iat=int(time.time()) - 5, **claims)


def token_for(user: str, *, secret: str = SECRET, lifetime_s: float = LIFETIME_S, **claims: Any) -> str:
    """Return a signed token of `user`, valid from now; `claims` add to the defaults or replace them, None drops."""
    now = time.time()
    content = {"sub": user, "aud": "chatd", "iat": int(now), "exp": int(now + lifetime_s), **claims}
    kept = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(kept, secret, algorithm="HS256")
