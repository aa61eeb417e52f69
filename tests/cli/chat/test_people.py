"""people.py of the terminal: friends, blocks and message requests, between clients of a real server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatd.cli.chat.conversation import Conversation
from chatd.cli.chat.people import PeopleView, news_of
from chatd.client import Client, Contact, ContactsChanged, Room
from tests.cli.chat.test_conversation import FakeClient, FakeRoom, FakeScreen
from tests.kit.daemon import config_for, running_daemon
from tests.kit.tokens import token_for
from tests.kit.waiting import until


class Terminal:
    """A user at a terminal with one room."""

    def __init__(self, client: Client, room: Room) -> None:
        self.client, self.screen = client, FakeScreen()
        self.talk = Conversation(client, room, self.screen)
        client.subscribe(self.talk.take)

    async def types(self, *lines: str) -> None:
        for line in lines:
            await self.talk.enter(line)

    async def sees(self, said: str) -> None:
        await until(lambda: any(said in line for line in self.screen.shown))


Seat = Callable[[str, str], Awaitable[Terminal]]


@pytest.fixture
async def seat(tmp_path: Path) -> AsyncIterator[Seat]:
    """Seat a user at a terminal, with somebody else: `await seat("alice", "bob")`."""
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(
            running_daemon(config_for(tmp_path, people={"enabled": True}))
        )

        async def sit(user: str, peer: str) -> Terminal:
            async def get_token() -> str:
                return token_for(user)

            client = await stack.enter_async_context(Client(daemon.url, get_token))
            terminal = Terminal(client, await client.direct(peer))
            await terminal.talk.begin()
            return terminal

        yield sit


async def test_two_become_friends_and_end_it(seat: Seat) -> None:
    alice, bob = await seat("alice", "bob"), await seat("bob", "alice")
    await alice.types("/friend", "/friend bob")
    assert alice.screen.shown == [
        "-- you have no friends here yet: /friend USER asks somebody",
        "-- bob was asked",
    ]
    await bob.sees("alice asks to be friends: /accept alice or /decline alice")
    await bob.types("/accept alice", "/friend")
    await alice.sees("bob and you are friends now")
    await bob.sees("alice: a friend")
    await alice.types("/unfriend bob")
    await bob.sees("alice and you are friends no longer")


async def test_who_waits_for_an_answer_is_shown_at_the_start(seat: Seat) -> None:
    alice = await seat("alice", "bob")
    await alice.types("/friend bob")
    bob = await seat("bob", "alice")
    assert bob.screen.shown == ["-- alice asks to be friends: /accept alice or /decline alice"]
    await bob.types("/decline alice", "/friend")
    assert bob.screen.shown[1:] == ["-- you have no friends here yet: /friend USER asks somebody"]
    await alice.types("/unfriend bob", "/friend")
    assert alice.screen.shown[1:] == ["-- you have no friends here yet: /friend USER asks somebody"]


async def test_a_stranger_is_shown_once_and_let_in(seat: Seat) -> None:
    carol = await seat("carol", "bob")
    await carol.types("Hello, it is Carol")
    bob = await seat("bob", "carol")
    assert "Hello, it is Carol" in bob.screen.shown[0]
    assert bob.screen.shown[1:] == [
        "-- carol wrote to you and is no friend of yours: /accept, /decline, or answer"
    ]
    await bob.types("/accept")
    await carol.types("You know me?")
    await bob.sees("You know me?")
    assert sum("no friend of yours" in line for line in bob.screen.shown) == 1
    await bob.types("/accept")
    assert "no message request" in bob.screen.shown[-1]


async def test_a_stranger_in_another_room_is_told_of_and_declined(seat: Seat) -> None:
    bob = await seat("bob", "alice")
    carol = await seat("carol", "bob")
    await carol.types("Hello")
    await bob.sees("carol wrote to you and is no friend of yours: read it with --with carol")
    bob = await seat("bob", "carol")
    await bob.types("/decline")
    await until(lambda: bob.talk.gone)


async def test_who_is_blocked_is_not_heard_until_that_ends(seat: Seat) -> None:
    bob = await seat("bob", "carol")
    await bob.types("/block")
    await bob.sees("you block carol")
    carol = await seat("carol", "alice")
    await carol.types("/friend bob")
    assert "not done: refused" in carol.screen.shown[-1]
    await bob.types("Hello", "/unblock")
    await bob.sees("not sent: Hello: blocked")
    await bob.sees("you no longer block carol")


@pytest.mark.parametrize("typed", ["/unfriend", "/friend a b", "/accept a b", "/block a b"])
async def test_wrong_commands_are_answered_in_words(typed: str) -> None:
    screen = FakeScreen()
    await Conversation(FakeClient(), FakeRoom(), screen).enter(typed)
    assert screen.shown == ["-- name one user"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            Contact("eve"),
            Contact("eve", state="received", note="Hi\x1b[2J"),
            "eve asks to be friends (Hi?[2J)",
        ),
        (Contact("eve", state="sent"), Contact("eve", state="friend"), "eve and you are friends now"),
        (Contact("eve", state="received"), Contact("eve"), ""),
        (Contact("eve", state="sent"), Contact("eve", state="sent", remark="E"), ""),
        (Contact("eve", state="friend"), Contact("eve", state="friend", blocked=True), "you block eve"),
    ],
)
def test_what_is_worth_telling_of_a_contact(before: Contact, after: Contact, said: str) -> None:
    assert [line.partition(":")[0] for line in news_of(before, after)] == ([said] if said else [])


def test_what_was_known_before_is_no_news() -> None:
    told: list[str] = []
    client = FakeClient()
    client.contacts = {"eve": Contact("eve", state="friend"), "dan": Contact("dan", state="received")}
    view = PeopleView(client, FakeRoom(), told.append)
    view.begin()
    view.contacts_changed(ContactsChanged(("eve", "dan")))
    assert told == ["dan asks to be friends: /accept dan or /decline dan"]
