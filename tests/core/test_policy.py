"""What few rooms have is stored and read back (core/policy.py)."""

from chatd.core.policy import NO_DETAILS, RoomDetails, details_of
from chatd.protocol.codec import encode
from chatd.protocol.groups import Policy


def test_details_are_read_back_as_they_were_stored() -> None:
    details = RoomDetails(
        Policy(join="request", slow_s=10), "about", ("bikes", "旅行"), announcement=7, joins=2
    )
    assert details_of(encode(details)) == details


def test_a_room_without_details_shares_one_object() -> None:
    assert details_of(b"") is NO_DETAILS
