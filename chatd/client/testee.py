"""This client under test by the conformance kit: one JSON object a line in, one out (docs/conformance.md, "A testee").

    chatd conformance run --testee "python -m chatd.client.testee"

On a virtual clock, unless `--time real` is given: nothing waits, and what is due is done in its order. `--verbose`
writes the log of the client to standard error: most of what scenarios do to it is worth a warning.
"""

import asyncio
import heapq
import json
import logging
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict
from typing import Any

from chatd import __version__

from .client import Client
from .core.bots import Button
from .core.changes import Change, MessageAdded
from .core.contacts import Circle, Contact, circles_of
from .core.messages import Message
from .core.outbox import Entry
from .core.packets import Body
from .core.states import Phase
from .env import Env, SystemEnv
from .settings import Settings
from .storage import FileStorage, MemoryStorage

log = logging.getLogger(__name__)

Line = dict[str, Any]

PROFILES = [
    *("core", "persistence", "edits", "read_state", "large_rooms", "background", "account", "people"),
    *("reports", "bots", "push", "conversations", "channels", "http_status", "json", "deflate"),
]

CONTACT = ("remark", "circles", "following", "blocked")
SECTIONS = ("account", "joins", "drafts", "scheduled")
"""The sections of account rows whose values are shown as they are."""

TURNS = 24
"""Turns of the event loop after which everything that was received is handled: a frame takes six."""


class VirtualEnv(SystemEnv):
    """Time that moves by `advance` only; chance is real."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        # A connection that is being made is on its way: nothing says how soon, and the kit always answers one.
        self.is_connecting: Callable[[], bool] = lambda: False
        self._timers: list[VirtualTimer] = []

    def monotonic(self) -> float:
        return self.now_s

    def time_ms(self) -> int:
        return 1_763_900_000_000 + int(1000 * self.now_s)

    def call_later(self, delay_s: float, action: Callable[[], None]) -> "VirtualTimer":
        timer = VirtualTimer(self.now_s + max(0.0, delay_s), action)
        heapq.heappush(self._timers, timer)
        return timer

    def next_s(self) -> float | None:
        """Return the seconds until the first timer is due."""
        while self._timers and self._timers[0].action is None:
            heapq.heappop(self._timers)
        return self._timers[0].at - self.now_s if self._timers else None

    async def advance(self, seconds: float) -> None:
        """Let time pass; what comes due is done at its time, and what follows from it before the next."""
        end = self.now_s + seconds
        await self.settled()
        while (next_s := self.next_s()) is not None and self.now_s + next_s <= end + 1e-9:
            timer = heapq.heappop(self._timers)
            self.now_s = max(self.now_s, timer.at)
            timer.fire()
            await self.settled()
        self.now_s = max(self.now_s, end)

    async def settled(self) -> None:
        """Return when everything that has arrived was handled, and written what came of it."""
        while True:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if not (BusyStorage.writing or self.is_connecting()):
                return
            await asyncio.sleep(0.0005)


class VirtualTimer:
    """A timer of a VirtualEnv."""

    def __init__(self, at: float, action: Callable[[], None]) -> None:
        self.at = at
        self.action: Callable[[], None] | None = action

    def __lt__(self, other: "VirtualTimer") -> bool:
        return self.at < other.at

    def cancel(self) -> None:
        self.action = None

    def fire(self) -> None:
        """Do what is due, unless it was cancelled."""
        action, self.action = self.action, None
        if action is not None:
            action()


class BusyStorage(FileStorage):
    """A file that knows whether it is being written: until then, nothing is settled."""

    writing = 0

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        BusyStorage.writing += 1
        try:
            return await super()._in_thread(work)
        finally:
            BusyStorage.writing -= 1


class Testee:
    """The client of the scenario that runs, and what it is told to do. `say` writes a line to the kit."""

    def __init__(self, env: Env, say: Callable[[Line], None]) -> None:
        self._env = env
        self._say = say
        self._client: Client | None = None
        self._added: Counter[str] = Counter()
        self._asks: dict[int, asyncio.Future[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        if isinstance(env, VirtualEnv):
            env.is_connecting = self._is_connecting

    def hello(self) -> None:
        """Say who is tested."""
        time = "virtual" if isinstance(self._env, VirtualEnv) else "real"
        client = f"chatd.client {__version__}"
        self._say({"type": "hello", "client": client, "profiles": PROFILES, "time": time})

    async def take(self, line: Line) -> None:
        """Carry out one line, and answer it."""
        if line["type"] == "token":
            self._token(line)
            return
        try:
            answer = await LINES[line["type"]](self, line)
        except Exception as error:
            self._say({"type": "error", "id": line["id"], "message": f"{type(error).__name__}: {error}"})
        else:
            self._say({"type": "ok", "id": line["id"], **(answer or {})})

    # Lines.

    async def _start(self, line: Line) -> None:
        await self._close()
        storage = BusyStorage(line["storage"]) if "storage" in line else MemoryStorage()
        settings = Settings(encoding=line.get("encoding", "msgpack"), env=self._env, app="testee")
        self._client = Client(
            line["url"], self._get_token, device=line.get("device", ""), storage=storage, settings=settings
        )
        self._added.clear()
        self._client.subscribe(self._count)
        if line.get("mode") == "background":
            self._client.background()
        await self._client.start()

    async def _do(self, line: Line) -> Line | None:
        client = self._running()
        what, user, room = line["what"], line.get("user", ""), client.room(line.get("room", ""))
        if what == "post":
            return {"key": await room.post(_content(line), silent=line.get("silent", False))}
        actions: dict[str, Callable[[], object]] = {
            "edit": lambda: room.edit(line["target"], _content(line)),
            "recall": lambda: room.recall(line["target"]),
            "react": lambda: room.react(line["target"], line["emoji"], present=line.get("set", True)),
            "pin": lambda: room.pin(line["target"], pinned=line.get("set", True)),
            "read": lambda: room.read(line.get("seq")),
            "typing": room.typing,
            "open": lambda: self._open(line["room"]),
            "leave": lambda: client.focus(()),
            "older": lambda: room.history(before=self._oldest(line), limit=line.get("limit", 50)),
            "resend": lambda: client.resend(line["key"]),
            "discard": lambda: client.discard(line["key"]),
            "watch": lambda: client.watch(line["users"]),
            "friend": lambda: getattr(client, f"{line['step']}_friend")(user, **_named(line, "note", "via")),
            "contact": lambda: client.set_contact(user, **_named(line, *CONTACT)),
            "cards": lambda: client.fetch_users(line["users"]),
            "accept": lambda: client.accept_room(line["room"]),
            "decline": lambda: client.decline_room(line["room"], **_named(line, "block")),
            "report": lambda: client.report(line["reason"], **_named(line, "user", "room", "seq", "text")),
            "register": lambda: client.register_push(line["platform"], line["token"]),
            "push": lambda: client.set_push_preferences(**line["set"]),
            "press": lambda: room.press(line["target"], self._button(line)),
            "join": lambda: client.join(line["room"], line.get("text", "")),
            "forward": lambda: room.forward(line["from"], line["seqs"]),
            "verify": client.verify,
            "sync": client.sync,
            "call": lambda: client.call(line["packet"]),
        }
        if asyncio.iscoroutine(begun := actions[what]()):
            self._spawn(begun)
        return None

    async def _life(self, line: Line) -> None:
        client, what = self._running(), line["what"]
        if what == "stop":
            await self._close()
        elif what in ("suspend", "resume"):
            self._spawn(client.suspend() if what == "suspend" else client.resume())
        else:
            getattr(client, what)()

    async def _clock(self, line: Line) -> Line:
        assert isinstance(self._env, VirtualEnv), "the clock is real"
        await self._env.advance(line["advance_ms"] / 1000)
        next_s = self._env.next_s()
        return {} if next_s is None else {"next_ms": 1000 * next_s}

    async def _state(self, line: Line) -> Line:
        client = self._running()
        account = client._engine.account
        rooms = [line["room"]] if "room" in line else list(account.replicas)
        return {
            "phase": client.phase.name,
            **({"code": client.closed.code} if client.closed else {}),
            "epoch": account.epoch,
            "cursor": account.cursor,
            "outbox": [_entry(entry) for entry in client.outbox],
            "rooms": {room: self._room(room) for room in rooms if room in account.replicas},
            "added": dict(self._added),
            "account": {section: dict(client.account_rows(section)) for section in SECTIONS},
            "presence": {user: presence.state for user, presence in client.presence.items()},
            "contacts": {user: _contact(one, client.circles) for user, one in client.contacts.items()},
            "users": {user: dict(card) for user, card in client.users.items()},
        }

    # Parts.

    def _room(self, name: str) -> Line:
        room = self._running().room(name)
        replica = room._seen
        receipts = {
            user: {key: value for key in ("read", "delivered") if (value := getattr(receipt, key))}
            for user, receipt in room.receipts.items()
        }
        return {
            "applied": room.applied,
            "head": room.head,
            "read": room.read_to,
            "unread": room.unread,
            "unread_mentions": room.unread_mentions,
            "messages": [_message(room.messages[seq]) for seq in sorted(room.messages)],
            "cached": [list(part) for part in replica.timeline.cached],
            "summary": dict(room.summary.packet()),
            "receipts": receipts,
            "typing": room.typists,
        }

    async def _open(self, room: str) -> None:
        client = self._running()
        client.focus([room])
        await client.room(room).timeline(50)

    def _oldest(self, line: Line) -> int:
        if "before" in line:
            return int(line["before"])
        room = self._running().room(line["room"])
        return min((message.seq for message in room.cached()), default=room.applied + 1)

    def _button(self, line: Line) -> Button:
        """Return the button with this data of a message that is kept."""
        rows = self._running().room(line["room"]).messages[line["target"]].buttons
        return next(button for row in rows for button in row if button.data == line["data"])

    def _count(self, change: Change) -> None:
        if isinstance(change, MessageAdded):
            self._added[change.room] += 1

    async def _get_token(self) -> str:
        number = 1 + max(self._asks, default=0)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asks[number] = answer
        self._say({"type": "ask", "id": number, "what": "token"})
        return await answer

    def _token(self, line: Line) -> None:
        answer = self._asks[line["id"]]
        if answer.done():
            return
        if "token" in line:
            answer.set_result(line["token"])
        else:
            answer.set_exception(RuntimeError("the app has no token now"))

    def _is_connecting(self) -> bool:
        return self._client is not None and self._client.phase is Phase.CONNECTING

    def _running(self) -> Client:
        if self._client is None:
            raise ValueError("nothing was started")
        return self._client

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        async def quiet() -> None:
            try:
                await work
            except Exception as error:
                # Seen on the wire and in the state.
                log.info("%s: %s", type(error).__name__, error)

        task = asyncio.create_task(quiet())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


LINES: dict[str, Callable[[Testee, Line], Awaitable[Line | None]]] = {
    "start": Testee._start,
    "do": Testee._do,
    "life": Testee._life,
    "clock": Testee._clock,
    "state": Testee._state,
}


def _content(line: Line) -> str | Body:
    content: str | Body = line["body"] if "body" in line else line["text"]
    return content


def _named(line: Line, *names: str) -> Line:
    return {name: line[name] for name in names if name in line}


def _given(line: Line) -> Line:
    return {name: value for name, value in line.items() if value}


def _contact(contact: Contact, circles: Mapping[int, Circle]) -> Line:
    shown: Line = {name: getattr(contact, name) for name in ("state", "remark", "following", "blocked")}
    return {**shown, "stamp": contact.stamp, "circles": circles_of(contact, circles)}


def _entry(entry: Entry) -> Line:
    shown = {"key": entry.key, "room": entry.room, "state": entry.state.name}
    reason = entry.error.reason if entry.error else None
    return shown if reason is None else {**shown, "reason": reason}


def _message(message: Message) -> Line:
    shown: Line = {"seq": message.seq, "user": message.user, "text": message.text}
    shown |= {name: True for name in ("recalled", "pinned") if getattr(message, name)}
    if message.edited:
        shown["edited"] = message.edited
    if message.reactions:
        shown["reactions"] = dict(message.reactions)
    if message.buttons:
        shown["buttons"] = [[_given(asdict(button)) for button in row] for row in message.buttons]
    if message.mine:
        shown["mine"] = sorted(message.mine)
    return shown


async def main(arguments: list[str]) -> None:
    """Take lines of the standard input until it ends."""

    def say(line: Line) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    logging.basicConfig(level=logging.INFO if "--verbose" in arguments else logging.CRITICAL)
    testee = Testee(SystemEnv() if "real" in arguments else VirtualEnv(), say)
    testee.hello()
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while raw := await reader.readline():
        line = json.loads(raw)
        # A token is waited for by what is being done.
        if line["type"] == "token":
            await testee.take(line)
        else:
            testee._spawn(testee.take(line))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
