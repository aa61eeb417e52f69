import pytest
from msgspec import UNSET

from chatd.core.admin import (
    Amend,
    Fold,
    ForgetDevices,
    Notify,
    Revoke,
    SeeDevice,
    SeeLeft,
    Settle,
    SummariseReactions,
)
from chatd.core.users import Account, DeviceSeen
from chatd.protocol.errors import Refused
from chatd.protocol.limits import DEVICES_LISTED_MAX
from chatd.protocol.objects import Body
from chatd.protocol.requests import DevicesRemove, Recall, RoomDelete, Send
from tests.kit.desk import Desk, group


@pytest.fixture
def room():
    return group(ann="owner", bob="member")


@pytest.fixture
def desk(room):
    return Desk(room)


def test_a_device_is_noted_when_it_is_seen(desk):
    desk.ask("ann", SeeDevice("d1", "app", "os"))
    assert desk.devices["ann", "d1"] == DeviceSeen("ann", "d1", "app", "os", last_seen=desk.now)


def test_what_a_device_runs_is_remembered_when_it_does_not_say(desk):
    desk.ask("ann", SeeDevice("d1", "app", "os"))
    desk.now += 5
    desk.ask("", SeeLeft({("ann", "d1"): desk.now}))
    assert desk.devices["ann", "d1"] == DeviceSeen("ann", "d1", "app", "os", last_seen=desk.now)


def test_what_is_told_late_does_not_turn_the_time_back(desk):
    desk.ask("ann", SeeDevice("d1"))
    desk.ask("", SeeLeft({("ann", "d1"): desk.now - 1}))
    assert desk.devices["ann", "d1"].last_seen == desk.now
    desk.ask("", SeeLeft({("ann", "d1"): desk.now + 1}))
    assert desk.devices["ann", "d1"].last_seen == desk.now + 1


def test_a_removed_device_is_not_listed_and_its_tokens_are_void(desk):
    desk.ask("ann", SeeDevice("d1"))
    desk.ask("ann", DevicesRemove(device="d1"))
    device = desk.devices["ann", "d1"]
    assert (device.removed, device.revoked_before) == (True, desk.now)


def test_the_end_of_a_removed_device_leaves_it_removed_and_a_new_hello_does_not(desk):
    desk.ask("ann", SeeDevice("d1"))
    desk.ask("ann", DevicesRemove(device="d1"))
    desk.ask("", SeeLeft({("ann", "d1"): desk.now + 1}))
    assert desk.devices["ann", "d1"].removed
    desk.ask("ann", SeeDevice("d1"))
    assert not desk.devices["ann", "d1"].removed
    assert desk.devices["ann", "d1"].revoked_before == desk.now


def test_a_device_one_does_not_have_is_not_found(desk):
    desk.ask("bob", SeeDevice("d1"))
    for _ in range(2):
        with pytest.raises(Refused, match="not_found"):
            desk.ask("ann", DevicesRemove(device="d1"))


def test_a_device_that_was_revoked_before_it_ever_came_is_not_found(desk):
    desk.ask("ann", Revoke("d1"))
    with pytest.raises(Refused, match="not_found"):
        desk.ask("ann", DevicesRemove(device="d1"))


def test_a_removed_device_is_not_found_again(desk):
    desk.ask("ann", SeeDevice("d1"))
    desk.ask("ann", DevicesRemove(device="d1"))
    with pytest.raises(Refused, match="not_found"):
        desk.ask("ann", DevicesRemove(device="d1"))


def test_an_account_that_stays_as_it_is_keeps_its_version(desk):
    desk.ask("ann", Amend(name="Ann", avatar="a.png"))
    desk.ask("ann", Amend(name="Ann", avatar="a.png", disabled=False))
    assert (desk.accounts["ann"].version, desk.work.empty) == (1, True)


def test_a_revocation_is_of_a_user_or_of_a_device(desk):
    desk.ask("ann", Revoke("d1"))
    assert desk.devices["ann", "d1"].revoked_before == desk.now
    assert (desk.accounts["ann"].revoked_before, desk.accounts["ann"].generation) == (0, desk.now)
    desk.now += 5
    desk.ask("ann", Revoke())
    assert (desk.accounts["ann"].revoked_before, desk.accounts["ann"].generation) == (desk.now, desk.now)
    assert desk.devices["ann", "d1"].revoked_before == desk.now - 5


def test_marks_rise_whatever_the_clock_says(desk):
    """Two in one millisecond, and one after the clock was set back."""
    for passed, device in ((0, ""), (0, "d1"), (-5000, ""), (0, "d1")):
        desk.now += passed
        desk.ask("ann", Revoke(device))
    first = desk.now + 5000
    assert (desk.accounts["ann"].revoked_before, desk.accounts["ann"].generation) == (first + 2, first + 3)
    assert desk.devices["ann", "d1"].revoked_before == first + 3


def test_a_revocation_leaves_the_rest_of_an_account(desk):
    desk.ask("ann", Amend(name="Ann", avatar="a.png"))
    desk.ask("ann", Revoke())
    assert desk.accounts["ann"] == Account(
        "ann",
        name="Ann",
        avatar="a.png",
        version=1,
        generation=desk.now,
        revoked_before=desk.now,
        created_at=desk.now,
    )


def test_an_account_is_amended_as_it_is_now(desk):
    """Two who change different things at once do not undo each other."""
    desk.ask("ann", Amend(name="Ann", password="hash"))
    desk.batch([("ann", Amend(disabled=True)), ("ann", Amend(name="Anna")), ("ann", Revoke())])
    account = desk.accounts["ann"]
    assert (account.name, account.version, account.disabled) == ("Anna", 2, True)
    assert (account.password, account.revoked_before) == ("hash", desk.now)


def test_a_new_password_takes_an_account_and_the_old_tokens(desk):
    with pytest.raises(Refused, match="not_found"):
        desk.ask("ann", Amend(password="hash", revoke=True, existing=True))
    desk.ask("ann", Amend())
    desk.ask("ann", Amend(password="hash", revoke=True, existing=True))
    assert (desk.accounts["ann"].password, desk.accounts["ann"].revoked_before) == ("hash", desk.now)


def test_a_notice_has_no_author_and_counts_nowhere(desk, room):
    reply = desk.ask("", Notify(room.name, Body(text="hi")))
    (event,) = desk.events(room)
    assert (event.kind, event.user, event.ordinal, event.body.text) == ("notice", UNSET, UNSET, "hi")
    assert (reply.seq, room.ordinal, room.members["bob"].unread(room.ordinal)) == (2, 0, 0)


@pytest.mark.parametrize("body", [Body(), Body(text="x" * 20_000)])
def test_a_notice_obeys_the_rules_of_bodies(desk, room, body):
    with pytest.raises(Refused):
        desk.ask("", Notify(room.name, body))


def test_a_notice_needs_a_room(desk, room):
    desk.ask("ann", RoomDelete(room=room.name, key="key-00000001"))
    for name in (room.name, "g00000000000"):
        with pytest.raises(Refused, match="not_found"):
            desk.ask("", Notify(name, Body(text="x")))


def test_folding_raises_the_floor_and_never_lowers_it(desk, room):
    desk.ask("", Fold(room.name, 7))
    assert (room.log_floor, desk.work.folds) == (7, [(room.number, 7)])
    desk.ask("", Fold(room.name, 5))
    assert (room.log_floor, desk.work.empty) == (7, True)
    desk.ask("", Fold("g00000000000", 5))


def test_reactions_of_what_is_not_there_are_not_summarised(desk, room):
    desk.ask("ann", Send(room=room.name, key="key-00000001", body=Body(text="x")))
    desk.ask("ann", Recall(room=room.name, key="key-00000002", target=2))
    for name, target in ((room.name, 2), (room.name, 9), ("g00000000000", 2)):
        desk.ask("", SummariseReactions(name, target))
        assert desk.work.empty


def test_settling_changes_nothing(desk):
    desk.ask("", Settle())
    assert desk.work.empty


def test_a_device_more_than_are_listed_takes_the_place_of_the_one_not_seen_for_longest(desk):
    for number in range(DEVICES_LISTED_MAX):
        desk.now += 1
        desk.ask("ann", SeeDevice(f"d{number}"))
    desk.ask("ann", DevicesRemove(device="d1"))
    desk.ask("ann", SeeDevice("d1"))  # revoked, and back
    desk.ask("ann", SeeDevice("d0"))
    desk.now += 1
    desk.batch([("ann", SeeDevice("x")), ("ann", SeeDevice("y"))])
    listed = {name for (_, name), device in desk.devices.items() if device.listed}
    assert len(listed) == DEVICES_LISTED_MAX
    assert not {"d2", "d3"} & listed, "seen longest ago"
    assert {"x", "y", "d0", "d1"} <= listed
    assert not desk.devices["ann", "d2"].matters
    desk.ask("", SeeLeft({("ann", "d2"): desk.now + 5}))
    assert not desk.devices["ann", "d2"].listed, "the end of a connection lists nothing"


def test_a_revoked_device_is_forgotten_when_its_revocation_is_old_and_it_is_not_back(desk):
    for name in ("gone", "back"):
        desk.ask("ann", SeeDevice(name))
        desk.ask("ann", DevicesRemove(device=name))
    desk.ask("ann", SeeDevice("back"))
    places = [("ann", "gone"), ("ann", "back")]
    desk.ask("", ForgetDevices(places, before=desk.now))
    assert all(desk.devices[place].revoked_before for place in places), "tokens may live"
    desk.ask("", ForgetDevices(places, before=desk.now + 1))
    assert [desk.devices[place].matters for place in places] == [False, True]
