"""people.py of the terminal: friends, blocks, message requests, reports and bots, between clients of a real server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatd.cli.chat.conversation import Conversation
from chatd.cli.chat.people import PeopleView, news_of
from chatd.client import Client, Contact, ContactsChanged, Room
from tests.cli.chat.test_conversation import FakeClient, FakeRoom, FakeScreen
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
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
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    switches = {name: {"enabled": True} for name in ("people", "events", "bots", "moderation")}
    async with running_daemon(config_for(tmp_path, **switches)) as running:
        yield running


@pytest.fixture
async def seat(daemon: RunningDaemon) -> AsyncIterator[Seat]:
    """Seat a user at a terminal, with somebody else: `await seat("alice", "bob")`."""
    async with AsyncExitStack() as stack:

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


WELCOME = {
    "text": "Where are you?",
    "buttons": [[{"label": "Vienna", "data": "vie"}, {"label": "A\tmap", "url": "https://a.example/"}]],
}


async def test_a_bot_has_a_badge_and_its_buttons_are_pressed_by_number(
    daemon: RunningDaemon, seat: Seat
) -> None:
    await daemon.api("PUT", "/v1/bots/weather", welcome=WELCOME)
    alice = await seat("alice", "weather")
    greeting, choices = alice.screen.shown
    assert greeting.endswith("#2 weather [bot]: Where are you?")
    assert choices == "   #2 (1) Vienna  (2) A map ↗  "
    await alice.types("/press 2", "/press #2 1")
    assert alice.screen.shown[2] == "-- it leads to https://a.example/"
    await alice.sees("#3 alice: Vienna")
    body = alice.client.room(alice.talk._room.id).messages[3].body
    assert body == {"text": "Vienna", "data": "vie", "reply_to": 2}
    await alice.types("/press", "/press 3", "/press #3 1")
    assert {line.partition(":")[0] for line in alice.screen.shown[4:]} == {"-- usage"}


async def test_reports_reach_the_moderators(daemon: RunningDaemon, seat: Seat) -> None:
    alice, bob = await seat("alice", "bob"), await seat("bob", "alice")
    await bob.types("Your card, please")
    await alice.sees("Your card, please")
    await alice.types("/report #2 fraud wants my card", "/report abuse", "/report @eve spam", "/report abuse")
    names = [line.removeprefix("-- reported").split(": ") for line in alice.screen.shown[-4:]]
    assert names[1][1] == names[3][1]
    assert names[3][0] == " before, and waits for a moderator"
    queue = (await daemon.api("GET", "/v1/reports")).json["reports"]
    told = {(one["reason"], one.get("seq"), one.get("user"), one.get("text", "")) for one in queue}
    assert {(reason, seq) for reason, seq, _, _ in told} == {("fraud", 2), ("abuse", None), ("spam", None)}
    await alice.types("/report", "/report rude")
    assert all("reasons are spam, abuse" in line for line in alice.screen.shown[-2:])


async def test_who_is_erased_is_told_of_once_and_shown_no_more(daemon: RunningDaemon, seat: Seat) -> None:
    bob, alice = await seat("bob", "alice"), await seat("alice", "bob")
    await alice.types("Hello")
    await bob.sees("Hello")
    await bob.types("/accept", "One", "Two")
    await alice.sees("Two")
    await daemon.api("PUT", "/v1/erasures/bob")
    await alice.sees("-- bob is gone, and what they wrote")
    messages = alice.client.room(alice.talk._room.id).messages
    assert [messages[seq].recalled for seq in sorted(messages)] == [False, True, True]
    assert not any("recalled" in line for line in alice.screen.shown)
    await until(lambda: bob.client.closed is not None)
    assert "the server ended the connection: banned" in bob.screen.shown[-1]


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
