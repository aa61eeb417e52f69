"""The sessions of browsers: the content of the cookie `chatd_session` (protocol.md "Plain HTTP").

A session is a JSON Web Token of a kind of its own, signed with the shared secret. It proves an earlier login with a
password and is good for tokens of the same user and device; `hello` refuses it, and a token is no session.
"""

from chatd.auth.interface import Claims
from chatd.auth.tokens import Tokens, parse_token
from chatd.protocol.errors import Refused

KIND = "session+jwt"
_KINDS = frozenset({KIND})
LIFETIME_MAX_S = 365 * 86_400  # the bound of web.remember_days


def mint_session(
    tokens: Tokens, user: str, ttl_s: int, now_s: float, *, device: str | None, generation: int
) -> str:
    """Return a session that is valid for `ttl_s` seconds. Raises ValueError when there is no secret."""
    return tokens.sign(user, ttl_s, now_s, KIND, device=device, generation=generation)


def verify_session(tokens: Tokens, session: str, now_s: float) -> Claims:
    """Return the claims of a session. Refused("token_expired") or Refused("token_invalid") otherwise.

    Keys of the host app sign no sessions: its users log in there.
    """
    parsed = parse_token(session, _KINDS)
    if parsed.key_id is not None:
        raise Refused("token_invalid", "a session is signed with the shared secret")
    claims = tokens.claims(parsed, now_s, LIFETIME_MAX_S)
    if claims.generation is None:
        raise Refused("token_invalid", "a session has a generation")
    return claims
