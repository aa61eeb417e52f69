"""groups.py of the terminal, between clients of a real server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatd.client import Client
from tests.cli.chat.test_people import Terminal
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.tokens import token_for
from tests.kit.waiting import until

SWITCHED_ON = {
    "channels": {"enabled": True, "create": "users"},
    "discovery": {"enabled": True, "members_min": 1},
}


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, **SWITCHED_ON)) as running:
        yield running


@pytest.fixture
async def stack(daemon: RunningDaemon) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as entered:
        yield entered


async def connected(stack: AsyncExitStack, daemon: RunningDaemon, user: str) -> Client:
    async def get_token() -> str:
        return token_for(user)

    return await stack.enter_async_context(Client(daemon.url, get_token))


async def test_a_group_is_entered_by_an_invite_and_shows_what_happens(
    daemon: RunningDaemon, stack: AsyncExitStack
) -> None:
    ann, bob = [await connected(stack, daemon, user) for user in ("ann", "bob")]
    group = await ann.create_group("Bikes")
    announced = (await group.send("Read this")).seq
    await group.set_policy(history="all")
    await group.announce(announced)
    host = Terminal(ann, group)
    await host.talk.begin()
    await host.types("/invite 1")
    await host.sees("/join ")
    invite = next(line for line in host.screen.shown if "/join " in line).split()[-1]

    guest = Terminal(bob, await bob.direct("bob"))
    await guest.talk.begin()
    await guest.types(f"/join {invite}", "/join nowhere", "/rooms")
    await guest.sees(f"you are in: open it with --room {group.id}")
    await guest.sees("usage: /join")
    await guest.sees(f"group Bikes ({group.id}")
    await guest.types(f"/join {invite}")
    await guest.sees("you are in")

    inside = Terminal(bob, bob.room(group.id))
    await inside.talk.begin()
    await inside.sees("announcement ")
    await bob.room(group.id).set_nickname("Bo")
    await host.sees("bob is called Bo here")
    await host.types("/who")
    await host.sees("bob “Bo” (member)")
    await group.silence(["bob"], 1)
    await inside.sees("you are silenced in this room")
    await group.silence(["bob"], 0)
    await inside.sees("you may write again")


async def test_a_channel_is_followed_and_a_post_forwarded(
    daemon: RunningDaemon, stack: AsyncExitStack
) -> None:
    ann, bob = [await connected(stack, daemon, user) for user in ("ann", "bob")]
    channel = await ann.create_channel("Bike news")
    card = {"type": "link", "url": "https://example.com/tour", "title": "Spring tour"}
    post = (await channel.send({"text": "3 May", "card": card})).seq
    notes = Terminal(bob, await bob.direct("bob"))
    await notes.talk.begin()
    await notes.types(f"/join {channel.id}", "/rooms")
    await notes.sees(f"channel Bike news ({channel.id}")
    reader = Terminal(bob, bob.room(channel.id))
    await reader.talk.begin()
    await reader.sees("3 May [Link: Spring tour, example.com]")
    await reader.types(f"/forward #{post} bob", "/forward bob", "/search May")
    await notes.sees("forwarded: 3 May [Link: Spring tour")
    await reader.sees("usage: /forward")
    await until(lambda: any("not_supported" in line for line in reader.screen.shown))


async def test_a_post_is_commented_on(daemon: RunningDaemon, stack: AsyncExitStack) -> None:
    ann, bob = [await connected(stack, daemon, user) for user in ("ann", "bob")]
    channel = await ann.create_channel("Bike news")
    group = await ann.create_group("Discussion")
    await channel.update(comments=group.id)
    post = (await channel.send("Spring tour")).seq
    await bob.join(channel.id)
    reader = Terminal(bob, bob.room(channel.id))
    await reader.talk.begin()
    await reader.types("/comments", f"/comments #{post} I come along")
    await reader.sees("usage, in a channel with comments")
    await reader.sees("I come along")
    assert group.id in bob.rooms


async def test_a_listed_group_is_found(daemon: RunningDaemon, stack: AsyncExitStack) -> None:
    ann, bob = [await connected(stack, daemon, user) for user in ("ann", "bob")]
    group = await ann.create_group("Bikes")
    await group.set_policy(join="open", listed=True)
    await group.update(about="Sundays", tags=["cycling"])
    guest = Terminal(bob, await bob.direct("bob"))
    await guest.talk.begin()
    await guest.types("/find bik", "/find #Cycling", "/find cars", "/find #")
    await guest.sees(f"Bikes group, 1 in it Sundays ({group.id})")
    await guest.sees("1 found")
    await guest.sees("0 found")
    await guest.sees("usage: /find")
