from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd.core.accounts import Amend, RecordDevice, Revoke
from chatd.core.push import Address
from chatd.core.push_registrations import (
    ChangedRegistration,
    Dropped,
    Registration,
    address_of,
    digest_of,
    is_point,
)
from chatd.protocol.errors import Refused
from chatd.protocol.limits import DEVICES_LISTED_MAX
from chatd.protocol.push import DevicesPush
from chatd.protocol.users import DevicesRemove
from tests.kit.memory_writer import MemoryWriter

APPS = {("apns", "app"), ("web", ""), ("fcm", "app"), ("fcm", "other"), ("gateway", "app")}
# The receiver's key and secret of the example in RFC 8291, 5.
POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
URL = "https://push.example/s/JzLQ3raZJfFBR0aq"


def test_a_token_is_known_by_its_app_and_service_alone() -> None:
    address = Address("apns", "app", "9f2c")
    same = Address("apns", "app", "9f2c", "voip", "sandbox", b"key", b"auth")
    others = [Address("fcm", "app", "9f2c"), Address("apns", "other", "9f2c"), Address("apns", "app", "9f2d")]
    assert digest_of(address) == digest_of(same)
    assert len({digest_of(one) for one in (address, *others)}) == 4


def asked(**keys: object) -> DevicesPush:
    return DevicesPush(**{"platform": "apns", "app": "app", "token": "9f2c", **keys})


def test_an_address_is_what_the_device_says() -> None:
    address = address_of(asked(platform="web", app="", token=URL, p256dh=POINT, auth=AUTH), APPS)
    assert (address.platform, address.token, len(address.p256dh), len(address.auth)) == ("web", URL, 65, 16)
    voip = address_of(asked(purpose="voip", environment="sandbox"), APPS)
    assert (voip.purpose, voip.environment, voip.p256dh) == ("voip", "sandbox", b"")


def test_the_only_app_of_a_platform_needs_no_name() -> None:
    assert address_of(asked(app=""), APPS) == address_of(asked(app="app"), APPS)


@pytest.mark.parametrize(("keys", "code", "field"), [
    ({"app": "other"}, "not_supported", "app"), ({"platform": "fcm", "app": ""}, "not_supported", "app"),
    ({"token": "9f/../2c"}, "bad_request", "token"), ({"token": "9f2c\n"}, "bad_request", "token"),
    ({"platform": "fcm", "token": "\x00" * 4096}, "bad_request", "token"),
    ({"platform": "gateway", "token": "a b"}, "bad_request", "token"),
    ({"platform": "fcm", "token": "t", "auth": AUTH}, "bad_request", "auth"),
    ({"platform": "web", "app": "", "token": URL}, "bad_request", "p256dh"),
    ({"p256dh": "A" * 87, "auth": AUTH}, "bad_request", "p256dh"),
    ({"p256dh": POINT[:-2] + "A4", "auth": AUTH}, "bad_request", "p256dh"),
])  # fmt: skip
def test_what_no_service_has_given_is_refused(keys: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        address_of(asked(**keys), APPS)
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_a_platform_without_a_key_is_not_supported() -> None:
    with pytest.raises(Refused) as refusal:
        address_of(asked(), {("fcm", "app")})
    assert (refusal.value.code, refusal.value.field) == ("not_supported", "platform")


def test_points_are_told_from_others() -> None:
    for _ in range(8):
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        packed = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        assert is_point(packed)
        assert urlsafe_b64encode(packed).rstrip(b"=").startswith(b"B")
        assert not is_point(packed[:-1] + bytes([packed[-1] ^ 1]))
        assert not is_point(b"\x06" + packed[1:])
    # x = 0 has a point; with the prime in its place it is written in a second way.
    assert not is_point(b"\x04" + (2**256 - 1).to_bytes(32, "big") + packed[33:])


def dropped(writer: MemoryWriter) -> list[object]:
    return [one.change for one in writer.writes.records_of(ChangedRegistration)]


def test_a_registration_is_as_old_as_its_commit() -> None:
    writer = MemoryWriter()
    writer.ask("ann", Registration("ann", "d1", Address("apns", "app", "9f2c"), 0, "k7Qd"))
    (registration,) = dropped(writer)
    assert isinstance(registration, Registration)
    assert registration.registered_at == writer.now


def test_a_device_that_is_removed_or_revoked_is_told_nothing_more() -> None:
    writer = MemoryWriter()
    writer.ask("ann", RecordDevice("d1"))
    writer.ask("ann", DevicesRemove(device="d1"))
    assert dropped(writer) == [Dropped("ann", "d1")]
    writer.ask("ann", Revoke("d2"))
    assert dropped(writer) == [Dropped("ann", "d2")]
    writer.ask("ann", Revoke())
    assert dropped(writer) == [Dropped("ann")]


@pytest.mark.parametrize("change", [Amend(disabled=True), Amend(revoke=True)])
def test_nor_is_an_account_that_is_closed_or_revoked(change: Amend) -> None:
    writer = MemoryWriter()
    writer.ask("ann", Amend(name="Ann"))
    assert dropped(writer) == []
    writer.ask("ann", change)
    assert dropped(writer) == [Dropped("ann")]
    writer.ask("ann", Amend(disabled=False))
    assert dropped(writer) == []


def test_the_oldest_of_too_many_devices_goes_with_its_registrations() -> None:
    writer = MemoryWriter()
    for number in range(DEVICES_LISTED_MAX):
        writer.ask("ann", RecordDevice(f"d{number}"))
        writer.now += 1
    assert dropped(writer) == []
    writer.ask("ann", RecordDevice("new"))
    assert dropped(writer) == [Dropped("ann", "d0")]
