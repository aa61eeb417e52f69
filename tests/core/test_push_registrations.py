from chatd.core.push import Address
from chatd.core.push_registrations import digest_of


def test_a_token_is_known_by_its_app_and_service_alone() -> None:
    address = Address("apns", "app", "9f2c")
    same = Address("apns", "app", "9f2c", "voip", "sandbox", b"key", b"auth")
    others = [Address("fcm", "app", "9f2c"), Address("apns", "other", "9f2c"), Address("apns", "app", "9f2d")]
    assert digest_of(address) == digest_of(same)
    assert len({digest_of(one) for one in (address, *others)}) == 4
