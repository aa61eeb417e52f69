"""The files with keys of push services, as their owners download or make them. Each may be read by its owner alone."""

import base64
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec import Meta, Struct

from chatd.config.files import read_private
from chatd.config.problems import refuse

# A service account of Google has 2.4 KiB, a key of Apple 260 bytes.
BYTES_MAX = 16_384
APPLE = "Download it from developer.apple.com, Keys: a file AuthKey_….p8."
GOOGLE = "Make it in the Firebase console: Project settings, Service accounts, Generate new private key."
VAPID = "Make one with: chatd push vapid --new FILE"


class ServiceAccount(Struct, frozen=True):
    """A service account of Google, as its JSON file has it."""

    client_email: Annotated[str, Meta(min_length=3)]
    private_key: str
    private_key_id: str = ""
    project_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    type: str = ""

    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email!r})"


def signing_key(path: str, advice: str) -> ec.EllipticCurvePrivateKey:
    """Return the key of APNs (.p8) or of Web Push (PEM) in a file. Raises ConfigError with `advice`."""
    try:
        key = serialization.load_pem_private_key(read_private(path, BYTES_MAX).encode(), password=None)
    except (ValueError, TypeError):
        raise refuse(path, "is no private key in PEM without a password", advice) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise refuse(path, "holds a key, but not one of the curve P-256", advice)
    return key


def service_account(path: str) -> ServiceAccount:
    """Return the service account of FCM in a file. Raises ConfigError."""
    try:
        account = msgspec.json.decode(read_private(path, BYTES_MAX), type=ServiceAccount)
    except msgspec.DecodeError:
        raise refuse(path, "is no service account of Google in JSON", GOOGLE) from None
    if account.type != "service_account" or not account.token_uri.startswith(("https://", "http://")):
        raise refuse(path, "is JSON, but no service account: its type is another", GOOGLE)
    try:
        key = serialization.load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise refuse(path, "is a service account without a private key", GOOGLE)
    return account


def new_vapid_key() -> str:
    """Return a new key of Web Push as PEM (RFC 8292)."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )


def public_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public key as browsers take it: the uncompressed point in base64url (RFC 8292, 3.2)."""
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()
