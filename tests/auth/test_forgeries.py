"""Forgeries that play with keys, curves and encodings. None is accepted, and no letter of a token is free."""

import json
from collections.abc import Iterator
from string import ascii_letters, digits
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd.auth.keys import BadKey, key_set, pem_key
from chatd.auth.tokens import Tokens
from chatd.config.model import Auth, Key
from chatd.config.secret import Secret
from chatd.protocol.errors import Refused
from tests.kit.forged_tokens import b64, forged, signed

NOW = 1_750_000_000
SECRET = "0123456789abcdef0123456789abcdef"
GOOD = {"sub": "alice", "aud": "chatd", "iat": NOW, "exp": NOW + 3600}
GOOD_JSON = json.dumps(GOOD)
HS = {"alg": "HS256"}
ALPHABET = ascii_letters + digits + "-_"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256

# Encodings of the points of Ed25519 whose order divides 8: with such a key anybody signs anything.
SMALL_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    b"\xec" + b"\xff" * 30 + b"\x7f",
    b"\xed" + b"\xff" * 30 + b"\x7f",
    b"\xee" + b"\xff" * 30 + b"\x7f",
)


@pytest.fixture(scope="module")
def tokens(rs, es, ed) -> Tokens:
    known = {signer.kid: signer.known for signer in (rs, es, ed)}
    return Tokens(Auth(secret=Secret(SECRET)), known.get)


def is_accepted(tokens: Tokens, token: str) -> bool:
    try:
        tokens.verify(token, NOW)
    except Refused:
        return False
    return True


def genuine(signer: Any, **headers: Any) -> str:
    return jwt.encode(GOOD, signer.private, signer.algorithm, headers={"kid": signer.kid} | headers)


# --- keys and curves


@pytest.mark.parametrize("name", ["rs", "es", "ed"])
@pytest.mark.parametrize("shape", ["PEM", "PEM without its last newline", "DER", "point or modulus"])
@pytest.mark.parametrize("kid", ["its own", None])
def test_a_public_key_is_no_secret(tokens, name, shape, kid, request):
    signer = request.getfixturevalue(name)
    public = signer.private.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = {
        "PEM": signer.pem,
        "PEM without its last newline": signer.pem.rstrip(),
        "DER": der,
        "point or modulus": der[-65:],
    }[shape]
    header = HS | ({"kid": signer.kid} if kid else {})
    assert not is_accepted(tokens, forged(header, GOOD, key))


@pytest.mark.parametrize("r", [0, 1, ORDER, ORDER - 1, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1, ORDER, ORDER - 1, 2**256 - 1])
def test_a_psychic_signature_is_refused(tokens, r, s):
    text = signed({"alg": "ES256", "kid": "es"}, GOOD)
    assert not is_accepted(tokens, f"{text}.{b64(r.to_bytes(32) + s.to_bytes(32))}")


def test_an_ecdsa_signature_in_der_is_refused(tokens, es):
    text = signed({"alg": "ES256", "kid": "es"}, GOOD)
    der = es.private.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    assert not is_accepted(tokens, f"{text}.{b64(der)}")


@pytest.mark.parametrize(
    ("curve", "algorithm"), [(ec.SECP384R1(), "ES384"), (ec.SECP521R1(), "ES512"), (ec.SECP256K1(), "ES256K")]
)
def test_another_curve_under_a_known_kid_is_refused(tokens, curve, algorithm):
    mallory = ec.generate_private_key(curve)
    assert not is_accepted(tokens, jwt.encode(GOOD, mallory, algorithm, headers={"kid": "es"}))
    text = signed({"alg": "ES256", "kid": "es"}, GOOD)
    signature = mallory.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    assert not is_accepted(tokens, f"{text}.{b64(signature)}")


@pytest.mark.parametrize("point", SMALL_ORDER, ids=lambda point: point.hex()[:6])
def test_a_signature_of_nothing_is_refused(tokens, point):
    text = signed({"alg": "EdDSA", "kid": "ed"}, GOOD)
    assert not is_accepted(tokens, f"{text}.{b64(point + bytes(32))}")


@pytest.mark.parametrize("point", SMALL_ORDER, ids=lambda point: point.hex()[:6])
def test_a_key_under_which_anybody_can_sign_is_not_taken(point):
    """An empty place in a key set, 32 zeros, is one of them."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(point), "kid": "ed"}
    with pytest.raises(BadKey, match="no usable key"):
        key_set(json.dumps({"keys": [jwk]}).encode(), "test")
    pem = Ed25519PublicKey.from_public_bytes(point).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(BadKey, match="holds no key for EdDSA"):
        pem_key(Key(kid="ed", algorithm="EdDSA", file="ed.pem"), pem)


def test_two_keys_of_one_family_do_not_stand_for_each_other(tokens, es):
    other = ec.generate_private_key(ec.SECP256R1())
    assert not is_accepted(tokens, jwt.encode(GOOD, other, "ES256", headers={"kid": "es"}))
    assert is_accepted(tokens, genuine(es))


# --- texts that read differently elsewhere

TEXTS: dict[str, tuple[str | bytes, str | bytes]] = {
    "header in UTF-16": ('{"alg":"HS256"}'.encode("utf-16"), GOOD_JSON),
    "claims in UTF-16": ('{"alg":"HS256"}', GOOD_JSON.encode("utf-16")),
    "claims in UTF-32": ('{"alg":"HS256"}', GOOD_JSON.encode("utf-32-le")),
    "claims with a byte order mark": ('{"alg":"HS256"}', "\ufeff" + GOOD_JSON),
    "claims in Latin-1": ('{"alg":"HS256"}', '{"é":1,'.encode("latin-1") + GOOD_JSON[1:].encode()),
    "an overlong slash": ('{"alg":"HS256"}', b'{"x":"\xc0\xaf",' + GOOD_JSON[1:].encode()),
    "sub twice, once escaped": ('{"alg":"HS256"}', GOOD_JSON[:-1] + ',"s\\u0075b":"bob"}'),
    "alg twice, once escaped": ('{"alg":"HS256","\\u0061lg":"none"}', GOOD_JSON),
    "kid twice": ('{"alg":"HS256","kid":"rs","kid":"es"}', GOOD_JSON),
    "a deep key twice": ('{"alg":"HS256"}', GOOD_JSON[:-1] + ',"x":{"a":1,"a":2}}'),
    "exp of 1e20": ('{"alg":"HS256"}', GOOD_JSON.replace(str(NOW + 3600), "1e20")),
    "exp of 1e400": ('{"alg":"HS256"}', GOOD_JSON.replace(str(NOW + 3600), "1e400")),
    "exp of 2500 digits": ('{"alg":"HS256"}', GOOD_JSON.replace(str(NOW + 3600), "9" * 2500)),
    "exp in full width digits": (
        '{"alg":"HS256"}',
        GOOD_JSON.replace(str(NOW + 3600), "１７５００００６００"),
    ),
    "exp of minus nothing": ('{"alg":"HS256"}', GOOD_JSON.replace(str(NOW + 3600), "-1")),
    "sub is a map": ('{"alg":"HS256"}', json.dumps(GOOD | {"sub": {"$ne": ""}})),
    "sub is true": ('{"alg":"HS256"}', json.dumps(GOOD | {"sub": True})),
    "sub ends a line": ('{"alg":"HS256"}', json.dumps(GOOD | {"sub": "alice\n"})),
    "sub in Cyrillic": ('{"alg":"HS256"}', json.dumps(GOOD | {"sub": "аlice"})),
    "sub of a path": ('{"alg":"HS256"}', json.dumps(GOOD | {"sub": "../admin"})),
    "a token inside the token": ('{"alg":"HS256","cty":"JWT"}', forged(HS, GOOD, SECRET)),
    "header of nothing": ("", GOOD_JSON),
    "header of a JWE": ('{"alg":"dir","enc":"A128GCM"}', GOOD_JSON),
    "compressed": ('{"alg":"HS256","zip":"DEF","crit":["zip"]}', GOOD_JSON),
    "comments": ('{"alg":"HS256"}', "/**/" + GOOD_JSON),
    "trailing comma": ('{"alg":"HS256"}', GOOD_JSON[:-1] + ",}"),
    "single quotes": ('{"alg":"HS256"}', GOOD_JSON.replace('"', "'")),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_might_be_read_differently_is_refused(tokens, name):
    header, payload = TEXTS[name]
    assert not is_accepted(tokens, forged(header, payload, SECRET))


# --- every letter counts


def changed(token: str) -> Iterator[str]:
    """The token with each of its letters changed to each other letter of base64url, and left out."""
    for place, letter in enumerate(token):
        for other in ALPHABET:
            if other != letter:
                yield token[:place] + other + token[place + 1 :]
        yield token[:place] + token[place + 1 :]


def test_no_letter_of_a_token_is_free(tokens):
    """Not even the bits behind the last byte of a segment, which decoders throw away."""
    token = forged(HS, GOOD, SECRET)
    assert is_accepted(tokens, token)
    assert [text for text in changed(token) if is_accepted(tokens, text)] == []


@pytest.mark.parametrize("name", ["rs", "es", "ed"])
def test_no_letter_of_a_signed_token_is_free(tokens, name, request):
    token = genuine(request.getfixturevalue(name))
    assert is_accepted(tokens, token)
    at = sorted({*range(0, len(token), 7), *(i - 1 for i, c in enumerate(token) if c == "."), len(token) - 1})
    for place in at:
        for other in ALPHABET:
            text = token[:place] + other + token[place + 1 :]
            assert text == token or not is_accepted(tokens, text), (place, other)


@pytest.mark.parametrize("length", range(1, 40))
def test_every_length_of_a_segment_is_read(tokens, length):
    """The check of the last letter refuses no honest token."""
    assert is_accepted(tokens, forged(HS, GOOD | {"pad": "x" * length}, SECRET))
