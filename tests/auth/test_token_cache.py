"""Verified tokens are remembered, within bounds, and never longer than they hold."""

import pytest

from chatd.auth.interface import Claims
from chatd.auth.token_cache import TokenCache


def claims(expires: float = 100.0) -> Claims:
    return Claims("ann", expires)


def test_a_token_is_known_until_it_runs_out():
    remembered = TokenCache()
    remembered.put("token", claims())
    assert remembered.find("token", 99.9) == claims()
    assert remembered.find("token", 100.0) is None


@pytest.mark.parametrize("other", ["", "Token", "token ", "toke", "tok\udcffen"])
def test_every_letter_counts(other):
    remembered = TokenCache()
    remembered.put("token", claims())
    assert remembered.find(other, 0) is None


def test_the_least_recently_used_go_first():
    remembered = TokenCache(2)
    for token in ("a", "b"):
        remembered.put(token, claims())
    remembered.find("a", 0)
    remembered.put("c", claims())
    assert [remembered.find(token, 0) is not None for token in "abc"] == [True, False, True]


def test_what_is_forgotten_is_verified_again():
    remembered = TokenCache()
    remembered.put("token", claims())
    remembered.forget()
    assert remembered.find("token", 0) is None
