"""Tokens of the host app (protocol.md "auth, token_expiring"): verified by strict rules, minted with the shared secret.

PyJWT checks the signature and nothing else; every claim is checked here against a clock that is passed in.
"""

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

import jwt

from chatd.auth.interface import Claims
from chatd.auth.keys import VerifyKey
from chatd.config import model
from chatd.protocol.errors import Refused

TOKEN_BYTES_MAX = 4096  # half of the smallest usual header limit; a real token has 300 to 1000 bytes
NUMBER_MAX = 2**53 - 1  # numbers beyond are not exact in JSON
FRACTION_DIGITS = 3  # milliseconds: below that floats of current times are not exact
HEADERS_KEPT = 64  # all tokens of a key have the same one; a hostile one has at most 4 KB
AUDIENCES_MAX = 16  # one is usual; bounds the work of a hostile list
PUBLIC_ALGORITHMS = ("EdDSA", "ES256", "RS256")
ALGORITHMS = (*PUBLIC_ALGORITHMS, "HS256")
KINDS = frozenset({"jwt", "at+jwt"})  # `typ`: other kinds, such as logout tokens, are signed by the same keys
MEDIA_TYPES = "application/"  # `typ` may be written with it or without (RFC 7515, 4.1.9)
ALLOWED = frozenset({"read", "send", "create", "admin"})
ALLOWED_BY_DEFAULT = ALLOWED - {"admin"}

# Base64url whose spare bits after the last byte are zero: else several texts would be one token.
_LETTER = "[A-Za-z0-9_-]"
_SEGMENT = rf"(?:{_LETTER}{{4}})*(?:{_LETTER}{{4}}|{_LETTER}{{2}}[AEIMQUYcgkosw048]|{_LETTER}[AQgw])"
_SHAPE = re.compile(rf"(({_SEGMENT})\.({_SEGMENT}))\.({_SEGMENT})\Z")
_USER = re.compile(r"[A-Za-z0-9_\-.:@|+]{1,64}\Z")
_DEVICE = re.compile(r"[A-Za-z0-9_-]{22}\Z")


@dataclass(slots=True, frozen=True)
class ParsedToken:
    """The parts of a token, not verified yet. `key_id` None: it is signed with the shared secret."""

    algorithm: object  # as the header names it
    key_id: str | None
    signed: str  # the text that is signed
    payload: str  # base64url, as are the others
    signature: str

    @property
    def public_key_id(self) -> str | None:
        """The id of the public key to verify it with; None when there can be none."""
        return self.key_id if self.algorithm in PUBLIC_ALGORITHMS else None


class Tokens:
    """The rules of tokens. `find` returns the public key with exactly this kid, or None."""

    def __init__(self, rules: model.Auth, find: Callable[[str], VerifyKey | None]) -> None:
        self._rules = rules
        self._find = find
        self._signatures = jwt.PyJWS(algorithms=list(ALGORITHMS))
        self._algorithms = {name: self._signatures.get_algorithm_by_name(name) for name in ALGORITHMS}
        self._prepared = self._prepared_secret()

    @property
    def can_mint(self) -> bool:
        """Whether there is a secret to sign with."""
        return bool(self._rules.secret)

    @property
    def has_secret(self) -> bool:
        """Whether there is a secret to verify tokens with."""
        return self._prepared is not None

    def verify(self, token: str, now_s: float) -> Claims:
        """Return the claims of a token with a valid signature, our audience and a current lifetime.

        `now_s` is Unix seconds. Raises Refused("token_expired") when only its lifetime is over, else
        Refused("token_invalid").
        """
        return self.claims(parse_token(token), now_s)

    def claims(self, parsed: ParsedToken, now_s: float, lifetime_max_s: int | None = None) -> Claims:
        """Return the claims as `verify`, of a token that is parsed already; with another longest lifetime, if given."""
        key, algorithm = self._key(parsed)
        if not self._algorithms[algorithm].verify(parsed.signed.encode(), key, _decoded(parsed.signature)):
            _refuse("the signature does not match")
        most_s = self._rules.token_lifetime_max_s if lifetime_max_s is None else lifetime_max_s
        return self._claims(_json_object(_decoded(parsed.payload), "claims"), now_s, most_s)

    def mint(
        self, user: str, ttl_s: int, now_s: float, *, device: str | None = None, **claims: object
    ) -> str:
        """Return a token for `user` that is valid for `ttl_s` seconds, signed with the secret; `claims` are added.

        Raises ValueError when there is no secret, or when the token would be refused again.
        """
        token = self.sign(user, ttl_s, now_s, "JWT", device=device, **claims)
        try:
            self.verify(token, now_s)
        except Refused as error:
            raise ValueError(error.message) from None
        return token

    def sign(
        self, user: str, ttl_s: int, now_s: float, kind: str, *, device: str | None, **claims: object
    ) -> str:
        """Return a token of this `typ` without checking it. Raises ValueError when there is no secret."""
        if not self.can_mint:
            raise ValueError("there is no auth.secret to sign tokens with")
        issued = int(now_s)
        content = {"sub": user, "aud": self._rules.audience, "iat": issued, "exp": issued + ttl_s, **claims}
        if self._rules.issuer:
            content["iss"] = self._rules.issuer
        if device:
            content["device"] = device
        payload = json.dumps(content, separators=(",", ":")).encode()
        return self._signatures.encode(payload, self._secret(), "HS256", headers={"typ": kind})

    def _secret(self) -> bytes:
        return self._rules.secret.reveal().encode()

    def _prepared_secret(self) -> Any:
        """Return the secret as a key of its algorithm, prepared once; None when there is no usable one."""
        try:
            return self._algorithms["HS256"].prepare_key(self._secret()) if self._rules.secret else None
        except jwt.InvalidKeyError:  # it looks like a public key: nothing signed with it is accepted
            return None

    def _key(self, parsed: ParsedToken) -> tuple[Any, str]:
        """Return the one key for this token and the one algorithm of the key, whatever `alg` names."""
        if parsed.key_id is None:
            if parsed.algorithm == "HS256" and self._prepared is not None:
                return self._prepared, "HS256"
            _refuse("the header names no kid")
        key = self._find(parsed.key_id)
        if key is None:
            _refuse("the kid is not known")
        if parsed.algorithm != key.algorithm:
            _refuse("the key is for another alg")
        return key.public, key.algorithm

    def _claims(self, claims: Mapping[str, Any], now_s: float, lifetime_max_s: int) -> Claims:
        user = _matching(claims, "sub", _USER)
        if user is None:
            _refuse("sub is missing")
        self._check_audience(claims.get("aud"))
        if self._rules.issuer and claims.get("iss") != self._rules.issuer:
            _refuse("iss is not the configured issuer")
        expires, issued = self._times(claims, now_s, lifetime_max_s)
        return Claims(
            user=user,
            expires_at_s=expires,
            issued_at_s=issued,
            device=_matching(claims, "device", _DEVICE),
            allow=_allowed(claims["allow"]) if "allow" in claims else ALLOWED_BY_DEFAULT,
            generation=_counter(claims, "generation"),
        )

    def _check_audience(self, audience: object) -> None:
        listed = [audience] if isinstance(audience, str) else audience
        if not isinstance(listed, list) or len(listed) > AUDIENCES_MAX:
            _refuse("aud is missing or no text")
        if not all(isinstance(one, str) for one in listed) or self._rules.audience not in listed:
            _refuse("aud does not contain the configured audience")

    def _times(
        self, claims: Mapping[str, Any], now_s: float, lifetime_max_s: int
    ) -> tuple[float, float | None]:
        """Return `exp` and `iat`. Expiry is checked last: `token_expired` means that everything else was right."""
        leeway = self._rules.leeway_s
        expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
        if expires is None:
            _refuse("exp is missing")
        for name, instant in (("iat", issued), ("nbf", _instant(claims, "nbf"))):
            if instant is not None and instant > now_s + leeway:
                _refuse(f"{name} lies in the future")
        # Without iat the lifetime can only be bounded by what remains of it.
        lifetime = expires - (now_s + leeway if issued is None else issued)
        if round(lifetime, FRACTION_DIGITS) > lifetime_max_s:
            _refuse("the lifetime is too long")
        if issued is not None and expires <= issued:
            _refuse("exp does not lie after iat")
        if expires <= now_s - leeway:
            raise Refused("token_expired", "the token has expired")
        return expires, issued


def _refuse(why: str) -> NoReturn:
    raise Refused("token_invalid", why) from None


def parse_token(token: str, kinds: frozenset[str] = KINDS) -> ParsedToken:
    """Return the parts of a token. Refused("token_invalid") when it is none, or of another kind than these."""
    shape = _SHAPE.match(token) if len(token) <= TOKEN_BYTES_MAX else None
    if shape is None:
        _refuse("not a token in three parts of base64url")
    signed, head, payload, signature = shape.groups()
    algorithm, key_id = _algorithm_and_key_id(head, kinds)
    return ParsedToken(algorithm, key_id, signed, payload, signature)


@lru_cache(HEADERS_KEPT)
def _algorithm_and_key_id(head: str, kinds: frozenset[str]) -> tuple[object, str | None]:
    """Return the algorithm and the key id that a header names."""
    header = _json_object(_decoded(head), "header")
    # RFC 7515, 4.1.11: an extension that is marked critical must be understood, and none is supported.
    if "crit" in header or "b64" in header:
        _refuse("the header marks an extension as critical")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix(MEDIA_TYPES) not in kinds:
        _refuse(f"typ is not {' or '.join(sorted(kinds))}")
    return header.get("alg"), _key_id(header)


def _key_id(header: Mapping[str, Any]) -> str | None:
    if "kid" not in header:
        return None
    key_id = header["kid"]
    if not isinstance(key_id, str):
        _refuse("kid is no text")
    return key_id


def _decoded(segment: str) -> bytes:
    try:
        return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        _refuse("not base64url")


def _json_object(encoded: bytes, part: str) -> dict[str, Any]:
    try:
        # Decoded here: json would accept UTF-16 and 32, which other readers understand differently (RFC 7519, 7.2).
        content = _json.decode(encoded.decode())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        _refuse(f"the {part} is no JSON object with unique keys")
    return content


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key is repeated")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_json = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    """Return Unix seconds, with or without a fraction (NumericDate of RFC 7519, 2)."""
    if name not in claims:
        return None
    value = claims[name]
    # bool is an int in Python; a number that overflows to infinity is above the bound.
    if type(value) not in (int, float) or not 0 <= value <= NUMBER_MAX:
        _refuse(f"{name} must be a number of seconds")
    return float(value)


def _counter(claims: Mapping[str, Any], name: str) -> int | None:
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int or not 0 <= value <= NUMBER_MAX:
        _refuse(f"{name} must be an integer")
    return value


def _matching(claims: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str | None:
    if name not in claims:
        return None
    value = claims[name]
    if not isinstance(value, str) or not pattern.match(value):
        _refuse(f"{name} is malformed")
    return value


def _allowed(words: object) -> frozenset[str]:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        _refuse("allow must be a list of words")
    # Words of later revisions allow nothing here.
    return ALLOWED.intersection(words)
