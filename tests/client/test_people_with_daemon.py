"""People between several devices and a real daemon, whose links break: in the end all of them know the same."""

import asyncio
import random
from contextlib import AsyncExitStack, suppress
from urllib.parse import urlsplit

import pytest

from chatd.client import Client, ConnectionLost, FileStorage, Settings, Timing, circles_of
from chatd.client.core.errors import ChatError
from tests.kit.cut_link import cut_link
from tests.kit.daemon import config_for, running_daemon
from tests.kit.tokens import token_for
from tests.kit.waiting import until

QUICK = Timing(backoff_base_s=0.02, backoff_cap_s=0.05, gap_s=0.02, positions_s=0.02)
STEPS = 40


class Device:
    """A client behind a link of its own, which may be restarted with what it stored."""

    def __init__(self, user, link, path):
        self.user, self._link, self._path = user, link, path

    async def start(self):
        async def get_token():
            return token_for(self.user)

        url = f"ws://127.0.0.1:{self._link.port}/v1/ws"
        storage = FileStorage(self._path)
        self.client = Client(url, get_token, storage=storage, settings=Settings(timing=QUICK))
        await self.client.connect()

    async def restart(self):
        await self.client.close()
        await self.start()

    def cut(self):
        self._link.cut()
        self._link.mend()

    async def act(self, step):
        with suppress(ChatError, ConnectionLost):
            await step(self.client)

    @property
    def known(self):
        """Everything of others that is on this device."""
        circles = self.client.circles
        return {
            user: (contact, circles_of(contact, circles)) for user, contact in self.client.contacts.items()
        }


@pytest.fixture
async def devices(tmp_path):
    """Run devices of these users against one daemon: `await devices("ann", "ann", "bob")`."""
    async with AsyncExitStack() as stack:
        config = config_for(tmp_path / "data", people={"enabled": True, "quiet_days": 0})
        daemon = await stack.enter_async_context(running_daemon(config))

        async def make(*users):
            found = []
            for number, user in enumerate(users):
                link = await stack.enter_async_context(cut_link(urlsplit(daemon.url).port))
                device = Device(user, link, tmp_path / f"{number}.chat")
                await device.start()
                stack.push_async_callback(lambda device=device: device.client.close())
                found.append(device)
            return found

        yield make


async def settled(devices):
    """Return when every device is connected and has been told all that changed.

    Nothing is asked for: the answer to a ping comes behind every push.
    """
    for device in devices:
        await device.client.call({"type": "ping"})
        await until(lambda device=device: not device.client._engine.repairer.in_round)


def steps(chance, others):
    """Return what the user of a device may do next."""
    other = chance.choice(others)
    kind = chance.choice(["request", "accept", "decline", "cancel", "remove"])
    return chance.choice(
        [
            lambda client: getattr(client, f"{kind}_friend")(other),
            lambda client: client.set_contact(other, remark=chance.choice(["", "Bo", "Robert"])),
            lambda client: client.set_contact(other, blocked=chance.random() < 0.4),
            lambda client: client.set_contact(other, circles=chance.sample([1, 2], chance.randrange(3))),
            lambda client: client.set_circle(chance.choice(["Bikes", "Family"])),
            lambda client: client.delete_circle(chance.choice([1, 2])),
        ]
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_all_devices_end_with_the_same_contacts_and_friendship_is_mutual(devices, seed):
    chance = random.Random(seed)
    users = ["ann", "bob", "carol"]
    found = await devices("ann", "ann", "bob", "bob", "carol")
    running = set()
    for _ in range(STEPS):
        device = chance.choice(found)
        event = chance.random()
        if event < 0.15:
            device.cut()
        elif event < 0.2:
            await asyncio.gather(*running)
            await device.restart()
        else:
            others = [user for user in users if user != device.user]
            running.add(asyncio.create_task(device.act(steps(chance, others))))
        if chance.random() < 0.3:
            await asyncio.gather(*running)
            running.clear()
    await asyncio.gather(*running)
    await settled(found)
    ann, same_ann, bob, same_bob, carol = found
    assert ann.known == same_ann.known
    assert bob.known == same_bob.known
    friends = {
        (device.user, user)
        for device in (ann, bob, carol)
        for user, contact in device.client.contacts.items()
        if contact.state == "friend"
    }
    assert friends == {(other, user) for user, other in friends}
    # What is stored is what was shown, and what the server has: a client with nothing asks for all of it.
    for device in (ann, carol):
        before = device.known
        await device.restart()
        assert device.known == before
    await ann.client.close()
    ann._path = ann._path.with_suffix(".fresh")
    await ann.start()
    assert ann.known == same_ann.known


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_unread_numbers_are_those_of_the_server_whoever_is_blocked_meanwhile(devices, seed):
    chance = random.Random(seed)
    ann, same_ann, bob, carol = await devices("ann", "ann", "bob", "carol")
    for device in (bob, carol):
        await ann.client.request_friend(device.user)
        await device.client.accept_friend("ann")
    group = await ann.client.create_group("Bikes", ["bob", "carol"])
    await settled([ann, same_ann, bob, carol])
    # Only a room that was opened counts message by message.
    for device in (ann, same_ann):
        await device.client.room(group.id).timeline()
    for _ in range(STEPS):
        event = chance.random()
        if event < 0.2:
            device = chance.choice([ann, same_ann])
            await device.act(lambda client: client.set_contact("bob", blocked=chance.random() < 0.5))
        elif event < 0.3:
            chance.choice([ann, same_ann, bob]).cut()
        elif event < 0.35:
            await chance.choice([ann, same_ann]).restart()
        else:
            sender = chance.choice([bob, carol])
            mentions = {"mentions": [chance.choice(["ann", "*"])]} if chance.random() < 0.3 else {}
            await sender.client.room(group.id).send({"text": "Hi", **mentions})
    await settled([ann, same_ann])

    def numbers(device):
        room = device.client.room(group.id)
        return room.applied, room.unread, room.unread_mentions

    counted = {numbers(ann), numbers(same_ann)}
    await ann.client.room(group.id).refresh()
    assert counted == {numbers(ann)}
