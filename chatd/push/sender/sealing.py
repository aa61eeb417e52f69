"""Sealed payloads: Message Encryption for Web Push (RFC 8291), on every platform. Only the device can open one."""

import hmac

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SALT_BYTES = 16
AUTH_BYTES = 16  # RFC 8291, 3.2
POINT_BYTES = 65
# Bytes of a record (RFC 8188, 2.1): all of a payload is one, and no push service takes more.
RECORD_BYTES = 4096
# Salt, size of a record, length of a key and the key before it; the mark of the end and the tag behind it.
OVERHEAD = SALT_BYTES + 4 + 1 + POINT_BYTES + 1 + 16
PLAINTEXT_MAX = RECORD_BYTES - OVERHEAD
LAST_RECORD = b"\x02"


class BadKeys(ValueError):
    """Keys of a device that nothing can be sealed with."""


def seal(plaintext: bytes, p256dh: bytes, auth: bytes, salt: bytes) -> bytes:
    """Return a payload that only the device with these keys can open, as the content coding aes128gcm has it.

    `salt`: 16 bytes, new each time. Raises BadKeys.
    """
    return _seal(plaintext, p256dh, auth, salt, ec.generate_private_key(ec.SECP256R1()))


def _seal(
    plaintext: bytes, p256dh: bytes, auth: bytes, salt: bytes, private: ec.EllipticCurvePrivateKey
) -> bytes:
    if len(auth) != AUTH_BYTES:
        raise BadKeys("auth")
    assert len(plaintext) <= PLAINTEXT_MAX
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = private.exchange(ec.ECDH(), _point(p256dh))
    # RFC 8291, 3.4: HKDF, each output of which is one block.
    key_secret = hmac.digest(auth, shared, "sha256")
    secret = hmac.digest(key_secret, b"WebPush: info\0" + p256dh + public + b"\1", "sha256")
    pseudorandom = hmac.digest(salt, secret, "sha256")
    key = hmac.digest(pseudorandom, b"Content-Encoding: aes128gcm\0\1", "sha256")[:16]
    nonce = hmac.digest(pseudorandom, b"Content-Encoding: nonce\0\1", "sha256")[:12]
    head = salt + RECORD_BYTES.to_bytes(4, "big") + bytes((POINT_BYTES,)) + public
    return head + AESGCM(key).encrypt(nonce, plaintext + LAST_RECORD, None)


def _point(p256dh: bytes) -> ec.EllipticCurvePublicKey:
    if len(p256dh) != POINT_BYTES:
        raise BadKeys("p256dh")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    except ValueError:
        raise BadKeys("p256dh") from None
