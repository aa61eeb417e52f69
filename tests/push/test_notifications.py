"""Push from the commit to the sender: who is told, what is looked at again, and what a restart repeats."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import UNSET

from chatd.core.write_set import WriteSet
from chatd.push import planner
from chatd.push.interface import Answer, Delivery
from chatd.storage.push import PlanPage, PlanQuery
from chatd.storage.sqlite import push_reading
from tests.kit.inprocess import InProcessClient, device_of, in_process, new_key
from tests.kit.push_peer import PushPeer, pushing
from tests.kit.waiting import until


async def direct(client: InProcessClient, other: str) -> str:
    reply = await client.request(type="room.direct", user=other)
    return str(reply["summary"]["room"])


async def befriend(one: InProcessClient, name: str, other: InProcessClient, other_name: str) -> None:
    await one.request(type="friend.request", user=other_name)
    reply = await other.request(type="friend.accept", user=name)
    assert reply["type"] == "ok", reply


async def test_a_message_reaches_a_device_without_a_connection(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        phone = await push.register("bob")
        room = await direct(alice, "bob")
        await alice.send(room, "hello")
        (one,) = await push.sent()
        assert (one.address.platform, one.form, one.is_urgent) == ("fcm", "alert", True)
        shown = one.notification
        assert (shown.kind, shown.room, shown.user, shown.text) == ("message", room, "alice", "hello")
        assert (shown.badge, shown.count, shown.quiet) == (1, UNSET, False)
        (decided,) = await push.push.decisions("bob")
        assert (decided.device, decided.room, decided.seq, decided.outcome) == (
            phone,
            room,
            shown.seq,
            "sent",
        )
        assert await push.push.decisions("alice") == []


async def test_whoever_looks_at_the_app_is_not_told_and_a_second_device_waits(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server, delay_s=10) as push:
        alice, bob = await server.connect("alice"), await server.connect("bob", 1)
        await push.register("bob", 1)
        await push.register("bob", 2)
        room = await direct(alice, "bob")
        await alice.send(room)
        await push.idle()
        assert push.peer.take() == []
        await push.advance(10)
        await push.sent()
        assert [one.outcome for one in await push.push.decisions("bob")] == ["sent", "foreground"]
        sent = await alice.send(room)
        await push.idle()
        await bob.request(type="read", room=room, seq=sent["seq"])
        await push.advance(10)
        outcomes = [one.outcome for one in await push.push.decisions("bob")]
        assert outcomes[:2] == ["read", "foreground"]


async def test_it_is_decided_again_when_it_is_sent(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        people = {name: await server.connect(name) for name in ("left", "muted", "told")}
        for name in people:
            await push.register(name, 2)
        room = await alice.create_group(*people)
        for client in people.values():
            client.hang_up()
        await push.idle()
        push.peer.take()
        push.push.pause("fcm", True)
        sent = await alice.send(room, "to be looked at again")
        await push.idle()
        await (await server.connect("left", mode="background")).request(
            type="room.leave", room=room, key=new_key()
        )
        await (await server.connect("muted", mode="background")).request(
            type="preferences", room=room, muted_until=1
        )
        push.push.pause("fcm", False)
        (one,) = await push.sent()
        assert one.notification.seq == sent["seq"]
        outcomes = {name: (await push.push.decisions(name, room))[0].outcome for name in people}
        assert outcomes == {"left": "departed", "muted": "muted", "told": "sent"}


async def test_a_recalled_message_is_never_sent(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        await push.register("bob")
        room = await direct(alice, "bob")
        push.push.pause("fcm", True)
        sent = await alice.send(room, "oops")
        await push.idle()
        await alice.request(type="recall", room=room, key=new_key(), target=sent["seq"])
        push.push.pause("fcm", False)
        await push.idle()
        assert push.peer.deliveries == []
        assert (await push.push.decisions("bob"))[0].outcome == "recalled"


async def test_one_who_is_blocked_meanwhile_hides_nobody_else(tmp_path: Path) -> None:
    """What waits joins: of a member whom the user blocks before it is sent nothing is told, and of the others all."""
    async with in_process(tmp_path, people={"enabled": True}) as server, pushing(server) as push:
        alice = await server.connect("alice", features=["people"])
        mallory = await server.connect("mallory", features=["people"])
        bob = await server.connect("bob", mode="background", features=["people"])
        # Time stands still, and pays for nothing.
        push.push.parts.share._ahead_s = 60.0
        await befriend(alice, "alice", bob, "bob")
        await befriend(mallory, "mallory", bob, "bob")
        await befriend(alice, "alice", mallory, "mallory")
        await push.register("bob", 2)
        room = await alice.create_group("bob", "mallory")
        await alice.send(room, "hello")
        await push.idle()
        push.peer.take()
        push.push.pause("fcm", True)
        await alice.send(room, "from alice")
        assert "seq" in await mallory.send(room, "from mallory")
        await push.idle()
        reply = await bob.request(type="contact.set", user="mallory", blocked=True)
        assert reply["type"] == "ok", reply
        push.push.pause("fcm", False)
        await push.advance(60)
        (one,) = push.peer.take()
        assert (one.notification.text, one.notification.user) == ("from alice", "alice")
        assert one.notification.count is UNSET


async def test_a_burst_in_a_group_is_joined_and_counted(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        await push.register("bob")
        room = await alice.create_group("bob")
        await push.idle()
        push.peer.take()
        await alice.send(room, "one")
        (first,) = await push.sent()
        for text in ("two", "three", "four"):
            await alice.send(room, text)
        await push.idle()
        assert push.peer.deliveries == []
        await push.advance(5)
        (second,) = await push.sent()
        assert (second.notification.text, second.notification.count) == ("four", 3)
        assert second.notification.tag == first.notification.tag
        assert second.notification.title == "t"


async def test_what_was_read_elsewhere_is_taken_away(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        for device, platform in enumerate(("fcm", "apns", "web", "gateway"), 2):
            await push.register("bob", device, platform)
        room = await direct(alice, "bob")
        sent = await alice.send(room, "hello")
        shown = await push.sent(4)
        bob = await server.connect("bob")
        await bob.request(type="read", room=room, seq=sent["seq"])
        await push.idle()
        assert push.peer.deliveries == []
        await push.advance(2)
        taken = await push.sent(4)
        assert sorted((one.address.platform, one.form) for one in taken) == [
            ("apns", "background"),
            ("apns", "badge"),
            ("fcm", "background"),
            ("gateway", "background"),
        ]
        assert {one.notification.kind for one in taken} == {"read"}
        assert {one.notification.badge for one in taken} == {0}
        tags = {one.notification.tag for one in taken if one.form == "background"}
        assert tags == {one.notification.tag for one in shown}


async def test_what_came_since_is_not_taken_away(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server, content_max="none") as push:
        alice, bob = await server.connect("alice"), await server.connect("bob", mode="background")
        await push.register("bob", 2)
        room = await direct(alice, "bob")
        sent = await alice.send(room, "read elsewhere")
        (first,) = await push.sent()
        await bob.request(type="read", room=room, seq=sent["seq"])
        await alice.send(room, "not read")
        (second,) = await push.sent()
        assert second.notification.tag == first.notification.tag
        await push.advance(2)
        assert push.peer.take() == []


async def test_a_dead_token_is_forgotten_and_named(tmp_path: Path) -> None:
    peer = PushPeer(answer=lambda one: Answer(one.number, "dead", "UNREGISTERED"))
    async with in_process(tmp_path) as server, pushing(server, peer) as push:
        alice = await server.connect("alice")
        await push.register("bob")
        room = await direct(alice, "bob")
        await alice.send(room)
        await push.sent()
        await push.idle()
        (decided,) = await push.push.decisions("bob")
        assert (decided.outcome, decided.detail) == ("token_dead", "UNREGISTERED")
        await alice.send(room)
        await push.idle()
        assert (await push.push.decisions("bob"))[0].outcome == "no_token"


async def test_a_killed_daemon_tells_later_what_it_had_not_told(tmp_path: Path) -> None:
    """Between the commit and the answer of the push service, a kill loses nothing; what was answered may come twice."""
    silent = PushPeer(answer=lambda one: None)
    async with in_process(tmp_path) as server:
        alice = await server.connect("alice")
        async with pushing(server, silent) as push:
            await push.register("bob")
            room = await direct(alice, "bob")
        async with pushing(server, silent, killed=True) as push:
            await alice.send(room, "not answered")
            await push.sent()
            push.push.pause("fcm", True)
            await alice.send(room, "not sent")
            await push.idle()
    async with in_process(tmp_path) as server, pushing(server) as push:
        (one,) = await push.sent()
        assert (one.notification.text, one.notification.count) == ("not sent", 2)
    async with in_process(tmp_path) as server, pushing(server) as push:
        await push.idle()
        assert push.peer.deliveries == []


async def test_what_is_too_old_after_a_restart_is_not_told(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        alice = await server.connect("alice")
        async with pushing(server) as push:
            await push.register("bob")
            room = await direct(alice, "bob")
        async with pushing(server, killed=True) as push:
            push.push.pause("fcm", True)
            sent = await alice.send(room, "hello")
            await push.idle()
    async with in_process(tmp_path) as server:
        server.env.advance(601)
        async with pushing(server) as push:
            await push.idle()
            assert push.peer.deliveries == []
            found = await push.push.decisions("bob", room, sent["seq"])
            assert [one.outcome for one in found] == ["expired"]


async def test_of_a_large_room_those_are_told_who_are_named_or_asked_for_it(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server, members_all=3) as push:
        alice = await server.connect("alice")
        names = ["bob", "carol", "dave", "erin"]
        for name in names:
            await push.register(name)
        room = await alice.create_group(*names)
        await push.idle()
        push.peer.take()
        sent = await alice.request(
            type="send", room=room, key=new_key(), body={"text": "hi", "mentions": ["carol"]}
        )
        (one,) = await push.sent()
        assert (one.notification.kind, one.notification.seq) == ("mention", sent["seq"])
        (erin,) = await push.push.decisions("erin", room, sent["seq"])
        assert (erin.outcome, erin.device) == ("large_room", "")
        (now,) = await push.push.now("erin", room, sent["seq"])
        assert (now.outcome, now.device) == ("large_room", device_of(1))


async def test_the_bells_of_a_channel_wait_behind_direct_rooms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_reading, "PAGE", 2)
    channels = {"enabled": True, "create": "users"}
    async with in_process(tmp_path, channels=channels) as server, pushing(server) as push:
        alice = await server.connect("alice")
        names = [f"u{number}" for number in range(5)]
        for name in (*names, "silent"):
            await push.register(name)
        made = await alice.request(
            type="room.create", key=new_key(), kind="channel", title="news", users=[*names, "silent"]
        )
        channel = made["summary"]["room"]
        loader = server.app.read_set_loader
        loader.rules = replace(loader.rules, push=True)
        for name in names:
            follower = await server.connect(name, 2)
            await follower.request(type="preferences", room=channel, notify="all")
            follower.hang_up()
        room = await direct(alice, "u0")
        await push.idle()
        push.peer.take()
        plan, gate, plans = push.push.parts.store.plan, asyncio.Event(), list[tuple[int, str]]()

        async def slow(query: PlanQuery) -> PlanPage:
            plans.append((query.room, query.after))
            await gate.wait()
            return await plan(query)

        push.push.parts.store.plan = slow  # type: ignore[method-assign]
        await alice.send(channel, "to all")
        await until(lambda: plans)
        await alice.send(room, "to one")
        gate.set()
        sent = await push.sent(6)
        assert sorted(one.notification.room for one in sent) == sorted([channel] * 5 + [room])
        numbers = [number for number, _ in plans]
        assert numbers[0] == numbers[2] == numbers[-1] != numbers[1]
        assert [after for number, after in plans if number == numbers[0]] == [
            "",
            "members:",
            "members:u1",
            "members:u3",
        ]


async def test_while_the_planner_is_busy_commits_merge_and_it_says_how_late_it_is(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        await push.register("bob")
        room = await direct(alice, "bob")
        await push.idle()
        plan, gate, plans = push.push.parts.store.plan, asyncio.Event(), list[int]()

        async def slow(query: PlanQuery) -> PlanPage:
            plans.append(query.first)
            await gate.wait()
            return await plan(query)

        push.push.parts.store.plan = slow  # type: ignore[method-assign]
        first = await alice.send(room)
        await until(lambda: plans)
        for _ in range(5):
            await alice.send(room)
        server.env.advance(7)
        assert push.push.status().late_ms == 7000
        gate.set()
        (one,) = await push.sent()
        assert one.notification.count == 6
        assert plans == [first["seq"], first["seq"] + 6]
        assert push.push.status().late_ms == 0


async def test_what_a_plan_saw_before_its_commit_was_published_is_told_once(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        await push.register("bob")
        room = await direct(alice, "bob")
        await push.idle()
        hook, hooked = push.push.on_commit, list[WriteSet]()
        server.app.push.push = None
        server.app.hooks.published.subscribe(hooked.append)
        await alice.send(room, "one")
        await alice.send(room, "two")
        hook(hooked[0])
        (one,) = await push.sent()
        hook(hooked[1])
        await push.idle()
        assert (one.notification.count, push.peer.deliveries) == (2, [])
        server.app.push.push = push.push


async def test_rooms_that_wait_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "DUE_MAX", 2)
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        rooms = [await direct(alice, name) for name in ("bob", "carol", "dave")]
        for name in ("bob", "carol", "dave"):
            await push.register(name)
        await push.idle()
        hook, hooked = push.push.on_commit, list[WriteSet]()
        server.app.push.push = None
        server.app.hooks.published.subscribe(hooked.append)
        for room in rooms:
            await alice.send(room)
        for writes in hooked:
            hook(writes)
        assert {one.notification.room for one in await push.sent(2)} == set(rooms[1:])
        (given_up,) = await push.push.decisions("bob", rooms[0])
        assert (given_up.outcome, given_up.detail) == ("expired", "too far behind")
        server.app.push.push = push.push


async def test_a_room_of_others_is_asked_about_as_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the answer nor the time it takes says whether there is one."""
    async with in_process(tmp_path) as server, pushing(server) as push:
        alice = await server.connect("alice")
        room = await direct(alice, "bob")
        trace = push.push.parts.trace
        find = trace.find
        steps: list[list[object]] = []

        async def noted(user: str, *asked: object, **more: object) -> object:
            steps[-1].append((user, asked[1:], more))
            return await find(user, *asked, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(trace, "find", noted)
        for name in (room, "nowhere"):
            steps.append([])
            assert await push.push.decisions("mallory", name, 1) == []
        assert steps[0] == steps[1] != []


async def test_a_test_tells_what_the_push_service_said(tmp_path: Path) -> None:
    def answer(one: Delivery) -> Answer:
        is_apple = one.address.platform == "apns"
        return Answer(one.number, "refused" if is_apple else "sent", "BadTopic" if is_apple else "", 400)

    async with in_process(tmp_path) as server, pushing(server, PushPeer(answer)) as push:
        phone, tablet = await push.register("bob", 1, "apns"), await push.register("bob", 2, "web")
        dry = await push.push.test("bob", dry_run=True)
        assert [(one.device, one.outcome, one.detail) for one in dry] == [
            (phone, "sent", "dry run"),
            (tablet, "sent", "dry run"),
        ]
        assert push.peer.deliveries == []
        apple, browser = await push.push.test("bob")
        assert (apple.outcome, apple.detail, apple.status) == ("provider_error", "BadTopic", 400)
        assert browser.outcome == "sent"
        assert {one.notification.kind for one in push.peer.take()} == {"test"}
        push.push.pause("web", True)
        (held,) = await push.push.test("bob", tablet)
        assert (held.outcome, held.detail) == ("provider_busy", "paused by an operator")
        assert [one.paused for one in await push.push.now("bob", "", 0)] == ["", held.detail]
        assert await push.push.test("carol") == []
        decided = await push.push.decisions("bob")
        assert [one.outcome for one in decided] == ["provider_busy", "sent", "provider_error"]


async def test_switched_off_there_is_nothing_of_it(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        parts = server.app.push
        assert parts.adopt(server.config, PushPeer().make) is None
        assert not (tmp_path / "trace").exists()
        async with pushing(server) as push:
            assert server.app.context.push.notifications is push.push
            await push.register("bob")
            alice = await server.connect("alice")
            room = await direct(alice, "bob")
        assert push.peer.closed
        assert (parts.push, server.app.context.push.notifications) == (None, None)
        await alice.send(room)
        assert push.peer.deliveries == []


async def test_who_cannot_keep_decisions_tells_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text("a file is in the way")
    async with in_process(tmp_path) as server, pushing(server) as push:
        await push.register("bob")
        alice = await server.connect("alice")
        await alice.send(await direct(alice, "bob"), "hello")
        await until(lambda: push.peer.deliveries)
        await until(lambda: "push" in server.app.store.troubles.now)
        assert "decisions could not be kept" in server.app.store.troubles.now["push"].why
        assert await push.push.decisions("bob") == []
