"""tokens.py: tokens that are accepted, and a long list of those that are not."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from chatd.auth.tokens import Tokens
from chatd.config.model import Auth
from chatd.config.secret import Secret
from chatd.protocol.errors import Refused
from tests.kit import forged_tokens
from tests.kit.forged_tokens import Part, b64

NOW = 1_750_000_000
SECRET = "0123456789abcdef0123456789abcdef"
DEVICE = "AZh3kQm0d2K4cG9sdXMtMQ"
GOOD = {"sub": "alice", "aud": "chatd", "iat": NOW, "exp": NOW + 3600}


def forged(header: Part, payload: Part, key: str = SECRET) -> str:
    return forged_tokens.forged(header, payload, key)


def hs(**claims: Any) -> str:
    """A genuine token with these claims changed; None leaves one out."""
    content = {name: value for name, value in (GOOD | claims).items() if value is not None}
    return forged({"alg": "HS256", "typ": "JWT"}, content)


@pytest.fixture(scope="module")
def tokens(rs, es, ed) -> Tokens:
    known = {signer.kid: signer.known for signer in (rs, es, ed)}
    return Tokens(Auth(secret=Secret(SECRET), issuer="https://app.example"), known.get)


@pytest.fixture(scope="module")
def plain() -> Tokens:
    return Tokens(Auth(secret=Secret(SECRET)), {}.get)


def code_of(tokens: Tokens, token: str, now_s: float = NOW) -> str:
    """The error code a token meets, or "accepted"."""
    try:
        tokens.verify(token, now_s)
    except Refused as error:
        return error.code
    return "accepted"


# --- accepted


def test_a_shared_secret_token_is_accepted(plain):
    claims = plain.verify(hs(device=DEVICE, generation=3, allow=["read", "admin"]), NOW)
    assert claims.user == "alice"
    assert claims.expires_at_s == NOW + 3600
    assert claims.issued_at_s == NOW
    assert claims.device == DEVICE
    assert claims.generation == 3
    assert claims.allow == {"read", "admin"}


def test_without_allow_everything_but_admin_is_allowed(plain):
    assert plain.verify(hs(), NOW).allow == {"read", "send", "create"}


def test_unknown_allow_words_allow_nothing(plain):
    assert plain.verify(hs(allow=["read", "fly"]), NOW).allow == {"read"}
    assert plain.verify(hs(allow=[]), NOW).allow == frozenset()


@pytest.mark.parametrize("name", ["rs", "es", "ed"])
def test_each_asymmetric_algorithm_is_accepted_under_its_kid(tokens, name, request):
    signer = request.getfixturevalue(name)
    claims = GOOD | {"iss": "https://app.example"}
    token = jwt.encode(claims, signer.private, signer.algorithm, headers={"kid": signer.kid})
    assert tokens.verify(token, NOW).user == "alice"


ACCEPTED = {
    "audience in a list": {"aud": ["other", "chatd"]},
    "no iat": {"iat": None},
    "nbf in the past": {"nbf": NOW - 5},
    "nbf within the leeway": {"nbf": NOW + 30},
    "iat within the leeway": {"iat": NOW + 30},
    "expired within the leeway": {"iat": NOW - 100, "exp": NOW - 29},
    "longest lifetime": {"exp": NOW + 86400},
    "every letter of a user": {"sub": "AZaz09_-.:@|+"},
    "a user of Auth0": {"sub": "auth0|5f7c8ec7c33c6c004bbafe82"},
    "a mail address with a tag": {"sub": "ann+chat@example.org"},
    "64 letters": {"sub": "u" * 64},
    "unknown claim": {"email": "a@example.org"},
    "no issuer wanted": {"iss": "anybody"},
    "exp with a fraction": {"exp": NOW + 3599.75},
    "iat with a fraction": {"iat": NOW - 0.25},
    "nbf with a fraction": {"nbf": NOW + 29.5},
    "whole seconds written as floats": {"iat": float(NOW), "exp": NOW + 60.0},
    "the longest lifetime with fractions": {"iat": NOW + 0.1, "exp": NOW + 0.1 + 86400},
    "audience as the only one of a list": {"aud": ["chatd"]},
    "an issuer that is no text, and none wanted": {"iss": 7},
    "a jti, text or number": {"jti": 4711},
}


@pytest.mark.parametrize("claims", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(plain, claims):
    assert code_of(plain, hs(**claims)) == "accepted"


# --- refused: claims of genuinely signed tokens

BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no sub": {"sub": None},
    "sub is a number": {"sub": 5},
    "sub is a list": {"sub": ["alice"]},
    "sub is empty": {"sub": ""},
    "sub of 65 letters": {"sub": "u" * 65},
    "sub with a newline": {"sub": "alice\n"},
    "sub with a space": {"sub": "alice bob"},
    "sub with an umlaut": {"sub": "alíce"},
    "sub with a NUL": {"sub": "alice\0"},
    "no exp": {"exp": None},
    "exp is a text": {"exp": str(NOW + 60)},
    "exp is true": {"exp": True},
    "exp is negative": {"exp": -1},
    "exp is 10^20": {"exp": 10**20},
    "exp is 10^20 as a float": {"exp": 1e20},
    "exp beyond the longest lifetime": {"exp": NOW + 86401},
    "exp beyond it by a fraction": {"exp": NOW + 86400.25},
    "exp too far without iat": {"iat": None, "exp": NOW + 86431},
    "exp before iat": {"iat": NOW + 20, "exp": NOW + 10},
    "backdated iat": {"iat": NOW - 86400, "exp": NOW + 1},
    "iat in the future": {"iat": NOW + 31, "exp": NOW + 60},
    "iat is a text": {"iat": "now"},
    "iat is null": {"iat": "null-marker"},
    "nbf in the future": {"nbf": NOW + 31},
    "nbf in the future by a fraction": {"nbf": NOW + 30.25},
    "exp before iat by a fraction": {"iat": NOW + 20.5, "exp": NOW + 20.25},
    "nbf is a list": {"nbf": [NOW]},
    "no aud": {"aud": None},
    "another aud": {"aud": "chatd2"},
    "aud is a prefix": {"aud": "chat"},
    "aud in another case": {"aud": "Chatd"},
    "empty aud list": {"aud": []},
    "aud list without us": {"aud": ["a", "b"]},
    "aud list with a number": {"aud": ["chatd", 5]},
    "aud list of 17": {"aud": ["chatd"] * 17},
    "aud is a map": {"aud": {"chatd": 1}},
    "device too short": {"device": "short"},
    "device with padding": {"device": DEVICE + "=="},
    "device is a number": {"device": 7},
    "allow is a text": {"allow": "admin"},
    "allow holds a number": {"allow": [1]},
    "generation is a text": {"generation": "1"},
    "generation is negative": {"generation": -1},
    "generation is true": {"generation": True},
    "generation has a fraction": {"generation": 1.5},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_bad_claims_are_refused(plain, claims):
    assert code_of(plain, hs(**claims)) == "token_invalid"


def test_null_claims_are_refused(plain):
    for name in ("sub", "exp", "iat", "nbf", "device", "generation", "allow"):
        token = forged({"alg": "HS256"}, GOOD | {name: None})
        assert code_of(plain, token) == "token_invalid", name


@pytest.mark.parametrize(
    "issuer", [None, "https://app.example/", "https://app.example.evil", "https://app", "HTTPS://app.example"]
)
def test_the_issuer_must_be_equal(tokens, issuer):
    assert code_of(tokens, hs(iss=issuer)) == "token_invalid"
    assert code_of(tokens, hs(iss="https://app.example")) == "accepted"


def test_fractions_count(plain):
    """RFC 7519, 2: a NumericDate may have them; Node and Python write them by default."""
    claims = plain.verify(hs(iat=NOW - 0.5, exp=NOW + 59.25), NOW)
    assert (claims.issued_at_s, claims.expires_at_s) == (NOW - 0.5, NOW + 59.25)
    token = hs(iat=NOW - 0.5, exp=NOW + 59.25)
    assert code_of(plain, token, NOW + 59.25 + 29.75) == "accepted"
    assert code_of(plain, token, NOW + 59.25 + 30) == "token_expired"


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt", "application/JWT"])
def test_a_kind_is_written_with_its_tree_or_without(plain, kind):
    assert code_of(plain, forged({"alg": "HS256", "typ": kind}, GOOD)) == "accepted"


def test_a_token_whose_time_is_over_is_expired(plain):
    assert code_of(plain, hs(), NOW + 3600 + 31) == "token_expired"


def test_expired_needs_everything_else_to_be_right(plain):
    assert code_of(plain, hs(aud="other"), NOW + 9999) == "token_invalid"
    wrong = forged({"alg": "HS256"}, GOOD, key="f" * 32)
    assert code_of(plain, wrong, NOW + 9999) == "token_invalid"


# --- refused: headers, signatures, shapes

GOOD_JSON = json.dumps(GOOD)
BAD_TOKENS: dict[str, str] = {
    "alg none, no signature": b64(b'{"alg":"none"}') + "." + b64(GOOD_JSON.encode()) + ".",
    "alg none, signed": forged({"alg": "none"}, GOOD),
    "alg None": forged({"alg": "None"}, GOOD),
    "alg nOnE": forged({"alg": "nOnE"}, GOOD),
    "alg empty": forged({"alg": ""}, GOOD),
    "no alg": forged({"typ": "JWT"}, GOOD),
    "alg is a list": forged({"alg": ["HS256"]}, GOOD),
    "alg in lower case": forged({"alg": "hs256"}, GOOD),
    "HS384 announced": forged({"alg": "HS384"}, GOOD),
    "another secret": forged({"alg": "HS256"}, GOOD, key="f" * 32),
    "empty secret": forged({"alg": "HS256"}, GOOD, key=""),
    "kid: path": forged({"alg": "HS256", "kid": "../../dev/null"}, GOOD),
    "kid: SQL": forged({"alg": "HS256", "kid": "' or 1=1--"}, GOOD),
    "kid: URL": forged({"alg": "HS256", "kid": "https://evil.example/key"}, GOOD),
    "kid: empty": forged({"alg": "HS256", "kid": ""}, GOOD),
    "kid: number": forged({"alg": "HS256", "kid": 1}, GOOD),
    "kid: null": forged({"alg": "HS256", "kid": None}, GOOD),
    "kid: list": forged({"alg": "HS256", "kid": ["rs"]}, GOOD),
    "kid: 3 kB": forged({"alg": "HS256", "kid": "k" * 3000}, GOOD),
    "kid with a trailing space": forged({"alg": "HS256", "kid": "rs "}, GOOD),
    "crit unknown": forged({"alg": "HS256", "crit": ["x"], "x": 1}, GOOD),
    "crit empty": forged({"alg": "HS256", "crit": []}, GOOD),
    "crit b64": forged({"alg": "HS256", "crit": ["b64"], "b64": True}, GOOD),
    "b64 false": forged({"alg": "HS256", "b64": False}, GOOD),
    "typ of a logout token": forged({"alg": "HS256", "typ": "logout+jwt"}, GOOD),
    "typ of another tree": forged({"alg": "HS256", "typ": "text/jwt"}, GOOD),
    "typ is a number": forged({"alg": "HS256", "typ": 1}, GOOD),
    "duplicate alg": forged('{"alg":"none","alg":"HS256"}', GOOD),
    "duplicate sub": forged({"alg": "HS256"}, GOOD_JSON[:-1] + ',"sub":"bob"}'),
    "duplicate exp": forged({"alg": "HS256"}, GOOD_JSON[:-1] + f',"exp":{NOW + 10}}}'),
    "exp NaN": forged({"alg": "HS256"}, GOOD_JSON[:-1] + ',"x":NaN}'),
    "exp Infinity": forged({"alg": "HS256"}, GOOD_JSON[:-1] + ',"x":Infinity}'),
    "payload is a list": forged({"alg": "HS256"}, "[]"),
    "payload is a text": forged({"alg": "HS256"}, '"alice"'),
    "payload is not JSON": forged({"alg": "HS256"}, "sub=alice"),
    "payload is empty": forged({"alg": "HS256"}, ""),
    "payload with trailing text": forged({"alg": "HS256"}, GOOD_JSON + "x"),
    "payload nested 1000 deep": forged({"alg": "HS256"}, "[" * 1000 + "]" * 1000),
    "header is a list": forged("[]", GOOD),
    "header is not JSON": forged("alg", GOOD),
    "header nested 900 deep": forged('{"alg":' + "[" * 900 + "]" * 900 + "}", GOOD),
    "empty": "",
    "one part": "abc",
    "two parts": "abc.def",
    "four parts": hs() + ".abc",
    "five parts": "a.b.c.d.e",
    "five dots": ".....",
    "only dots": "..",
    "trailing dot": hs() + ".",
    "trailing newline": hs() + "\n",
    "leading space": " " + hs(),
    "inner space": hs().replace(".", " .", 1),
    "padded signature": hs() + "=",
    "trailing letter": hs() + "A",
    "signature cut": hs()[:-1],
    "signature removed": hs().rpartition(".")[0] + ".",
    "standard base64 alphabet": hs()[:-1] + "+",
    "a letter beyond ASCII": hs()[:-1] + "é",
    "a fullwidth letter": hs()[:-1] + "Ａ",
    "a NUL": hs() + "\0",
    "lone surrogate": hs()[:-1] + "\ud800",
    "a megabyte": hs() + "A" * 1_000_000,
    "just above 4 KiB": hs(pad="x" * 2950),
    "Bearer prefix": "Bearer " + hs(),
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_bad_tokens_are_refused(plain, token):
    assert code_of(plain, token) == "token_invalid"


def test_the_control_is_accepted(plain):
    assert code_of(plain, forged({"alg": "HS256"}, GOOD)) == "accepted"
    assert len(hs(pad="x" * 2900)) <= 4096
    assert code_of(plain, hs(pad="x" * 2900)) == "accepted"


# --- refused: mixed up keys


def asymmetric(signer: Any, algorithm: str, kid: str | None, **headers: Any) -> str:
    chosen = {"kid": kid} if kid is not None else {}
    return jwt.encode(
        GOOD | {"iss": "https://app.example"}, signer.private, algorithm, headers=chosen | headers
    )


def test_hs256_signed_by_the_public_key_is_refused(tokens, rs):
    for kid in ("rs", None):
        header = {"alg": "HS256"} | ({"kid": kid} if kid else {})
        content = GOOD | {"iss": "https://app.example"}
        assert code_of(tokens, forged(header, content, key=rs.pem.decode())) == "token_invalid"


def test_a_key_serves_one_algorithm_only(tokens, rs, es, ed):
    for token in (
        asymmetric(rs, "RS384", "rs"),
        asymmetric(rs, "PS256", "rs"),
        asymmetric(rs, "RS256", "es"),
        asymmetric(es, "ES256", "ed"),
        asymmetric(ed, "EdDSA", "rs"),
    ):
        assert code_of(tokens, token) == "token_invalid"


def test_a_kid_is_needed_and_compared_exactly(tokens, rs):
    for kid in (None, "", "RS", "rs\0", "rs/../rs", "r"):
        assert code_of(tokens, asymmetric(rs, "RS256", kid)) == "token_invalid", kid
    assert code_of(tokens, asymmetric(rs, "RS256", "rs")) == "accepted"


def test_keys_inside_the_token_are_not_used(tokens, rs):
    mallory = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(mallory.public_key()))
    for headers in (
        {"jwk": jwk},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
    ):
        token = jwt.encode(GOOD, mallory, "ES256", headers={"kid": "es", **headers})
        assert code_of(tokens, token) == "token_invalid"
        # The same headers on a genuine token are ignored, not followed.
        assert code_of(tokens, asymmetric(rs, "RS256", "rs", **headers)) == "accepted"


def test_another_key_under_a_known_kid_is_refused(tokens):
    token = jwt.encode(GOOD, ed25519.Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": "ed"})
    assert code_of(tokens, token) == "token_invalid"


def test_without_a_secret_hs256_is_refused(rs):
    only_keys = Tokens(Auth(), {"rs": rs.known}.get)
    assert code_of(only_keys, hs()) == "token_invalid"
    assert code_of(only_keys, forged({"alg": "HS256"}, GOOD, key="")) == "token_invalid"


@given(st.text(max_size=200))
def test_any_text_is_refused_and_nothing_else_raised(text):
    plain = Tokens(Auth(secret=Secret(SECRET)), {}.get)
    assert code_of(plain, text) == "token_invalid"


def test_a_secret_that_is_a_public_key_believes_nothing(es):
    """Else everybody who can read the key could sign."""
    pem = es.known.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    mistaken = Tokens(Auth(secret=Secret(pem)), {}.get)
    assert code_of(mistaken, forged({"alg": "HS256"}, GOOD, pem)) == "token_invalid"


# --- minted


def test_what_is_minted_is_accepted(tokens):
    token = tokens.mint("alice", 60, NOW + 0.7, device=DEVICE, allow=["read"])
    claims = tokens.verify(token, NOW)
    assert (claims.user, claims.expires_at_s, claims.device) == ("alice", NOW + 60, DEVICE)
    assert claims.allow == {"read"}


@pytest.mark.parametrize("user", ["", "two words", "x" * 65, "new\nline", "-\x1b[31m"])
def test_a_malformed_user_is_not_minted(plain, user):
    with pytest.raises(ValueError, match="sub is malformed"):
        plain.mint(user, 60, NOW)


def test_a_lifetime_beyond_the_limit_is_not_minted(plain):
    with pytest.raises(ValueError, match="lifetime"):
        plain.mint("alice", 86401, NOW)


def test_without_secret_nothing_is_minted(rs):
    tokens = Tokens(Auth(), {"rs": rs.known}.get)
    assert not tokens.can_mint
    with pytest.raises(ValueError, match="secret"):
        tokens.mint("alice", 60, NOW)


def test_errors_show_neither_token_nor_secret(plain):
    for token in (hs(aud="x"), forged({"alg": "HS256"}, GOOD, key="f" * 32)):
        with pytest.raises(Refused) as caught:
            plain.verify(token, NOW)
        assert token not in repr(caught.value)
        assert SECRET not in repr(caught.value)


def test_the_floor_of_pyjwt_is_kept():
    """Before 2.13 it could be talked out of its list of algorithms and took unknown `crit` (CVE-2026-48523)."""
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    (wanted,) = [one for one in pyproject["project"]["dependencies"] if one.startswith("pyjwt")]
    floor = wanted.rpartition(">=")[2]
    assert version_of(floor) >= (2, 13)
    assert version_of(jwt.__version__) >= version_of(floor)


def version_of(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")[:2]))
