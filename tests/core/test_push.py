from typing import get_args

from chatd.core.push import Address, Notification, Outcome
from chatd.protocol.codec import decode_tree, encode


def test_a_notification_shows_a_push_service_only_what_it_says() -> None:
    badge = Notification("read", "mY3k0Qp7sT1vW9xZ", badge=0)
    assert decode_tree(encode(badge)) == {"kind": "read", "tag": "mY3k0Qp7sT1vW9xZ", "badge": 0}


def test_an_address_in_a_log_tells_no_token() -> None:
    address = Address("web", "", "https://push.example/secret", p256dh=b"secret", auth=b"secret")
    assert "secret" not in f"{address} {address!r}"


def test_outcomes_fit_a_byte_of_the_trace() -> None:
    assert len(set(get_args(Outcome))) == len(get_args(Outcome)) < 256
