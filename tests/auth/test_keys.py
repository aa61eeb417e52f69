"""keys.py: which keys are taken from PEM files and key sets."""

import json
import os
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd.auth.keys import KEY_SET_BYTES_MAX, BadKey, configured_keys, key_set, read_public
from chatd.config.model import Auth, Key
from tests.kit import keysets


def jwk_of(signer: Any, **changes: Any) -> dict[str, Any]:
    jwk = keysets.jwk_of(signer)
    jwk.pop("key_ops")
    made = jwk | changes
    return {name: value for name, value in made.items() if value is not None}


def set_of(*jwks: Any) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def test_all_three_kinds_are_taken(rs, es, ed):
    found = key_set(set_of(jwk_of(rs), jwk_of(es), jwk_of(ed)), "test")
    assert {kid: key.algorithm for kid, key in found.items()} == {"rs": "RS256", "es": "ES256", "ed": "EdDSA"}
    token = jwt.encode({"a": 1}, es.private, "ES256")
    assert jwt.decode(token, found["es"].public, ["ES256"]) == {"a": 1}


def test_the_first_of_two_with_one_kid_wins(rs, es):
    found = key_set(set_of(jwk_of(rs), jwk_of(es, kid="rs")), "test")
    assert found["rs"].algorithm == "RS256"


SKIPPED: dict[str, dict[str, Any]] = {
    "for encryption": {"use": "enc"},
    "not for verifying": {"key_ops": ["sign"]},
    "key_ops is a text": {"key_ops": "verify"},
    "private": {"d": "AQAB"},
    "no kid": {"kid": None},
    "kid is a number": {"kid": 1},
    "kid is empty": {"kid": ""},
    "kid is long": {"kid": "k" * 129},
    "another alg": {"alg": "RS512"},
    "symmetric": {"kty": "oct", "k": "c2VjcmV0"},
    "unknown kty": {"kty": "PQC"},
    "kty is a list": {"kty": ["RSA"]},
    "no modulus": {"n": None},
    "modulus is a number": {"n": 5},
    "tiny modulus": {"n": "AQAB"},
    "even exponent": {"e": "Ag"},
}


@pytest.mark.parametrize("changes", SKIPPED.values(), ids=SKIPPED)
def test_unusable_keys_are_skipped(changes, rs, es):
    found = key_set(set_of(jwk_of(rs, **changes), jwk_of(es), "text", None, 5), "test")
    assert set(found) == {"es"}


def test_a_point_off_the_curve_is_skipped(es, rs):
    forged = jwk_of(es, y=urlsafe_b64encode(bytes(32)).decode().rstrip("="))
    assert set(key_set(set_of(forged, jwk_of(rs)), "test")) == {"rs"}


@pytest.mark.parametrize(
    "encoded",
    [
        b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":[]}', b'{"keys":5}', b"\xff", b"null", b'"keys"',
        b'{"keys":' + b"[" * 100_000, set_of(*[{}] * 101), set_of({"kty": "oct", "kid": "a", "k": "AA"}),
    ],
)  # fmt: skip
def test_a_set_without_usable_keys_is_refused(encoded):
    with pytest.raises(BadKey, match="test"):
        key_set(encoded, "test")


def configured(tmp_path: Any, algorithm: str, pem: bytes) -> Auth:
    path = tmp_path / "key.pem"
    path.write_bytes(pem)
    return Auth(keys=(Key(kid="k", algorithm=algorithm, file=str(path)),))


def test_pem_files_are_read(tmp_path, rs, es, ed):
    for signer in (rs, es, ed):
        found = configured_keys(configured(tmp_path, signer.algorithm, signer.pem))
        assert found["k"].algorithm == signer.algorithm


def test_keys_win_over_the_key_set_file(tmp_path, rs, es):
    (tmp_path / "set.json").write_bytes(set_of(jwk_of(rs, kid="k"), jwk_of(es)))
    auth = configured(tmp_path, "ES256", es.pem)
    both = Auth(keys=auth.keys, jwks_file=str(tmp_path / "set.json"))
    found = configured_keys(both)
    assert {kid: key.algorithm for kid, key in found.items()} == {"k": "ES256", "es": "ES256"}


def test_a_private_key_is_refused(tmp_path, rs):
    with pytest.raises(BadKey, match="private key"):
        configured_keys(configured(tmp_path, "RS256", rs.private_pem))


def test_a_key_for_another_algorithm_is_refused(tmp_path, rs, es):
    for signer, algorithm in ((rs, "ES256"), (es, "RS256"), (es, "EdDSA")):
        with pytest.raises(BadKey, match="holds no key for"):
            configured_keys(configured(tmp_path, algorithm, signer.pem))


def test_weak_and_foreign_keys_are_refused(tmp_path):
    for key, algorithm in (
        (rsa.generate_private_key(65537, 1024), "RS256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES256"),
        (ed448.Ed448PrivateKey.generate(), "EdDSA"),
    ):
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(BadKey, match="holds no key for"):
            configured_keys(configured(tmp_path, algorithm, pem))


def test_what_is_no_pem_is_refused(tmp_path):
    for content in (b"", b"hello", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(BadKey, match="no public key"):
            configured_keys(configured(tmp_path, "ES256", content))


def test_surprising_files_are_refused(tmp_path):
    (tmp_path / "big").write_bytes(bytes(KEY_SET_BYTES_MAX + 1))
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "directory").mkdir()
    for name in ("big", "fifo", "directory", "missing"):
        with pytest.raises(BadKey, match=name):
            read_public(str(tmp_path / name))
