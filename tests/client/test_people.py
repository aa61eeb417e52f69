"""The requests of people, and the client between them and the rows."""

import asyncio

import pytest

from chatd.client import (
    Audience,
    Circle,
    Conflict,
    Contact,
    ContactsChanged,
    NotSupported,
    Phase,
    Privacy,
    SendFailed,
    State,
    StateChanged,
    UsersChanged,
)

PEOPLE = {"features": ["people", "account"]}
DAY_S = 24 * 3600


def row(user, stamp, **value):
    return {"name": user, "stamp": stamp, "value": value}


def page(*rows):
    return {"sections": {"contacts": list(rows)}}


@pytest.fixture
async def met(connected):
    """Make a client with these contacts that is READY where people are switched on."""

    async def make(*rows, rooms=(), users=()):
        sync = {"sections": {"contacts": list(rows)}, "users": list(users)}
        return await connected(rooms=rooms, welcome={**PEOPLE, "sync": sync})

    return make


def reply(user, stamp, **value):
    return {"contact": {"user": user, "stamp": stamp, **value}}


async def asked(peer, kind, calling, **answer):
    task = asyncio.create_task(calling)
    request = await peer.expect(kind)
    await peer.ok(request, **answer)
    return request, await task


@pytest.mark.parametrize(
    ("call", "kind", "fields"),
    [
        (
            lambda c: c.request_friend("bob", note="Hi", via="search"),
            "friend.request",
            {"note": "Hi", "via": "search"},
        ),
        (lambda c: c.accept_friend("bob"), "friend.accept", {}),
        (lambda c: c.decline_friend("bob"), "friend.decline", {}),
        (lambda c: c.cancel_friend("bob"), "friend.cancel", {}),
        (lambda c: c.remove_friend("bob"), "friend.remove", {}),
        (
            lambda c: c.set_contact("bob", remark="", circles=[2]),
            "contact.set",
            {"remark": "", "circles": [2]},
        ),
        (lambda c: c.set_contact("bob", blocked=False), "contact.set", {"blocked": False}),
    ],
)
async def test_a_request_names_the_row_it_acts_on_and_its_reply_is_taken(met, call, kind, fields):
    client, peer = await met(row("bob", 5, state="received"))
    assert client.friend_requests == 1
    request, contact = await asked(peer, kind, call(client), **reply("bob", 9, state="friend"))
    assert request == {"type": kind, "id": request["id"], "user": "bob", **fields, "seen": 5}
    assert contact == client.contacts["bob"] == Contact("bob", 9, state="friend")
    assert client.friend_requests == 0


async def test_a_contact_with_nothing_left_is_forgotten(met):
    client, peer = await met(row("bob", 5, state="sent"))
    _, contact = await asked(peer, "friend.cancel", client.cancel_friend("bob"), **reply("bob", 9))
    assert (contact, dict(client.contacts)) == (Contact("bob", 9), {})
    request, _ = await asked(
        peer, "friend.request", client.request_friend("bob"), **reply("bob", 10, state="sent")
    )
    assert request["seen"] == 9


async def test_a_row_that_moved_is_here_when_the_conflict_is_raised(met):
    client, peer = await met(row("bob", 5, state="received"))
    accepting = asyncio.create_task(client.accept_friend("bob"))
    await peer.refuse(await peer.expect("friend.accept"), "conflict", "never", field="seen")
    await peer.ok(
        await peer.expect("sync"), rooms=[], cursor="c2", **page(row("bob", 7, state="friend", remark="Bo"))
    )
    with pytest.raises(Conflict):
        await accepting
    assert client.contacts["bob"].state == "friend"


async def conflict(peer, now):
    await peer.refuse(await peer.expect("contact.set"), "conflict", "never", field="seen")
    await peer.ok(await peer.expect("sync"), rooms=[], cursor="c2", **page(now))


async def test_a_change_is_repeated_when_something_else_of_the_contact_moved(met):
    client, peer = await met(row("bob", 5, state="received"))
    blocking = asyncio.create_task(client.set_contact("bob", blocked=True))
    await conflict(peer, row("bob", 7, state="friend"))
    request = await peer.expect("contact.set")
    assert (request["blocked"], request["seen"]) == (True, 7)
    await peer.ok(request, **reply("bob", 8, state="friend", blocked=True))
    assert (await blocking).blocked


@pytest.mark.parametrize("now", [row("bob", 7, remark="Robert"), row("bob", 5, remark="Bo")])
async def test_a_change_of_what_another_device_changed_is_not_repeated(met, now):
    client, peer = await met(row("bob", 5, remark="Bo"))
    renaming = asyncio.create_task(client.set_contact("bob", remark="Bobby"))
    await conflict(peer, now)
    with pytest.raises(Conflict):
        await renaming


async def test_a_conflict_is_raised_although_nothing_can_be_fetched(met):
    client, peer = await met()
    removing = asyncio.create_task(client.remove_friend("bob"))
    await peer.refuse(await peer.expect("friend.remove"), "conflict", "never", field="seen")
    await peer.refuse(await peer.expect("sync"), "bad_request", "never")
    with pytest.raises(Conflict):
        await removing


async def test_another_conflict_says_nothing_of_the_row(met):
    client, peer = await met(row("bob", 5, state="received"))
    filing = asyncio.create_task(client.set_contact("bob", circles=[2]))
    await peer.refuse(await peer.expect("contact.set"), "conflict", "never", field="circles")
    with pytest.raises(Conflict):
        await filing
    await peer.barrier()


async def test_a_server_without_people_says_so(connected):
    client, peer = await connected()
    asking = asyncio.create_task(client.request_friend("bob"))
    await peer.refuse(await peer.expect("friend.request"), "not_supported", "never")
    with pytest.raises(NotSupported):
        await asking
    assert (client.features, client.profile) == ([], None)


async def test_circles_and_privacy_are_what_their_rows_say(met, watch):
    client, peer = await met()
    circles = [{"number": 2, "name": "Bikes", "since": 50}]
    rules = {"presence": {"to": "nobody", "allow": [2]}}
    rows = [
        {"name": "circles", "stamp": 50, "value": circles},
        {"name": "privacy", "stamp": 51, "value": {"rules": rules, "locked": True}},
        {"name": "profile", "stamp": 52, "value": {"name": "Me", "page": {"bio": "Two wheels."}}},
    ]
    await peer.push({"type": "account", "sections": {"account": rows}})
    await peer.barrier()
    assert client.circles == {2: Circle(2, "Bikes", 50)}
    assert client.privacy == Privacy({"presence": Audience("nobody", (2,))}, locked=True)
    assert client.profile == {"user": "me", "name": "Me", "page": {"bio": "Two wheels."}}


async def test_circles_privacy_and_the_own_card_are_set(met):
    client, peer = await met()
    circle = {"number": 1, "name": "Bikes", "since": 5}
    request, made = await asked(peer, "circle.set", client.set_circle("Bikes"), circle=circle)
    assert ("number" in request, made) == (False, Circle(1, "Bikes", 5))
    request, _ = await asked(peer, "circle.delete", client.delete_circle(1))
    assert request["number"] == 1
    rules = {"write": Audience("friends", deny=(1,))}
    privacy = {"rules": {"write": {"to": "friends", "deny": [1]}}}
    request, taken = await asked(peer, "privacy.set", client.set_privacy(rules), privacy=privacy)
    assert (request["rules"], taken) == (privacy["rules"], Privacy(rules))
    card = {"user": "me", "name": "Me", "version": 2, "page": {"bio": "Bikes"}}
    request, profile = await asked(peer, "profile.set", client.set_profile(bio="Bikes"), profile=card)
    assert (request["bio"], profile, client.users["me"]) == (
        "Bikes",
        card,
        {"user": "me", "name": "Me", "version": 2},
    )


async def test_a_message_request_is_accepted_or_declined(met):
    client, peer = await met(rooms=[{"room": "d1", "seq": 1, "peer": "bob", "request": True}])
    assert client.room("d1").summary.request
    request, _ = await asked(peer, "room.accept", client.accept_room("d1"))
    assert request == {"type": "room.accept", "id": request["id"], "room": "d1"}
    request, _ = await asked(peer, "room.decline", client.decline_room("d1", block=True))
    assert request["block"] is True


# --- cards


async def test_only_new_cards_are_fetched_and_all_are_returned(met, watch):
    client, peer = await met(users=[{"user": "ann", "name": "Ann", "version": 3}])
    changes = watch(client)
    fetching = asyncio.create_task(client.fetch_users(["ann", "bob", "carol", "ann"]))
    request = await peer.expect("users.get")
    assert (request["users"], request["versions"]) == (["ann", "bob", "carol"], [3, 0, 0])
    await peer.ok(request, users=[{"user": "bob", "name": "Bob", "version": 1}], more="bob")
    request = await peer.expect("users.get")
    assert request["users"] == ["carol"]
    await peer.ok(request, users=[])
    assert [card.get("name") for card in await fetching] == ["Ann", "Bob", None]
    assert (await changes.until(UsersChanged)).users == ("bob",)


async def test_a_card_is_seen_as_somebody_else_and_not_kept(met):
    client, peer = await met()
    card = {"user": "me", "name": "Me"}
    request, seen = await asked(peer, "users.get", client.fetch_card("me", seen_as="stranger"), users=[card])
    assert (request["page"], request["as"], seen, dict(client.users)) == (True, "stranger", card, {})
    request, _ = await asked(peer, "users.get", client.fetch_card("me"), users=[card])
    assert ("as" in request, client.users["me"]) == (False, card)


async def test_a_user_is_found_by_their_handle(met):
    client, peer = await met()
    request, found = await asked(peer, "users.find", client.find_user("bob.k"), users=[{"user": "u7"}])
    assert (request["handle"], found, set(client.users)) == ("bob.k", {"user": "u7"}, {"u7"})
    _, found = await asked(peer, "users.find", client.find_user("nobody"), users=[])
    assert found is None


async def test_once_a_day_the_cards_that_changed_are_asked_for(met, env, server, watch):
    client, peer = await met(row("bob", 5, state="friend"))
    changes = watch(client)

    async def back_after(seconds):
        peer.cut()
        await changes.until(StateChanged, phase=Phase.BACKOFF)
        env.advance(seconds)
        return await server.welcome(**PEOPLE)

    peer = await back_after(DAY_S)
    request = await peer.expect("users.get")
    assert request["since"] == 5
    await peer.refuse(request, "rate_limited", "later", scope="user", retry_after=10**9)
    peer = await back_after(60)
    await peer.barrier()


# --- what may not be written


@pytest.mark.parametrize("code", ["refused", "blocked", "request_pending"])
async def test_a_message_that_is_not_taken_fails_at_once_and_stays(met, watch, code):
    client, peer = await met(rooms=[{"room": "d1", "seq": 1, "peer": "bob"}])
    changes = watch(client)
    key = await client.room("d1").post("Hello?")
    await peer.refuse(await peer.expect("send"), code, "never")
    failed = await changes.until(SendFailed)
    assert (failed.key, failed.error.name) == (key, code)
    assert [(entry.key, entry.state) for entry in client.outbox] == [(key, State.FAILED)]
    await peer.barrier()


async def test_a_block_is_in_force_for_what_is_counted_from_its_reply_on(met, watch):
    room = {"room": "g1", "seq": 1, "ordinal": 0, "members": 3, "first_visible": 2}
    client, peer = await met(rooms=[room])
    changes = watch(client)
    await asked(peer, "contact.set", client.set_contact("bob", blocked=True), **reply("bob", 5, blocked=True))
    await changes.until(ContactsChanged, users=("bob",))
    message = {"kind": "message", "time": 1, "body": {"text": "Hi"}}
    pushed = [
        {**message, "seq": 2, "ordinal": 1, "user": "bob"},
        {**message, "seq": 3, "ordinal": 2, "user": "ann"},
    ]
    await peer.push({"type": "event", "room": "g1", "events": pushed})
    await peer.barrier()
    assert client.room("g1").unread == 1
