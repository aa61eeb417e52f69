import os
from base64 import urlsafe_b64decode

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd.push.sender import sealing
from chatd.push.sender.sealing import OVERHEAD, PLAINTEXT_MAX, BadKeys, seal

AUTH, SALT = bytes(range(16)), bytes(16)


def b64(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def a_device():
    private = ec.generate_private_key(ec.SECP256R1())
    return private, private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def test_the_example_of_rfc_8291_comes_out_byte_for_byte():
    """Appendix A."""
    private = ec.derive_private_key(
        int.from_bytes(b64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    sealed = sealing._seal(
        b"When I grow up, I want to be a watermelon",
        b64("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        b64("BTBZMqHH6r4Tts7J_aSIgg"),
        b64("DGv6ra1nlYgDCS1FRnbzlw"),
        private,
    )
    assert sealed == b64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK"
        "6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize("length", [0, 1, 300, PLAINTEXT_MAX])
def test_another_implementation_opens_it(length):
    private, public = a_device()
    plaintext = os.urandom(length)
    sealed = seal(plaintext, public, AUTH, os.urandom(16))
    assert len(sealed) == length + OVERHEAD
    assert http_ece.decrypt(sealed, private_key=private, auth_secret=AUTH) == plaintext


def test_no_two_are_alike():
    _, public = a_device()
    assert seal(b"text", public, AUTH, SALT) != seal(b"text", public, AUTH, SALT)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        (b"", AUTH),
        (bytes(65), AUTH),
        (b"\x04" + bytes(64), AUTH),
        (b"\x04" + b"\xff" * 64, AUTH),
        (b"\x02" + bytes(32), AUTH),
        (a_device()[1], b""),
        (a_device()[1], bytes(17)),
    ],
    ids=["empty", "zeros", "origin", "not on the curve", "compressed", "no secret", "long secret"],
)
def test_keys_that_are_none_are_told(p256dh, auth):
    with pytest.raises(BadKeys):
        seal(b"text", p256dh, auth, SALT)
