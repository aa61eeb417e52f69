import pytest

from chatd.core.accounts import Account, DeviceSeen
from chatd.core.admin import Amend, SeeDevice
from chatd.handlers.connection import revoked
from chatd.ports import Claims
from chatd.protocol.requests import DevicesRemove
from tests.kit.indoors import device_of


@pytest.mark.parametrize(
    ("claims", "account", "device", "answer"),
    [
        ({"issued_at_s": 10.0}, None, None, False),
        ({"issued_at_s": 10.0}, {"revoked_before": 10_000}, None, False),
        ({"issued_at_s": 9.9}, {"revoked_before": 10_000}, None, True),
        ({}, {"revoked_before": 1}, None, True),
        ({}, {}, None, False),
        ({"issued_at_s": 9.9}, None, {"revoked_before": 10_000}, True),
        ({"issued_at_s": 9.9}, {}, {"revoked_before": 9_000}, False),
        ({"generation": 2}, {"generation": 3}, None, True),
        ({"generation": 3}, {"generation": 3}, None, False),
        ({}, {"generation": 1}, None, True),
    ],
)
def test_what_revokes_a_token(claims, account, device, answer):
    row = None if account is None else Account("ann", **account)
    seen = None if device is None else DeviceSeen("ann", "d", **device)
    assert revoked(Claims("ann", 4e9, **claims), row, seen) is answer


async def test_a_fresh_token_is_put_in_force(house):
    ann = await house.meets("ann")
    house.env.advance(20)
    assert (await ann.asks(type="auth", token="ann"))["token_ttl"] == 3600


@pytest.mark.parametrize("claims", [Claims("bob", 4e9), Claims("ann", 4e9, device=device_of(9))])
async def test_a_fresh_token_is_of_the_same_user_and_device(house, claims):
    ann = await house.meets("ann")
    house.passports.claims["fresh"] = claims
    reply = await ann.asks(type="auth", token="fresh")
    assert (reply["code"], ann.wire.closed_with) == ("auth_mismatch", None)
    assert ann.session.claims.user == "ann"


async def test_a_fresh_token_that_is_no_good_changes_nothing(house):
    ann = await house.meets("ann")
    reply = await ann.asks(type="auth", token="bad")
    assert (reply["code"], reply["retry"], ann.wire.closed_with) == ("token_invalid", "after_auth", None)


async def test_the_mode_changes_the_heartbeat(house):
    ann = await house.meets("ann")
    assert (await ann.asks(type="mode", mode="background"))["heartbeat"] == 240
    assert (await ann.asks(type="mode", mode="foreground"))["heartbeat"] == 30


async def test_a_ping_tells_the_time(house):
    ann = await house.meets("ann")
    assert (await ann.asks(type="ping"))["time"] == house.env.now_ms()


async def test_the_end_of_a_removed_device_does_not_bring_it_back(house):
    ann = await house.meets("ann", device=1)
    gone = await house.meets("ann", device=2)
    await ann.asks(type="devices.remove", device=device_of(2))
    gone.hangs_up()
    await house.quiet()
    assert [row["device"] for row in (await ann.asks(type="devices.list"))["devices"]] == [device_of(1)]


async def test_a_device_that_was_revoked_before_it_ever_came_is_not_listed(house):
    ann = await house.meets("ann", device=1)
    await house.inside.admin.revoke("ann", device_of(2))
    (row,) = (await ann.asks(type="devices.list"))["devices"]
    assert (row["device"], row["last_seen"] > 0) == (device_of(1), True)


async def test_decisions_of_people_reach_the_store(house):
    writer = house.inside.writer
    await writer.carry("ann", SeeDevice(device_of(3), "app", "os"))
    await writer.carry("ann", Amend(name="Ann"))
    await writer.carry("ann", DevicesRemove(device=device_of(3)))
    row = await house.store.device("ann", device_of(3))
    assert (row.app, row.removed, row.revoked_before) == ("app", True, house.env.now_ms())
    assert (await house.store.account("ann")).name == "Ann"
