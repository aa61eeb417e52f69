"""verifier.py: the `Identity` of the host app, built from configuration."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chatd.auth.keys import VerifyKey
from chatd.auth.verifier import token_verifier
from chatd.config.model import Auth, Key
from chatd.config.secret import Secret
from chatd.protocol.errors import Refused, Unavailable

SECRET = "0123456789abcdef0123456789abcdef"


class Clock:
    """As much of Env as identity asks for."""

    def now_ms(self) -> int:
        return 1_750_000_000_500

    def monotonic(self) -> float:
        return 5.0


async def test_minted_tokens_are_verified_at_the_time_of_env(tmp_path):
    identity = token_verifier(Auth(secret=Secret(SECRET)), Clock(), str(tmp_path))
    claims = await identity.verify(identity.mint("alice", 60))
    assert (claims.user, claims.issued_at_s) == ("alice", 1_750_000_000)


async def test_configured_keys_are_used(tmp_path, es):
    path = tmp_path / "es.pem"
    path.write_bytes(es.pem)
    identity = token_verifier(
        Auth(keys=(Key(kid="es", algorithm="ES256", file=str(path)),)), Clock(), str(tmp_path)
    )
    claims = {"sub": "bob", "aud": "chatd", "exp": 1_750_000_060}
    token = jwt.encode(claims, es.private, "ES256", headers={"kid": "es"})
    assert (await identity.verify(token)).user == "bob"


async def test_an_unknown_kid_asks_the_url_and_is_told_to_come_again_when_it_is_down(es, tmp_path):
    identity = token_verifier(Auth(jwks_url="http://127.0.0.1:1/keys"), Clock(), str(tmp_path))
    token = jwt.encode({"sub": "bob"}, es.private, "ES256", headers={"kid": "es"})
    with pytest.raises(Unavailable, match="overloaded"):
        await identity.verify(token)


async def test_nonsense_never_reaches_the_url(tmp_path):
    identity = token_verifier(Auth(jwks_url="http://127.0.0.1:1/keys"), Clock(), str(tmp_path))
    identity.keyring.wait_known = None
    with pytest.raises(Refused, match="three parts"):
        await identity.verify("nonsense")


async def test_a_token_verified_before_a_key_was_withdrawn_is_refused_after_it(es, tmp_path):
    identity = token_verifier(Auth(jwks_url="http://127.0.0.1:1/keys"), Clock(), str(tmp_path))
    identity.keyring._fetched = {"es": VerifyKey("es", "ES256", es.private.public_key())}
    claims = {"sub": "bob", "aud": "chatd", "exp": 1_750_000_060}
    token = jwt.encode(claims, es.private, "ES256", headers={"kid": "es"})
    assert (await identity.verify(token)).user == "bob"

    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    row = jwt.algorithms.ECAlgorithm.to_jwk(other, as_dict=True) | {"kid": "new", "alg": "ES256"}

    async def replaced() -> bytes:
        return json.dumps({"keys": [row]}).encode()

    identity.keyring._fetch = replaced
    assert await identity.keyring.refresh()
    with pytest.raises(Refused, match="token_invalid"):
        await identity.verify(token)
