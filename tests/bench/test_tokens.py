"""Tokens of the harness are what an independent library accepts."""

import jwt
import pytest

from bench.wire import token

SECRET = "a secret of at least thirty-two bytes"


def test_a_library_accepts_the_token() -> None:
    claims = jwt.decode(token("ann", SECRET), SECRET, algorithms=["HS256"], audience="chatd")
    assert claims["sub"] == "ann"
    assert claims["exp"] - claims["iat"] == 24 * 3600


def test_no_two_tokens_are_the_same_so_that_each_has_to_be_checked() -> None:
    assert len({token("ann", SECRET) for _ in range(100)}) == 100


def test_another_secret_does_not() -> None:
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token("ann", SECRET), SECRET + "!", algorithms=["HS256"], audience="chatd")
