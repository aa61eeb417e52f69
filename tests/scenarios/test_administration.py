"""protocol.md, what the host app's back end may do: revoke, lock out, rename, post notices. All of it at once."""

import asyncio
import time

from tests.kit.company import Company
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import earlier_token, token_for


async def test_revoking_a_user_ends_every_connection_and_every_earlier_token(
    daemon: RunningDaemon, people: Company
) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    old = earlier_token("alice")
    tablet = await people.meets("alice", token=old)
    answer = await daemon.administers("/revoke", user="alice")
    assert answer.status == 200
    for phone in (alice, tablet):
        await phone.expects_bye(4201)
    again = await people.connects("alice", token=old)
    await again.is_refused("token_invalid", again.hello())
    await again.expects_bye(4201)
    fresh = await people.meets("alice", token=token_for("alice", generation=answer.json["generation"]))
    await bob.sends(room, "back again?")
    assert (await fresh.hears(room))["body"]["text"] == "back again?"


async def test_a_token_of_the_second_of_a_revocation_is_not_good_and_not_lost(
    daemon: RunningDaemon, people: Company
) -> None:
    """Nobody can say on which side of it: another one is, a moment later."""
    assert (await daemon.administers("/revoke", user="alice")).status == 200
    alice = await people.connects("alice")
    told = await alice.is_refused("token_expired", alice.hello())
    assert 0 < told["retry_after"] <= 31_000
    assert (await alice.expects_bye(4100))["retry_after"] == told["retry_after"]
    later = await people.connects("alice", token=token_for("alice", iat=int(time.time()) + 30, nbf=0))
    await later.is_refused("token_expired", later.hello())


async def test_revoking_a_device_leaves_the_others_alone(daemon: RunningDaemon, people: Company) -> None:
    phone, tablet = [await people.meets_bound("alice") for _ in range(2)]
    assert (await daemon.administers("/revoke", user="alice", device=tablet.device)).status == 200
    await tablet.expects_bye(4201)
    await phone.is_silent()
    again = await people.connects("alice", device=phone.device, token=phone.token)
    await again.says_hello()


async def test_a_lost_phone_cannot_come_back_as_another_device(
    daemon: RunningDaemon, people: Company
) -> None:
    """Its token is bound to no device: the thief needs only make one up."""
    lost = await people.meets("alice", token=earlier_token("alice"))
    assert (await daemon.administers("/revoke", user="alice", device=lost.device)).status == 200
    await lost.expects_bye(4201)
    thief = await people.connects("alice", token=lost.token)
    await thief.is_refused("token_invalid", thief.hello())
    await thief.expects_bye(4101)


async def test_a_disabled_user_is_banned_until_enabled(daemon: RunningDaemon, people: Company) -> None:
    alice = await people.meets("alice")
    assert (await daemon.administers("/users/disable", user="alice")).status == 200
    await alice.expects_bye(4202)
    again = await people.connects("alice")
    await again.is_refused("forbidden", again.hello())
    await again.expects_bye(4202)
    assert (await daemon.administers("/users/disable", user="alice", disabled=False)).status == 200
    await people.meets("alice")


async def test_nothing_is_delivered_after_a_revocation_was_confirmed(
    daemon: RunningDaemon, people: Company
) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    last = 0

    async def chatters() -> None:
        nonlocal last
        while True:
            last = (await alice.sends(room, "x"))["seq"]

    chatting = asyncio.create_task(chatters())
    await bob.hears(room)
    assert (await daemon.administers("/revoke", user="bob")).status == 200
    confirmed = last
    await bob.expects_bye(4201)
    await alice.catches_up()
    chatting.cancel()
    await asyncio.gather(chatting, return_exceptions=True)
    seen = [event["seq"] for push in bob.heard if push["type"] == "event" for event in push["events"]]
    assert seen[-1] <= confirmed + 1  # one send may have been committed while the confirmation was on its way


async def test_a_notice_is_an_event_of_nobody(daemon: RunningDaemon, people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    answer = await daemon.administers("/notice", room=room, body={"text": "Maintenance tonight at 2."})
    assert answer.status == 200
    event = await bob.hears(room)
    assert (event["seq"], event["kind"], event["body"]) == (
        2,
        "notice",
        {"text": "Maintenance tonight at 2."},
    )
    assert not {"user", "ordinal", "key"} & event.keys()
    assert (await alice.logs(room))[-1] == event
    assert "unread" not in await alice.gets(room)
    assert await alice.asks_history(room) == []


async def test_a_notice_needs_a_room(daemon: RunningDaemon, people: Company) -> None:
    answer = await daemon.administers("/notice", room="gAbCdEfGhIj0", body={"text": "x"})
    assert (answer.status, answer.json["code"]) == (409, "not_found")
    assert (await daemon.administers("/notice", body={"text": "x"})).status == 400


async def test_a_changed_name_moves_the_version(daemon: RunningDaemon, people: Company) -> None:
    alice = await people.meets("alice")
    seen = []
    for name in ("Bob", "Robert"):
        assert (await daemon.administers("/users/put", user="bob", name=name, avatar="b.png")).status == 200
        seen += (await alice.asks({"type": "users.get", "users": ["bob"]}))["users"]
    assert [row["name"] for row in seen] == ["Bob", "Robert"]
    assert seen[0]["version"] < seen[1]["version"]
    assert seen[1]["avatar"] == "b.png"
