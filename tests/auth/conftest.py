"""Keys of a host app, made once: generating RSA keys costs a second."""

from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from chatd.auth.keys import VerifyKey

NOW = 1_750_000_000
SECRET = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Signer:
    """A private key of the host app, with what the daemon knows of it."""

    kid: str
    algorithm: str
    private: Any

    @property
    def known(self) -> VerifyKey:
        return VerifyKey(self.kid, self.algorithm, self.private.public_key())

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def private_pem(self) -> bytes:
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@pytest.fixture(scope="session")
def rs() -> Signer:
    return Signer("rs", "RS256", rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="session")
def es() -> Signer:
    return Signer("es", "ES256", ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="session")
def ed() -> Signer:
    return Signer("ed", "EdDSA", ed25519.Ed25519PrivateKey.generate())
