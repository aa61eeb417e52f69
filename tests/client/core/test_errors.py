"""Error packets as exceptions."""

import pytest

from chatd.client.core.errors import ERRORS, ChatError, Closed, RateLimited, error_from
from tests.kit import document


def documented():
    rows = document.section("16").table(first="code")
    return {row["code"]: row["retry"] for row in rows}


# Answers to uploads have a code that no packet has (protocol.md, "Uploading").
HTTP_ALONE = {"unreadable": "never"}


def test_every_documented_code_has_its_class_and_its_retry():
    assert {code: kind.usual_retry for code, kind in ERRORS.items()} == documented() | HTTP_ALONE


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_an_error_packet_becomes_the_exception_of_its_code(code):
    error = error_from({"type": "error", "id": 1, "code": code, "retry": "later"})
    assert type(error) is ERRORS[code]
    assert (error.name, error.retry) == (code, "later")


def test_all_details_of_the_packet_are_kept_and_shown():
    error = error_from(
        {
            "code": "rate_limited",
            "retry": "later",
            "retry_after": 2500,
            "scope": "room",
            "message": "slow down",
        }
    )
    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.scope, error.message) == (2500, "room", "slow down")
    assert str(error) == "rate_limited, scope room, retry_after 2500, message slow down"


def test_an_unknown_code_is_decided_by_its_retry():
    error = error_from({"code": "future_trouble", "retry": "after_sync"})
    assert type(error) is ChatError
    assert (error.name, error.retry) == ("future_trouble", "after_sync")


def test_an_unknown_retry_means_never():
    assert error_from({"code": "overloaded", "retry": "sometimes"}).retry == "never"


def test_closed_carries_code_and_reason():
    closed = Closed(4201, "revoked")
    assert (closed.code, closed.reason, str(closed)) == (4201, "revoked", "4201 revoked")
