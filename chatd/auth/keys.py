"""Public keys from PEM files and JSON Web Key Sets (RFC 7517)."""

import json
import os
import stat
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from chatd.config import model

KEY_SET_BYTES_MAX = 256 * 1024  # the largest public sets have a dozen keys, 20 KiB
KEYS_MAX = 100  # keys of one set; more would only serve to fill memory
KEY_ID_MAX = 128  # characters, as in the configuration
ED25519_PRIME = 2**255 - 19
ED25519_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
# The y coordinates of the points whose order divides 8. Anybody can sign for such a key (an empty one is among them).
ED25519_SMALL = frozenset({0, 1, ED25519_PRIME - 1, ED25519_ORDER_8, ED25519_PRIME - ED25519_ORDER_8})
OTHERS_MAY_WRITE = 0o022  # a user who may write such a file decides which keys are valid
RSA_BITS_MIN = 2048  # NIST SP 800-131A
RSA_BITS_MAX = 8192  # beyond, one verification costs milliseconds


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key that serves exactly one algorithm."""

    kid: str
    algorithm: str
    public: Any


class BadKey(ValueError):
    """A key or key set that cannot be used; the text names it and the reason."""


def configured_keys(rules: model.Auth) -> dict[str, VerifyKey]:
    """Return the configured keys by kid; `keys` win over `jwks_file`. Raises BadKey."""
    found = key_set(read_public(rules.jwks_file), rules.jwks_file) if rules.jwks_file else {}
    return found | {key.kid: pem_key(key, read_public(key.file)) for key in rules.keys}


def pem_key(key: model.Key, pem: bytes) -> VerifyKey:
    """Return the public key of a PEM text, checked against its configured algorithm. Raises BadKey."""
    if b"PRIVATE KEY" in pem:
        raise BadKey(
            f"{key.file} holds a private key; make a public one: openssl pkey -in {key.file} -pubout"
        )
    try:
        public = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey(f"{key.file} holds no public key in PEM form") from None
    if _algorithm_of(public) != key.algorithm:
        raise BadKey(f"{key.file} holds no key for {key.algorithm} (RSA {RSA_BITS_MIN}+, P-256, Ed25519)")
    return VerifyKey(key.kid, key.algorithm, public)


def key_set(encoded: bytes, source: str) -> dict[str, VerifyKey]:
    """Return the usable keys of a JWK Set by kid; others are skipped (RFC 7517, 5). BadKey if none is left."""
    try:
        content = json.loads(encoded)
        listed = content["keys"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise BadKey(f"{source} is no JSON Web Key Set") from None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise BadKey(f"{source} has no list of at most {KEYS_MAX} keys")
    found: dict[str, VerifyKey] = {}
    for key in _usable(listed):
        # The first of two with one kid wins, so that an appended key cannot replace another.
        found.setdefault(key.kid, key)
    if not found:
        raise BadKey(f"{source} has no usable key (kid, use sig, RSA, P-256 or Ed25519)")
    return found


def read_public(path: str, *, own: bool = False) -> bytes:
    """Return the bytes of a small regular file; `own`: one that only this user can have written. Raises BadKey."""
    # O_NONBLOCK: a FIFO must be refused, not waited for.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (os.O_NOFOLLOW if own else 0)
    try:
        with open(os.open(path, flags), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadKey(f"{path} is not a regular file")
            if own and (status.st_uid != os.geteuid() or status.st_mode & OTHERS_MAY_WRITE):
                raise BadKey(f"{path} belongs to others, or they may write it")
            content = file.read(KEY_SET_BYTES_MAX + 1)
    except OSError as error:
        raise BadKey(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > KEY_SET_BYTES_MAX:
        raise BadKey(f"{path} is longer than {KEY_SET_BYTES_MAX} bytes")
    return content


def _usable(listed: list[Any]) -> Iterator[VerifyKey]:
    for jwk in listed:
        if not isinstance(jwk, dict) or not _for_signatures(jwk):
            continue
        make = _MAKERS.get(str(jwk.get("kty")))
        if make is None:
            continue
        try:
            public = make(jwk)
        except (ValueError, TypeError, KeyError, UnsupportedAlgorithm):
            continue
        algorithm = _algorithm_of(public)
        if algorithm and jwk.get("alg", algorithm) in (algorithm, _ALSO_CALLED.get(algorithm)):
            yield VerifyKey(jwk["kid"], algorithm, public)


def _for_signatures(jwk: Mapping[str, Any]) -> bool:
    key_id = jwk.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= KEY_ID_MAX:
        return False
    if "d" in jwk:  # a private key in public is known to everybody
        return False
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _algorithm_of(public: object) -> str | None:
    match public:
        case Ed25519PublicKey() if not _is_small(public):
            return "EdDSA"
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return "ES256"
        case rsa.RSAPublicKey(key_size=bits) if RSA_BITS_MIN <= bits <= RSA_BITS_MAX:
            return "RS256"
    return None


def _is_small(public: Ed25519PublicKey) -> bool:
    y = int.from_bytes(public.public_bytes_raw(), "little") & ~(1 << 255)  # without the sign of x
    return y % ED25519_PRIME in ED25519_SMALL


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text))


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _rsa(jwk: Mapping[str, Any]) -> object:
    return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()


def _p256(jwk: Mapping[str, Any]) -> object:
    if jwk["crv"] != "P-256":
        raise ValueError("another curve")
    return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()).public_key()


def _ed25519(jwk: Mapping[str, Any]) -> object:
    if jwk["crv"] != "Ed25519":
        raise ValueError("another curve")
    return Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"]))


# Symmetric keys ("oct") are missing on purpose: a set is public.
_MAKERS: dict[str, Callable[[Mapping[str, Any]], object]] = {"RSA": _rsa, "EC": _p256, "OKP": _ed25519}
_ALSO_CALLED = {"EdDSA": "Ed25519"}  # RFC 9864 gives the curve its own name
