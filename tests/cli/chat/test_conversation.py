"""conversation.py: the lines shown and the effect of typed lines, on a room without a server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from chatd.cli.chat import conversation
from chatd.cli.chat.conversation import COMMANDS, Conversation
from chatd.cli.chat.people import PEOPLE_COMMANDS
from chatd.client import (
    AccountChanged,
    ChangesMissed,
    Contact,
    EventAdded,
    LiveNoteChanged,
    Member,
    Message,
    MessageAdded,
    MessageChanged,
    Muted,
    NotFound,
    OutboxFull,
    Phase,
    ReceiptsChanged,
    RoomChanged,
    RoomGone,
    SendDelayed,
    SendDone,
    SendFailed,
    ServerTimeout,
    StateChanged,
    TimelineReset,
    TypingStarted,
)
from tests.kit.waiting import until

ROOM = "d00000000000"


def message(seq: int, text: str = "Hello", user: str = "alice", **changes: Any) -> Message:
    return replace(Message(ROOM, seq, user, 0, key=f"key-{seq}", body={"text": text}), **changes)


class FakeScreen:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.now = ""
        self.on_key: Callable[[], None] = lambda: None

    def show(self, line: Any) -> None:
        self.shown.append("".join(text for text, _ in line))

    def complain(self, text: str) -> None:
        self.shown.append(f"-- {text}")

    def status(self, text: str) -> None:
        self.now = text


class FakeRoom:
    """A room whose server is this object: records what is asked, fails on demand."""

    def __init__(self) -> None:
        self.id = ROOM
        self.summary = SimpleNamespace(
            peer="alice",
            peer_read=0,
            peer_delivered=0,
            peer_played=(),
            request=False,
            announcement=0,
            silenced_until=0,
        )
        self.receipts: dict[str, Any] = {}
        self.typists: list[str] = []
        self.speakers: list[str] = []
        self.live_notes: dict[str, str] = {}
        self.stored: list[Message] = []
        self.asked: list[tuple[Any, ...]] = []
        self.fails: Exception | None = None

    async def timeline(self, limit: int) -> tuple[Message, ...]:
        return tuple(self.stored[-limit:])

    async def history(self, *, before: int, limit: int) -> Any:
        return SimpleNamespace(messages=[one for one in self.stored if one.seq < before][-limit:])

    async def members(self) -> AsyncIterator[Member]:
        for number in range(60):
            yield Member(f"user-{number}", "member")

    def read(self) -> None:
        self.asked.append(("read",))

    def typing(self) -> None:
        self.asked.append(("typing",))

    async def post(self, text: str) -> str:
        return await self._ask("post", text) or "posted"

    async def edit(self, seq: int, text: str) -> None:
        await self._ask("edit", seq, text)

    async def recall(self, seq: int) -> None:
        await self._ask("recall", seq)

    async def react(self, seq: int, emoji: str, *, present: bool) -> None:
        await self._ask("react", seq, emoji, present)

    async def _ask(self, *asked: Any) -> None:
        if self.fails:
            raise self.fails
        self.asked.append(asked)


class FakeClient:
    def __init__(self) -> None:
        self.user = "bob"
        self.preferences = {"receipts": False, "presence": True}
        self.push_preferences: dict[str, Any] = {}
        self.presence = {"user-0": SimpleNamespace(state="online")}
        self.contacts: dict[str, Contact] = {}
        self.rooms: dict[str, Any] = {}
        self.asked: list[Any] = []
        self.users: dict[str, Any] = {}

    async def fetch_users(self, users: Any) -> None:
        self.users |= {user: {"user": user, "kind": "bot"} for user in users if user == "rain"}

    def room(self, room: str) -> Any:
        return self.rooms.get(room) or SimpleNamespace(summary=SimpleNamespace(request=False, peer=""))

    def focus(self, rooms: Any) -> None:
        self.asked.append("focus")

    def watch(self, users: Any) -> None:
        self.asked.append(("watch", *users))

    def discard(self, key: str) -> bool:
        self.asked.append(("discard", key))
        return True


@dataclass
class Scene:
    client: FakeClient
    room: FakeRoom
    screen: FakeScreen
    talk: Conversation

    @property
    def last(self) -> str:
        return self.screen.shown[-1]

    async def begins(self, *stored: Message) -> None:
        self.room.stored = list(stored)
        await self.talk.begin()
        self.screen.shown.clear()
        self.room.asked.clear()


@pytest.fixture
def scene() -> Scene:
    client, room, screen = FakeClient(), FakeRoom(), FakeScreen()
    return Scene(client, room, screen, Conversation(client, room, screen))


async def test_it_begins_with_the_history_and_watches_the_peer(scene):
    scene.room.stored = [message(1, "one"), message(2, "two")]
    await scene.talk.begin()
    assert [line.rpartition(": ")[2] for line in scene.screen.shown] == ["one", "two"]
    assert scene.client.asked == ["focus", ("watch", "alice")]
    assert ("read",) in scene.room.asked


async def test_a_new_message_is_shown_once_and_marked_read(scene):
    await scene.begins(message(1))
    scene.talk.take(MessageAdded(ROOM, message(2, "new")))
    scene.talk.take(MessageAdded(ROOM, message(2, "new")))
    assert len(scene.screen.shown) == 1
    assert scene.last.endswith("#2 alice: new")
    assert scene.room.asked == [("read",)]


async def test_what_happens_in_other_rooms_is_not_shown(scene):
    await scene.begins()
    other = "d11111111111"
    for change in (
        MessageAdded(other, message(2)),
        RoomGone(other, "left"),
        SendFailed(other, "k", NotFound()),
        RoomChanged(ROOM),
    ):
        scene.talk.take(change)
    assert scene.screen.shown == []
    assert not scene.talk.gone


async def test_changes_of_shown_messages_are_told(scene):
    await scene.begins(message(1))
    scene.talk.take(MessageChanged(ROOM, message(1, "Hi", edited=5)))
    scene.talk.take(MessageChanged(ROOM, message(9, "never shown", edited=5)))
    assert scene.screen.shown == ["#1 now reads: Hi"]


async def test_events_are_told(scene):
    await scene.begins()
    scene.talk.take(EventAdded(ROOM, {"seq": 2, "kind": "joined", "user": "carol", "users": ["carol"]}))
    scene.talk.take(EventAdded(ROOM, {"seq": 3, "kind": "unknown"}))
    scene.talk.take(TimelineReset(ROOM))
    assert scene.screen.shown == [
        "-- carol joined",
        "-- you were away for a long time: older messages with /history",
    ]


async def test_the_status_shows_ticks_and_typing(scene):
    await scene.begins()
    assert scene.screen.now == ""
    await scene.talk.enter("Hi")
    assert scene.screen.now == "…"
    scene.talk.take(SendDone(ROOM, "posted", 5))
    scene.talk.take(MessageAdded(ROOM, message(5, "Hi", "bob", key="posted")))
    assert scene.screen.now == "✓"
    scene.room.receipts = {
        "alice": SimpleNamespace(read=0, delivered=5),
        "bob": SimpleNamespace(read=9, delivered=9),
    }
    scene.talk.take(ReceiptsChanged(ROOM, ("alice",)))
    assert scene.screen.now == "✓✓"
    scene.room.summary.peer_read = 5
    scene.room.typists = ["alice"]
    scene.talk.take(TypingStarted(ROOM, "alice"))
    assert scene.screen.now == "✓✓ read · alice is typing"
    scene.room.live_notes = {"alice": "a-file"}
    scene.talk.take(LiveNoteChanged(ROOM, "alice", "a-file", "live"))
    assert scene.screen.now == "✓✓ read · alice is speaking"


async def test_lost_and_found_connections_are_told_once(scene):
    await scene.begins()
    for phase in (Phase.BACKOFF, Phase.CONNECTING, Phase.BACKOFF):
        scene.talk.take(StateChanged(phase))
    assert scene.screen.shown == ["-- connection lost, trying again"]
    assert scene.screen.now == "offline"
    scene.talk.take(StateChanged(Phase.READY))
    scene.talk.take(StateChanged(Phase.READY))
    assert scene.screen.shown[1:] == ["-- connected again"]
    scene.talk.take(StateChanged(Phase.STOPPED, 4201, "revoked"))
    assert scene.last == "-- the server ended the connection: revoked"


async def test_a_preference_that_another_device_chose_is_told(scene):
    await scene.begins()
    scene.talk.take(AccountChanged("account", "preferences"))
    assert scene.screen.shown == ["-- on all your devices: receipts off, presence on"]


async def test_messages_of_whom_one_blocks_are_not_shown(scene):
    scene.client.contacts = {"alice": Contact("alice", 1, blocked=True)}
    await scene.begins()
    scene.talk.take(MessageAdded(ROOM, message(2, "new")))
    assert scene.last == "#2 alice, whom you block, wrote something"


async def test_leaving_the_room_ends_it(scene):
    await scene.begins()
    scene.talk.take(RoomGone(ROOM, "removed"))
    assert scene.talk.gone
    assert "removed" in scene.last


async def test_keys_are_told_as_typing(scene):
    scene.screen.on_key()
    assert scene.room.asked == [("typing",)]


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("Hello", [("post", "Hello")]),
        ("  Hello  ", [("post", "Hello")]),
        ("//etc", [("post", "/etc")]),
        ("", []),
        ("   ", []),
        ("/edit better", [("edit", 3, "better")]),
        ("/edit #2 better", [("edit", 2, "better")]),
        ("/recall", [("recall", 3)]),
        ("/recall #2", [("recall", 2)]),
        ("/react 👍", [("react", 4, "👍", True)]),
        ("/react #3 👍", [("react", 3, "👍", True)]),
        ("/react #5 🎉", [("react", 5, "🎉", True)]),
        ("/react #1 🎉", [("react", 1, "🎉", False)]),
    ],
)
async def test_typed_lines_do_what_they_say(scene, typed, asked):
    mine = message(1, mine=frozenset("🎉"))
    await scene.begins(mine, message(2, user="bob"), message(3, user="bob"), message(4))
    await scene.talk.enter(typed)
    assert scene.room.asked == asked


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/fly", "there is no command /fly; see /help"),
        ("/\x1b[2J", "there is no command /?[2J; see /help"),
        ("/edit", "there is no message to do that with; name one, as in #17"),
        ("/edit #3", "usage: /edit [#NUMBER] TEXT"),
        ("/recall #3 now", "usage: /recall [#NUMBER]"),
        ("/react #3", "usage: /react [#NUMBER] EMOJI; once more takes it back"),
        ("/react #3 a b", "usage: /react [#NUMBER] EMOJI; once more takes it back"),
        ("/history many", "usage: /history [COUNT]"),
    ],
)
async def test_wrong_commands_are_answered_in_words(scene, typed, said):
    await scene.begins()
    await scene.talk.enter(typed)
    assert scene.screen.shown == [f"-- {said}"]
    assert scene.room.asked == []


async def test_refusals_are_told_and_nothing_ends(scene):
    await scene.begins(message(1, user="bob"))
    for failure, said in (
        (NotFound({"code": "not_found", "message": "no such message"}), "not done: not_found"),
        (OutboxFull(), "too many messages wait"),
        (TimeoutError(), "no answer yet"),
    ):
        scene.room.fails = failure
        await scene.talk.enter("/recall")
        assert said in scene.last
    assert not scene.talk.quitting


async def test_a_refused_message_is_told_and_given_up(scene):
    await scene.begins()
    await scene.talk.enter("Hi")
    scene.talk.take(SendFailed(ROOM, "posted", NotFound()))
    assert scene.last == "-- not sent: Hi: not_found"
    assert scene.talk.complaints == 1
    assert scene.client.asked[-1] == ("discard", "posted")
    await scene.talk.wait_settled()


async def test_who_is_muted_is_told_once_and_may_delete_what_waits(scene):
    await scene.begins()
    await scene.talk.enter("Hi")
    muted = SendDelayed(ROOM, "posted", Muted({"code": "muted", "retry_after": 60_000, "scope": "user"}))
    for change in (SendDelayed(ROOM, "posted", ServerTimeout()), muted, muted):
        scene.talk.take(change)
    (said,) = scene.screen.shown
    assert said.startswith("-- the moderators silenced you, at least until ")
    await scene.talk.enter("/discard")
    assert scene.last == "-- 1 not sent, and deleted"
    await scene.talk.wait_settled()


async def test_a_bot_that_joined_since_is_told_to_be_one(scene):
    await scene.begins()
    scene.talk.take(MessageAdded(ROOM, message(1, user="rain")))
    scene.talk.take(MessageAdded(ROOM, message(2, user="ann")))
    await until(lambda: scene.client.users)
    await until(lambda: scene.last == "-- rain is [bot]")


async def test_it_is_complete_when_everything_is_stored(scene):
    await scene.begins()
    await scene.talk.enter("Hi")
    waiting = asyncio.create_task(scene.talk.wait_settled())
    await asyncio.sleep(0)
    assert not waiting.done()
    scene.talk.take(SendDone(ROOM, "posted", 2))
    await waiting


async def test_without_a_connection_it_does_not_wait_for_long(scene, monkeypatch):
    monkeypatch.setattr(conversation, "OFFLINE_S", 0.0)
    await scene.begins()
    await scene.talk.enter("Hi")
    scene.talk.take(StateChanged(Phase.BACKOFF))
    await scene.talk.wait_settled()
    scene.talk.return_unsent()
    assert scene.last == "-- not sent: Hi"
    assert scene.talk.unsent == 1


async def test_what_was_stored_among_too_many_changes_is_not_waited_for(scene):
    await scene.begins()
    await scene.talk.enter("Hi")
    scene.client.outbox = [SimpleNamespace(key="posted")]
    scene.talk.take(ChangesMissed(1000))
    assert scene.screen.now == "…"
    scene.client.outbox = []
    scene.talk.take(ChangesMissed(1000))
    await scene.talk.wait_settled()


@pytest.mark.parametrize("typed", ["ok? \ud83d", "/edit #1 ok? \udcff"])
async def test_what_is_no_text_is_not_sent(scene, typed):
    await scene.begins(message(1, user="bob"))
    await scene.talk.enter(typed)
    assert "not valid text" in scene.last
    assert scene.last.endswith("ok? ?")
    assert scene.room.asked == []


async def test_older_messages_come_on_demand(scene):
    scene.room.stored = [message(seq, str(seq)) for seq in range(1, 31)]
    await scene.talk.begin()
    assert len(scene.screen.shown) == 20
    scene.screen.shown.clear()
    await scene.talk.enter("/history 3")
    assert [line.rpartition(": ")[2] for line in scene.screen.shown] == ["8", "9", "10"]
    await scene.talk.enter("/history")
    await scene.talk.enter("/history")
    assert scene.last == "-- that is all"


async def test_who_lists_members_with_role_and_presence(scene):
    await scene.begins()
    await scene.talk.enter("/who")
    assert scene.screen.shown[0] == "user-0 (member, online)"
    assert scene.screen.shown[1] == "user-1 (member)"
    assert scene.last == "-- and more"


async def test_help_lists_every_command(scene):
    await scene.begins()
    await scene.talk.enter("/help")
    for name in [*COMMANDS, *PEOPLE_COMMANDS]:
        assert [line for line in scene.screen.shown if line.startswith(f"/{name} ")]


async def test_quit_quits(scene):
    await scene.begins()
    await scene.talk.enter("/quit")
    assert scene.talk.quitting
