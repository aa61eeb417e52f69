"""browser_sessions.py: sessions, which are tokens of a kind of their own."""

import json

import jwt
import pytest

from chatd.auth.browser_sessions import LIFETIME_MAX_S, mint_session, verify_session
from chatd.auth.tokens import Tokens
from chatd.config.model import Auth
from chatd.config.secret import Secret
from chatd.protocol.errors import Refused
from tests.kit.forged_tokens import forged

NOW = 1_750_000_000
SECRET = "0123456789abcdef0123456789abcdef"
DEVICE = "AZh3kQm0d2K4cG9sdXMtMQ"
HEAD = {"alg": "HS256", "typ": "session+jwt"}
GOOD = {"sub": "alice", "aud": "chatd", "iat": NOW, "exp": NOW + 86_400, "generation": 7}


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(Auth(secret=Secret(SECRET)), {}.get)


def code_of(tokens: Tokens, session: str, now_s: float = NOW) -> str:
    try:
        verify_session(tokens, session, now_s)
    except Refused as error:
        return error.code
    return "accepted"


def test_a_session_says_who_logged_in_where_and_when(tokens: Tokens) -> None:
    session = mint_session(tokens, "alice", 30 * 86_400, NOW, device=DEVICE, generation=7)
    claims = verify_session(tokens, session, NOW + 29 * 86_400)
    assert (claims.user, claims.device, claims.generation) == ("alice", DEVICE, 7)
    assert claims.expires_at_s == NOW + 30 * 86_400
    assert code_of(tokens, session, NOW + 31 * 86_400) == "token_expired"


def test_a_session_is_no_token_and_a_token_no_session(tokens: Tokens) -> None:
    session = mint_session(tokens, "alice", 3600, NOW, device=DEVICE, generation=7)
    with pytest.raises(Refused, match="typ"):
        tokens.verify(session, NOW)
    token = tokens.mint("alice", 3600, NOW, device=DEVICE, generation=7)
    assert code_of(tokens, token) == "token_invalid"


@pytest.mark.parametrize(
    ("head", "claims"),
    [
        (HEAD | {"typ": "JWT"}, {}),
        (HEAD | {"typ": "at+jwt"}, {}),
        (HEAD | {"typ": None}, {}),
        ({"alg": "HS256"}, {}),
        (HEAD | {"alg": "none"}, {}),
        (HEAD | {"kid": "the app's"}, {}),
        (HEAD, {"generation": None}),
        (HEAD, {"generation": True}),
        (HEAD, {"generation": -1}),
        (HEAD, {"sub": "a b"}),
        (HEAD, {"aud": "another"}),
        (HEAD, {"device": "short"}),
        (HEAD, {"exp": NOW + LIFETIME_MAX_S + 1}),
        (HEAD, {"iat": NOW + 60}),
    ],
    ids=str,
)
def test_what_is_not_quite_one_is_refused(tokens: Tokens, head: dict, claims: dict) -> None:
    assert code_of(tokens, forged(HEAD, GOOD, SECRET)) == "accepted"
    assert code_of(tokens, forged(head, json.dumps(GOOD | claims), SECRET)) == "token_invalid"


def test_the_kind_of_a_token_cannot_be_changed(tokens: Tokens) -> None:
    """It is in the part that is signed."""
    token = tokens.mint("alice", 3600, NOW, generation=7)
    head, _, _ = forged(HEAD, GOOD, SECRET).split(".")
    _, payload, signature = token.split(".")
    assert code_of(tokens, f"{head}.{payload}.{signature}") == "token_invalid"
    assert code_of(tokens, forged(HEAD, GOOD, "another secret of the same length")) == "token_invalid"


def test_keys_of_the_host_app_sign_no_sessions(es) -> None:
    tokens = Tokens(Auth(secret=Secret(SECRET)), {es.kid: es.known}.get)
    signed = jwt.encode(GOOD, es.private, "ES256", headers={"typ": "session+jwt", "kid": es.kid})
    assert code_of(tokens, signed) == "token_invalid"
    tokens.verify(jwt.encode(GOOD, es.private, "ES256", headers={"kid": es.kid}), NOW)


def test_without_a_secret_there_are_none() -> None:
    with pytest.raises(ValueError, match="secret"):
        mint_session(Tokens(Auth(), {}.get), "alice", 60, NOW, device=None, generation=0)
