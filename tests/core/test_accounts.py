import pytest

from chatd.core.accounts import Amend, ForgetDevices, RecordDevice, RecordLastSeen, Revoke
from chatd.core.users import Account, DeviceSeen
from chatd.protocol.errors import Refused
from chatd.protocol.limits import DEVICES_LISTED_MAX
from chatd.protocol.users import DevicesRemove
from tests.kit.memory_writer import MemoryWriter, group


@pytest.fixture
def room():
    return group(ann="owner", bob="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def test_a_device_is_noted_when_it_is_seen(writer):
    writer.ask("ann", RecordDevice("d1", "app", "os"))
    assert writer.devices["ann", "d1"] == DeviceSeen("ann", "d1", "app", "os", last_seen=writer.now)


def test_what_a_device_runs_is_remembered_when_it_does_not_say(writer):
    writer.ask("ann", RecordDevice("d1", "app", "os"))
    writer.now += 5
    writer.ask("", RecordLastSeen({("ann", "d1"): writer.now}))
    assert writer.devices["ann", "d1"] == DeviceSeen("ann", "d1", "app", "os", last_seen=writer.now)


def test_what_is_told_late_does_not_turn_the_time_back(writer):
    writer.ask("ann", RecordDevice("d1"))
    writer.ask("", RecordLastSeen({("ann", "d1"): writer.now - 1}))
    assert writer.devices["ann", "d1"].last_seen == writer.now
    writer.ask("", RecordLastSeen({("ann", "d1"): writer.now + 1}))
    assert writer.devices["ann", "d1"].last_seen == writer.now + 1


def test_a_removed_device_is_not_listed_and_its_tokens_are_void(writer):
    writer.ask("ann", RecordDevice("d1"))
    writer.ask("ann", DevicesRemove(device="d1"))
    device = writer.devices["ann", "d1"]
    assert (device.removed, device.revoked_before) == (True, writer.now)


def test_the_end_of_a_removed_device_leaves_it_removed_and_a_new_hello_does_not(writer):
    writer.ask("ann", RecordDevice("d1"))
    writer.ask("ann", DevicesRemove(device="d1"))
    writer.ask("", RecordLastSeen({("ann", "d1"): writer.now + 1}))
    assert writer.devices["ann", "d1"].removed
    writer.ask("ann", RecordDevice("d1"))
    assert not writer.devices["ann", "d1"].removed
    assert writer.devices["ann", "d1"].revoked_before == writer.now


def test_a_device_one_does_not_have_is_not_found(writer):
    writer.ask("bob", RecordDevice("d1"))
    for _ in range(2):
        with pytest.raises(Refused, match="not_found"):
            writer.ask("ann", DevicesRemove(device="d1"))


def test_a_device_that_was_revoked_before_it_ever_came_is_not_found(writer):
    writer.ask("ann", Revoke("d1"))
    with pytest.raises(Refused, match="not_found"):
        writer.ask("ann", DevicesRemove(device="d1"))


def test_a_removed_device_is_not_found_again(writer):
    writer.ask("ann", RecordDevice("d1"))
    writer.ask("ann", DevicesRemove(device="d1"))
    with pytest.raises(Refused, match="not_found"):
        writer.ask("ann", DevicesRemove(device="d1"))


def test_an_account_that_stays_as_it_is_keeps_its_version(writer):
    writer.ask("ann", Amend(name="Ann", avatar="a.png"))
    writer.ask("ann", Amend(name="Ann", avatar="a.png", disabled=False))
    assert (writer.accounts["ann"].version, writer.writes.empty) == (1, True)


def test_a_revocation_is_of_a_user_or_of_a_device(writer):
    writer.ask("ann", Revoke("d1"))
    assert writer.devices["ann", "d1"].revoked_before == writer.now
    assert (writer.accounts["ann"].revoked_before, writer.accounts["ann"].generation) == (0, writer.now)
    writer.now += 5
    writer.ask("ann", Revoke())
    assert (writer.accounts["ann"].revoked_before, writer.accounts["ann"].generation) == (
        writer.now,
        writer.now,
    )
    assert writer.devices["ann", "d1"].revoked_before == writer.now - 5


def test_marks_rise_whatever_the_clock_says(writer):
    """Two in one millisecond, and one after the clock was set back."""
    for passed, device in ((0, ""), (0, "d1"), (-5000, ""), (0, "d1")):
        writer.now += passed
        writer.ask("ann", Revoke(device))
    first = writer.now + 5000
    assert (writer.accounts["ann"].revoked_before, writer.accounts["ann"].generation) == (
        first + 2,
        first + 3,
    )
    assert writer.devices["ann", "d1"].revoked_before == first + 3


def test_a_revocation_leaves_the_rest_of_an_account(writer):
    writer.ask("ann", Amend(name="Ann", avatar="a.png"))
    writer.ask("ann", Revoke())
    assert writer.accounts["ann"] == Account(
        "ann",
        name="Ann",
        avatar="a.png",
        version=1,
        generation=writer.now,
        revoked_before=writer.now,
        created_at=writer.now,
    )


def test_an_account_is_amended_as_it_is_now(writer):
    """Two who change different things at once do not undo each other."""
    writer.ask("ann", Amend(name="Ann", password="hash"))
    writer.batch([("ann", Amend(disabled=True)), ("ann", Amend(name="Anna")), ("ann", Revoke())])
    account = writer.accounts["ann"]
    assert (account.name, account.version, account.disabled) == ("Anna", 2, True)
    assert (account.password, account.revoked_before) == ("hash", writer.now)


def test_a_new_password_takes_an_account_and_the_old_tokens(writer):
    with pytest.raises(Refused, match="not_found"):
        writer.ask("ann", Amend(password="hash", revoke=True, existing=True))
    writer.ask("ann", Amend())
    writer.ask("ann", Amend(password="hash", revoke=True, existing=True))
    assert (writer.accounts["ann"].password, writer.accounts["ann"].revoked_before) == ("hash", writer.now)


def test_a_device_more_than_are_listed_takes_the_place_of_the_one_not_seen_for_longest(writer):
    for number in range(DEVICES_LISTED_MAX):
        writer.now += 1
        writer.ask("ann", RecordDevice(f"d{number}"))
    writer.ask("ann", DevicesRemove(device="d1"))
    writer.ask("ann", RecordDevice("d1"))  # revoked, and back
    writer.ask("ann", RecordDevice("d0"))
    writer.now += 1
    writer.batch([("ann", RecordDevice("x")), ("ann", RecordDevice("y"))])
    listed = {name for (_, name), device in writer.devices.items() if device.listed}
    assert len(listed) == DEVICES_LISTED_MAX
    assert not {"d2", "d3"} & listed, "seen longest ago"
    assert {"x", "y", "d0", "d1"} <= listed
    assert not writer.devices["ann", "d2"].matters
    writer.ask("", RecordLastSeen({("ann", "d2"): writer.now + 5}))
    assert not writer.devices["ann", "d2"].listed, "the end of a connection lists nothing"


def test_a_revoked_device_is_forgotten_when_its_revocation_is_old_and_it_is_not_back(writer):
    for name in ("gone", "back"):
        writer.ask("ann", RecordDevice(name))
        writer.ask("ann", DevicesRemove(device=name))
    writer.ask("ann", RecordDevice("back"))
    places = [("ann", "gone"), ("ann", "back")]
    writer.ask("", ForgetDevices(places, before=writer.now))
    assert all(writer.devices[place].revoked_before for place in places), "tokens may live"
    writer.ask("", ForgetDevices(places, before=writer.now + 1))
    assert [writer.devices[place].matters for place in places] == [False, True]
