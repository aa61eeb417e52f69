"""One room in a terminal: its changes are shown, typed commands are carried out. Without terminal or socket."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from chatd.cli.chat.buttons import chosen
from chatd.cli.chat.files import FILES_COMMANDS, FilesView
from chatd.cli.chat.groups import GROUPS_COMMANDS, GroupsView
from chatd.cli.chat.notifications import NOTIFICATIONS_COMMANDS, NotificationsView
from chatd.cli.chat.people import PEOPLE_COMMANDS, PeopleView
from chatd.cli.chat.screen import Screen
from chatd.cli.chat.typed import InvalidCommand, bound, valid
from chatd.cli.chat.wording import (
    buttons_line,
    change_line,
    clean,
    event_line,
    excerpt,
    message_line,
    note_line,
    refusal,
    tick,
    typing_note,
)
from chatd.client import (
    AccountChanged,
    Change,
    ChangesMissed,
    ChatError,
    Client,
    ContactsChanged,
    EventAdded,
    LiveNoteChanged,
    Message,
    MessageAdded,
    MessageChanged,
    OutboxFull,
    Phase,
    ReceiptsChanged,
    Room,
    RoomChanged,
    RoomGone,
    SendDelayed,
    SendDone,
    SendFailed,
    StateChanged,
    TimelineReset,
    TypingStarted,
    TypingStopped,
    UploadedFile,
    normal_emoji,
)

HISTORY = 20  # messages shown at the start: a screenful
ANSWER_S = 10.0  # then the prompt returns; a change is still made when the connection allows
SETTLE_S = 30.0  # for the last messages at the end: enough for a reconnect or two
OFFLINE_S = 5.0  # the same without a connection


class Conversation:
    """The view of one room on a screen, and the commands that are typed there."""

    def __init__(self, client: Client, room: Room, screen: Screen) -> None:
        self._client = client
        self._room = room
        self._screen = screen
        self._people = PeopleView(client, room, self._note)
        self._notifications = NotificationsView(client, room, self._note)
        self._groups = GroupsView(client, room, screen.show)
        self._shown: dict[int, Message] = {}
        says = self._note, self._complain, self._refresh
        self._files = FilesView(client, self._shown, *says, self._post_file)
        self._commands = {
            **bound(self, COMMANDS),
            **bound(self._groups, GROUPS_COMMANDS),
            **bound(self._people, PEOPLE_COMMANDS),
            **bound(self._notifications, NOTIFICATIONS_COMMANDS),
            **bound(self._files, FILES_COMMANDS),
        }
        self._last_own = 0
        self._waiting: dict[str, str] = {}  # texts that are neither stored nor refused, by key
        self._held = ""  # what was said last of messages that wait
        self._erased: set[str] = set()  # users who were erased
        self._settling = asyncio.Event()
        self._offline_since: float | None = None  # seconds of the loop's clock
        self.quitting = False
        self.gone = False
        self.complaints = 0
        self.unsent = 0
        screen.on_key = room.typing

    async def begin(self) -> None:
        """Show the latest messages and focus the room."""
        self._client.focus([self._room])
        if peer := self._room.summary.peer:
            self._client.watch([peer])
            await self._people.meet([peer])
        await self._history(HISTORY)
        self._people.begin()
        await self._groups.begin()
        self._refresh()

    def take(self, change: Change) -> None:
        """Show a change, if it belongs to this room."""
        if isinstance(change, RoomChanged):
            self._people.room_changed(change)
            self._groups.changed(change)
        if getattr(change, "room", self._room.id) != self._room.id:
            return
        act = CHANGES.get(type(change))
        if act is not None:
            act(self, change)
            self._settling.set()
            self._refresh()

    async def enter(self, typed: str) -> None:
        """Carry out a typed line: a command after a slash, else a message (two slashes send one)."""
        try:
            if typed.startswith("/") and not typed.startswith("//"):
                async with asyncio.timeout(ANSWER_S):
                    await self._command(valid(typed[1:]))
            elif text := typed.removeprefix("/").strip():
                self._waiting[await self._room.post(valid(text))] = text
        except InvalidCommand as error:
            self._complain(str(error))
        except TimeoutError:  # Unreachable is one
            self._complain("no answer yet; a change is made as soon as the connection is back")
        except OutboxFull:
            self._complain("too many messages wait for the connection")
        except ChatError as error:
            self._complain(f"not done: {refusal(error)}")
        self._refresh()

    async def wait_settled(self) -> None:
        """Return when all entered messages were stored or refused, or could not be sent for too long."""
        await self._files.settle()
        now = asyncio.get_running_loop().time
        began = now()
        with contextlib.suppress(TimeoutError):
            while self._waiting:
                self._settling.clear()
                offline = self._offline_since
                until = began + SETTLE_S if offline is None else max(began, offline) + OFFLINE_S
                async with asyncio.timeout_at(until):
                    await self._settling.wait()

    def return_unsent(self) -> None:
        """Report entered messages that were not stored; only for the end."""
        for text in self._waiting.values():
            self._complain(f"not sent: {excerpt(text)}")
        self.unsent = len(self._waiting)

    # Changes.

    def _added(self, change: MessageAdded) -> None:
        message = change.message
        if message.seq in self._shown:
            return
        self._people.meet_soon(message.user)
        self._show(message)
        self._room.read()

    def _changed(self, change: MessageChanged) -> None:
        before, after = self._shown.get(change.message.seq), change.message
        if before is None:
            return
        self._shown[after.seq] = after
        if after.recalled and after.user in self._erased:
            return
        if line := change_line(before, after):
            self._screen.show(line)
        if before.buttons != after.buttons and (line := buttons_line(after)):
            self._screen.show(line)

    def _event(self, change: EventAdded) -> None:
        erased = {change.event.get("user", "")} if change.event["kind"] == "erased" else set()
        if erased and erased <= self._erased:
            return
        self._erased |= erased
        if line := event_line(change.event):
            self._screen.show(line)

    def _reset(self, change: TimelineReset) -> None:
        self._note("you were away for a long time: older messages with /history")

    def _done(self, change: SendDone) -> None:
        self._waiting.pop(change.key, None)

    def _failed(self, change: SendFailed) -> None:
        if (text := self._waiting.pop(change.key, None)) is not None:
            self._client.discard(change.key)
            self._complain(f"not sent: {excerpt(text)}: {refusal(change.error)}")

    def _delayed(self, change: SendDelayed) -> None:
        """Say what holds a message up, where that is the moderators and not the moment."""
        said = refusal(change.error)
        if change.key in self._waiting and said != str(change.error) and said != self._held:
            self._note(f"{said}; what waits is sent then, or deleted with /discard")
            self._held = said

    def _missed(self, change: ChangesMissed) -> None:
        """Note that changes were skipped; messages that left the outbox were stored."""
        left = {entry.key for entry in self._client.outbox}
        self._waiting = {key: text for key, text in self._waiting.items() if key in left}
        self._note("too many changes at once: missing messages are in /history")

    def _receipts(self, change: ReceiptsChanged) -> None:
        """Shown in the status."""

    def _typing(self, change: TypingStarted | TypingStopped | LiveNoteChanged) -> None:
        """Shown in the status."""

    def _state(self, change: StateChanged) -> None:
        if change.phase is Phase.BACKOFF and self._offline_since is None:
            self._offline_since = asyncio.get_running_loop().time()
            self._note("connection lost, trying again")
        elif change.phase is Phase.READY and self._offline_since is not None:
            self._offline_since = None
            self._note("connected again")
        elif change.phase is Phase.STOPPED and not self.quitting:
            self._complain(f"the server ended the connection: {change.reason or change.code}")

    def _contacts(self, change: ContactsChanged) -> None:
        self._people.contacts_changed(change)

    def _account(self, change: AccountChanged) -> None:
        if change.name == "preferences":
            self._notifications.preferences_changed()

    def _gone(self, change: RoomGone) -> None:
        self._complain(f"you are no longer in this room ({clean(change.reason)})")
        self.gone = True

    # Commands.

    async def _command(self, typed: str) -> None:
        name, _, rest = typed.partition(" ")
        if name not in self._commands:
            raise InvalidCommand(f"there is no command /{clean(name)}; see /help")
        await self._commands[name][0](rest.strip())

    async def _help(self, rest: str) -> None:
        for name, (_, usage, meaning) in self._commands.items():
            self._screen.show(((f"/{name} {usage}".ljust(24), "own"), (meaning, "")))
        self._note("numbers are those after the time, as in #17; without one the latest message is meant")

    async def _quit(self, rest: str) -> None:
        self.quitting = True

    async def _older(self, rest: str) -> None:
        if rest and not rest.isdecimal():
            raise InvalidCommand("usage: /history [COUNT]")
        await self._history(min(int(rest or HISTORY), 100))

    async def _edit(self, rest: str) -> None:
        target, text = self._target(rest, own=True)
        if not text:
            raise InvalidCommand("usage: /edit [#NUMBER] TEXT")
        await self._room.edit(target, text)

    async def _recall(self, rest: str) -> None:
        target, more = self._target(rest, own=True)
        if more:
            raise InvalidCommand("usage: /recall [#NUMBER]")
        await self._room.recall(target)

    async def _react(self, rest: str) -> None:
        target, emoji = self._target(rest, own=False)
        if not emoji or " " in emoji:
            raise InvalidCommand("usage: /react [#NUMBER] EMOJI; once more takes it back")
        mine = self._shown[target].mine if target in self._shown else frozenset()
        emoji = emoji if emoji in mine else normal_emoji(emoji)
        await self._room.react(target, emoji, present=emoji not in mine)

    async def _press(self, rest: str) -> None:
        seq, button = chosen(rest, self._shown)
        if button.url:
            self._note(f"it leads to {clean(button.url)}")
            return
        self._waiting[await self._room.post(button.pressed(seq))] = button.label

    async def _post_file(self, text: str, file: UploadedFile) -> None:
        self._waiting[await self._room.post(text, files=[file])] = text or file.name

    async def _discard(self, rest: str) -> None:
        gone = [key for key in self._waiting if self._client.discard(key)]
        for key in gone:
            del self._waiting[key]
        self._note(f"{len(gone)} not sent, and deleted")

    def _target(self, rest: str, *, own: bool) -> tuple[int, str]:
        """Return the target and the rest of "#17 text", or of "text" for the latest own (or other) message."""
        first, _, more = rest.partition(" ")
        if first.startswith("#") and first[1:].isdecimal():
            return int(first[1:]), more.strip()
        me = self._client.user
        found = [seq for seq, one in self._shown.items() if (one.user == me) is own and not one.recalled]
        if not found:
            raise InvalidCommand("there is no message to do that with; name one, as in #17")
        return max(found), rest

    # Output.

    async def _history(self, count: int) -> None:
        oldest = min(self._shown, default=None)
        if oldest is None:
            messages = await self._room.timeline(count)
        else:
            messages = (await self._room.history(before=oldest, limit=count)).messages
        if oldest is not None and not messages:
            self._note("that is all")
        await self._people.meet(message.user for message in messages)
        for message in messages:
            self._show(message)
        self._room.read()

    def _show(self, message: Message) -> None:
        self._shown[message.seq] = message
        if message.user == self._client.user:
            self._last_own = max(self._last_own, message.seq)
            self._waiting.pop(message.key, None)
        if self._people.is_blocked(message.user):
            self._screen.show(
                ((f"#{message.seq} {clean(message.user)}, whom you block, wrote something", "faint"),)
            )
        else:
            kind = self._people.kind_of(message.user)
            self._screen.show(message_line(message, self._client.user, kind))
            if line := buttons_line(message):
                self._screen.show(line)

    def _refresh(self) -> None:
        typing = typing_note(self._room.typists, self._room.speakers, self._room.live_notes)
        offline = "offline" if self._offline_since is not None else ""
        parts = [self._tick(), self._files.status, typing, offline]
        self._screen.status(" · ".join(part for part in parts if part))

    def _tick(self) -> str:
        if self._waiting:
            return tick(seq=0, read=0, delivered=0)
        if not self._last_own:
            return ""
        me = self._client.user
        marks = [mark for user, mark in self._room.receipts.items() if user != me]
        read = max([self._room.summary.peer_read, *(mark.read for mark in marks)])
        delivered = max([self._room.summary.peer_delivered, *(mark.delivered for mark in marks)])
        heard = self._room.summary.peer_played
        return tick(seq=self._last_own, read=read, delivered=delivered, heard=heard)

    def _note(self, text: str) -> None:
        self._screen.show(note_line(text))

    def _complain(self, text: str) -> None:
        self.complaints += 1
        self._screen.complain(text)


Command = Callable[[Conversation, str], Awaitable[None]]

# Name: its function, arguments and meaning. /help prints this table.
COMMANDS: dict[str, tuple[Command, str, str]] = {
    "help": (Conversation._help, "", "this list"),
    "history": (Conversation._older, "[COUNT]", "older messages"),
    "edit": (Conversation._edit, "[#NUMBER] TEXT", "change an own message"),
    "recall": (Conversation._recall, "[#NUMBER]", "take an own message back for everybody"),
    "react": (Conversation._react, "[#NUMBER] EMOJI", "react to a message; once more takes it back"),
    "press": (Conversation._press, "[#NUMBER] CHOICE", "press a button of a bot"),
    "discard": (Conversation._discard, "", "delete what waits to be sent"),
    "quit": (Conversation._quit, "", "leave the program (Ctrl-D too)"),
}

CHANGES: dict[type, Callable[[Conversation, Any], None]] = {
    MessageAdded: Conversation._added,
    MessageChanged: Conversation._changed,
    EventAdded: Conversation._event,
    ChangesMissed: Conversation._missed,
    TimelineReset: Conversation._reset,
    SendDone: Conversation._done,
    SendFailed: Conversation._failed,
    SendDelayed: Conversation._delayed,
    ReceiptsChanged: Conversation._receipts,
    TypingStarted: Conversation._typing,
    TypingStopped: Conversation._typing,
    LiveNoteChanged: Conversation._typing,
    StateChanged: Conversation._state,
    RoomGone: Conversation._gone,
    AccountChanged: Conversation._account,
    ContactsChanged: Conversation._contacts,
}
