"""One room in a terminal: shows what happens in it, does what is typed. Knows no terminal and no socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from chatd.cli.screen import Screen
from chatd.cli.wording import change_line, clean, event_line, message_line, tick, typing_note
from chatd.client import (
    Change,
    ChatError,
    Client,
    EventAdded,
    Message,
    MessageAdded,
    MessageChanged,
    OutboxFull,
    Phase,
    ReceiptsChanged,
    Room,
    RoomGone,
    SendDone,
    SendFailed,
    StateChanged,
    TimelineReset,
    TypingStarted,
    TypingStopped,
)

HISTORY = 20  # messages shown at the start: a screenful
LISTED_MAX = 50  # members listed by /who
ANSWER_S = 10.0  # longer, and the prompt is given back; what was asked is done when the link allows


class Wrong(Exception):
    """The typed command cannot be done; the text says why."""


class Conversation:
    """Shows the changes of one room on a screen and carries out what is typed there."""

    def __init__(self, client: Client, room: Room, screen: Screen) -> None:
        self._client = client
        self._room = room
        self._screen = screen
        self._shown: dict[int, Message] = {}
        self._last_own = 0
        self._waiting: set[str] = set()
        self._settling = asyncio.Event()
        self._offline = False
        self.quitting = False
        screen.on_key = room.typing

    async def begin(self) -> None:
        """Show the latest messages and take part from now on."""
        self._client.focus([self._room])
        if peer := self._room.summary.peer:
            self._client.watch([peer])
        await self._history(HISTORY)
        self._refresh()

    def take(self, change: Change) -> None:
        """Show a change, if it belongs to this room."""
        if getattr(change, "room", self._room.id) != self._room.id:
            return
        act = CHANGES.get(type(change))
        if act is not None:
            act(self, change)
            self._settling.set()
            self._refresh()

    async def enter(self, typed: str) -> None:
        """Do what was typed: a command after a slash, else a message (two slashes send one)."""
        try:
            if typed.startswith("/") and not typed.startswith("//"):
                async with asyncio.timeout(ANSWER_S):
                    await self._command(typed[1:])
            elif text := typed.removeprefix("/").strip():
                self._waiting.add(await self._room.post(text))
        except Wrong as error:
            self._complain(str(error))
        except TimeoutError:  # Unreachable is one
            self._complain("no answer yet; a change is made as soon as the connection is back")
        except OutboxFull:
            self._complain("too many messages wait for the connection")
        except ChatError as error:
            self._complain(f"not done: {error}")
        self._refresh()

    async def wait_settled(self) -> None:
        """Returns when everything entered has been stored or refused."""
        while self._waiting:
            self._settling.clear()
            await self._settling.wait()

    # What happens.

    def _added(self, change: MessageAdded) -> None:
        message = change.message
        if message.seq in self._shown:
            return
        self._show(message)
        self._room.read()

    def _changed(self, change: MessageChanged) -> None:
        before, after = self._shown.get(change.message.seq), change.message
        if before is None:
            return
        self._shown[after.seq] = after
        if line := change_line(before, after):
            self._screen.show(line)

    def _event(self, change: EventAdded) -> None:
        if line := event_line(change.event):
            self._screen.show(line)

    def _reset(self, change: TimelineReset) -> None:
        self._note("you were away for long: older messages with /history")

    def _done(self, change: SendDone) -> None:
        self._waiting.discard(change.key)

    def _failed(self, change: SendFailed) -> None:
        if change.key in self._waiting:
            self._waiting.discard(change.key)
            self._client.discard(change.key)
            self._complain(f"not sent: {change.error}")

    def _receipts(self, change: ReceiptsChanged) -> None:
        """Shown in the status."""

    def _typing(self, change: TypingStarted | TypingStopped) -> None:
        """Shown in the status."""

    def _state(self, change: StateChanged) -> None:
        if change.phase is Phase.BACKOFF and not self._offline:
            self._offline = True
            self._note("connection lost, trying again")
        elif change.phase is Phase.READY and self._offline:
            self._offline = False
            self._note("connected again")
        elif change.phase is Phase.STOPPED and not self.quitting:
            self._complain(f"the server ended the connection: {change.reason or change.code}")

    def _gone(self, change: RoomGone) -> None:
        self._complain(f"you are no longer in this room ({clean(change.reason)})")
        self.quitting = True

    # What is typed.

    async def _command(self, typed: str) -> None:
        name, _, rest = typed.partition(" ")
        command = COMMANDS.get(name)
        if command is None:
            raise Wrong(f"there is no command /{clean(name)}; see /help")
        await command[0](self, rest.strip())

    async def _help(self, rest: str) -> None:
        for name, (_, usage, meaning) in COMMANDS.items():
            self._screen.show(((f"/{name} {usage}".ljust(24), "own"), (meaning, "")))
        self._note("numbers are those after the time, as in #17; without one the latest message is meant")

    async def _quit(self, rest: str) -> None:
        self.quitting = True

    async def _older(self, rest: str) -> None:
        if rest and not rest.isdecimal():
            raise Wrong("usage: /history [COUNT]")
        await self._history(min(int(rest or HISTORY), 100))

    async def _who(self, rest: str) -> None:
        listed = 0
        async for member in self._room.members():
            if listed == LISTED_MAX:
                self._note("and more")
                return
            listed += 1
            presence = self._client.presence.get(member.user)
            state = f", {presence.state}" if presence else ""
            self._screen.show(((clean(member.user), "other"), (f" ({member.role}{state})", "faint")))

    async def _edit(self, rest: str) -> None:
        target, text = self._target(rest, own=True)
        if not text:
            raise Wrong("usage: /edit [#NUMBER] TEXT")
        await self._room.edit(target, text)

    async def _recall(self, rest: str) -> None:
        target, more = self._target(rest, own=True)
        if more:
            raise Wrong("usage: /recall [#NUMBER]")
        await self._room.recall(target)

    async def _react(self, rest: str) -> None:
        target, emoji = self._target(rest, own=False)
        if not emoji or " " in emoji:
            raise Wrong("usage: /react [#NUMBER] EMOJI; once more takes it back")
        mine = self._shown[target].mine if target in self._shown else frozenset()
        await self._room.react(target, emoji, present=emoji not in mine)

    def _target(self, rest: str, *, own: bool) -> tuple[int, str]:
        """The message meant and what follows: "#17 text", or "text" for the latest own (or other) one."""
        first, _, more = rest.partition(" ")
        if first.startswith("#") and first[1:].isdecimal():
            return int(first[1:]), more.strip()
        me = self._client.user
        found = [seq for seq, one in self._shown.items() if (one.user == me) is own and not one.recalled]
        if not found:
            raise Wrong("there is no message to do that with; name one, as in #17")
        return max(found), rest

    # What is shown.

    async def _history(self, count: int) -> None:
        oldest = min(self._shown, default=None)
        if oldest is None:
            messages = await self._room.timeline(count)
        else:
            messages = (await self._room.history(before=oldest, limit=count)).messages
        if oldest is not None and not messages:
            self._note("that is all")
        for message in messages:
            self._show(message)
        self._room.read()

    def _show(self, message: Message) -> None:
        self._shown[message.seq] = message
        if message.user == self._client.user:
            self._last_own = max(self._last_own, message.seq)
            self._waiting.discard(message.key)
        self._screen.show(message_line(message, self._client.user))

    def _refresh(self) -> None:
        parts = [self._tick(), typing_note(self._room.typists), "offline" if self._offline else ""]
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
        return tick(seq=self._last_own, read=read, delivered=delivered)

    def _note(self, text: str) -> None:
        self._screen.show(((f"-- {text}", "note"),))

    def _complain(self, text: str) -> None:
        self._screen.show(((f"-- {text}", "error"),))


Command = Callable[[Conversation, str], Awaitable[None]]

# Name: what does it, its arguments, its meaning. /help prints this table.
COMMANDS: dict[str, tuple[Command, str, str]] = {
    "help": (Conversation._help, "", "this list"),
    "history": (Conversation._older, "[COUNT]", "older messages"),
    "who": (Conversation._who, "", "who is in this room"),
    "edit": (Conversation._edit, "[#NUMBER] TEXT", "change an own message"),
    "recall": (Conversation._recall, "[#NUMBER]", "take an own message back for everybody"),
    "react": (Conversation._react, "[#NUMBER] EMOJI", "react to a message; once more takes it back"),
    "quit": (Conversation._quit, "", "leave the program (Ctrl-D too)"),
}

CHANGES: dict[type, Callable[[Conversation, Any], None]] = {
    MessageAdded: Conversation._added,
    MessageChanged: Conversation._changed,
    EventAdded: Conversation._event,
    TimelineReset: Conversation._reset,
    SendDone: Conversation._done,
    SendFailed: Conversation._failed,
    ReceiptsChanged: Conversation._receipts,
    TypingStarted: Conversation._typing,
    TypingStopped: Conversation._typing,
    StateChanged: Conversation._state,
    RoomGone: Conversation._gone,
}
