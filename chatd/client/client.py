"""The public face of the library: one `Client` per account and device."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from .change_feed import ChangeStream
from .core.account import Presence
from .core.bots import Bot, BotReply, bot_from
from .core.changes import Change
from .core.errors import Closed, Unreachable
from .core.outbox import Entry
from .core.packets import Ack, DeviceEntry, DevicesReply, Packet
from .core.reports import Reason, Report, ReportReply
from .core.states import Phase
from .core.timeline import Fetch
from .engine import Engine
from .inbox import Inbox
from .media import Media
from .people import People
from .push import Push
from .rooms import Room
from .settings import Settings
from .storage import MemoryStorage, Storage
from .tokens import GetToken

SILENCE_S = 5.0
"""Seconds of silence after which a connection is probed when the app comes to the front (protocol.md, "States")."""


class Client(People, Push, Media, Inbox):
    """The connected copy of one chat account on one device.

    ```python
    import asyncio

    from chatd.client import Client, FileStorage


    async def main() -> None:
        async def get_token() -> str:
            return "a token of the host app"

        storage = FileStorage("me.chat")
        async with Client("wss://chat.example/v1/ws", get_token, storage=storage) as client:
            room = await client.direct("bob")
            await room.send("Hi")
            async for change in client.changes():
                print(change)


    asyncio.run(main())
    ```

    `token` is an `async def` that returns a token; it is called again whenever the server refuses one. `device` is
    the id of this installation, created once and kept in the storage if not given. `storage` keeps the outbox and the
    positions; without one nothing survives the process. One storage belongs to one account.

    `async with` connects and waits until READY. An app that starts offline calls `start` instead: rooms and outbox
    of the last run are there at once, and everything else follows when the network is there.
    """

    def __init__(
        self,
        url: str,
        token: GetToken,
        *,
        device: str = "",
        storage: Storage | None = None,
        settings: Settings | None = None,
    ) -> None:
        _check_address(url)
        self._device = device
        self._settings = settings or Settings()
        self._engine = Engine(url, token, storage or MemoryStorage(), self._settings)
        self._streams: list[ChangeStream] = []

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # Lifecycle.

    async def start(self) -> None:
        """Load what is stored and connect in the background. Raises OSError when the storage cannot be read, or cannot
        keep the id of a new device."""
        await self._engine.start(self._device)

    async def connect(self, timeout: float | None = None) -> None:
        """Start and wait until READY.

        Raises `Closed` if the server does not accept this client, `Unreachable` after `timeout` seconds. The
        `__cause__` of both is the failure of the last attempt, if it had one.
        """
        await self.start()
        try:
            async with asyncio.timeout(timeout):
                await self._engine.wait_ready()
        except TimeoutError:
            trouble = self._engine.lifecycle.trouble
            raise Unreachable(f"not connected in time: {trouble or 'no answer'}") from trouble

    async def close(self) -> None:
        """Close the connection and the storage, and end every iterator. A closed client cannot be started again."""
        await self._engine.stop()
        for stream in self._streams:
            stream.end()
        self._streams.clear()

    async def suspend(self) -> None:
        """Tell the server that the app may not run any more, close, and do nothing until `resume` (protocol.md,
        "States")."""
        self._set_mode("background")
        await self._engine.lifecycle.suspend()

    async def resume(self) -> None:
        """Connect now that the app is in front, or make sure that the connection lives and nothing was missed."""
        self.foreground()
        lifecycle = self._engine.lifecycle
        if lifecycle.phase is Phase.READY and lifecycle.connection is not None:
            if lifecycle.connection.silent_s() > SILENCE_S:
                lifecycle.connection.probe()
            await self.sync()

    def foreground(self) -> None:
        """Say that the app is in front, and connect soon if it waits for that (protocol.md, "mode" and "States")."""
        self._set_mode("foreground")
        self._engine.lifecycle.revive()

    def background(self) -> None:
        """Say that the app is not in front but may run: fewer heartbeats, no ephemerals (protocol.md, "mode")."""
        self._set_mode("background")

    def network_changed(self) -> None:
        """Probe the connection, or try again now: the system reports a usable network (protocol.md, "States")."""
        self._engine.file_requests.wake()
        lifecycle = self._engine.lifecycle
        if lifecycle.connection is not None and lifecycle.phase is Phase.READY:
            lifecycle.connection.probe()
        elif lifecycle.phase is Phase.BACKOFF:
            lifecycle.wake()

    @property
    def phase(self) -> Phase:
        """The phase of the connection."""
        return self._engine.lifecycle.phase

    @property
    def closed(self) -> Closed | None:
        """The reason why the phase is STOPPED; None in any other phase."""
        return self._engine.lifecycle.closed

    # The local state.

    @property
    def user(self) -> str:
        """The user of this account, empty before the first hello."""
        return self._engine.account.user

    @property
    def device(self) -> str:
        """The id of this device."""
        return self._engine.device

    @property
    def rooms(self) -> Mapping[str, Room]:
        """The rooms of the account, by id."""
        return {room: Room(self._engine, room) for room in self._engine.account.replicas}

    @property
    def totals(self) -> Mapping[str, int]:
        """The numbers of rooms, unread messages and mentions, friend requests and message requests, as the server
        counted them last (protocol.md, "SyncPage")."""
        return self._engine.account.totals

    @property
    def presence(self) -> Mapping[str, Presence]:
        """The presence of the watched users."""
        return self._engine.account.presence

    @property
    def outbox(self) -> list[Entry]:
        """The mutations that the server has not acknowledged, in order, FAILED ones included."""
        return list(self._engine.sender.outbox)

    def room(self, room: str) -> Room:
        """The room with this id, whether or not it is known yet."""
        return Room(self._engine, room)

    def changes(self) -> ChangeStream:
        """Return an async iterator of all changes from now on; see change_feed.py for its bound."""
        stream = ChangeStream(self._engine.feed, self._settings.changes_max)
        self._streams.append(stream)
        return stream

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` at once with every change; the returned function ends the subscription."""
        return self._engine.feed.subscribe(listener)

    # Rooms.

    async def direct(self, user: str) -> Room:
        """Return the 1:1 room with a user; it is created if there is none."""
        return await self._taken(await self._engine.call({"type": "room.direct", "user": user}))

    async def create_group(self, title: str, users: Iterable[str] = (), **settings: object) -> Room:
        """Create a group owned by this user; `settings`: `avatar`, `public`, `data`,
        `policy`, `about`, `tags` (protocol.md, "room.create")."""
        packet = {"type": "room.create", "kind": "group", "title": title, "users": list(users), **settings}
        return await self._taken(await self._engine.mutate(packet))

    async def create_channel(self, title: str, **settings: object) -> Room:
        """Create a channel owned by this user; `settings` as of `create_group` (protocol.md, "Channels")."""
        packet = {"type": "room.create", "kind": "channel", "title": title, **settings}
        return await self._taken(await self._engine.mutate(packet))

    async def join(self, room: str, text: str = "") -> Room | None:
        """Enter a group, or follow a channel, and return it; None: an admin decides, to whom `text` goes
        (protocol.md, "Entering groups")."""
        joined = self.room(room)
        if not await joined.join(text):
            return None
        await joined.refresh()
        return joined

    # The account.

    async def devices(self) -> list[DeviceEntry]:
        """Return the devices of this user: `device`, `app`, `os`, `last_seen`."""
        reply: DevicesReply = await self._engine.call({"type": "devices.list"})
        return list(reply.get("devices", ()))

    async def remove_device(self, device: str) -> None:
        """Log out a device of this user."""
        await self.call({"type": "devices.remove", "device": device})

    def account_rows(self, section: str = "account") -> Mapping[str, Any]:
        """Return the account rows of a section by name, as the server sent them last; at first those of the last run
        (protocol.md, "Account rows")."""
        return self._engine.account.rows.section(section)

    @property
    def preferences(self) -> Mapping[str, bool]:
        """Whether `receipts` and `presence` are shown to others, whichever device chose so."""
        chosen = self.account_rows().get("preferences", {})
        return {name: chosen.get(name, True) for name in ("receipts", "presence")}

    async def show_receipts(self, shown: bool) -> None:
        """Set whether others see how far this user has read; a user who hides it sees nobody's (protocol.md,
        "preferences")."""
        await self.call({"type": "preferences", "receipts": shown})

    async def show_presence(self, shown: bool) -> None:
        """Set whether others see when this user is online and was last seen; a user who hides it sees nobody's
        (protocol.md, "preferences")."""
        await self.call({"type": "preferences", "presence": shown})

    def focus(self, rooms: Iterable[Room | str]) -> None:
        """Name the rooms on the screen, at most 8; they are kept up to date at once (protocol.md, "focus")."""
        ids = [room.id if isinstance(room, Room) else room for room in rooms]
        self._engine.signals.focus(ids)
        for room in ids:
            replica = self._engine.account.peek(room)
            if replica.timeline.behind:
                self._engine.repairer.perhaps(replica)

    def watch(self, users: Iterable[str]) -> None:
        """Follow the presence of these users, at most 200 (protocol.md, "watch")."""
        self._engine.signals.watch(users)

    # The moderators, and bots.

    async def report(
        self, reason: Reason, *, user: str = "", room: str = "", seq: int = 0, text: str = "", key: str = ""
    ) -> Report:
        """Tell the moderators of a user, of a room, or of message `seq` in it (protocol.md, "report").

        One that got no answer is repeated with the same `key`, 22 letters of one's own making.
        """
        named = {"user": user, "room": room, "seq": seq, "text": text}
        packet: Packet = {"type": "report", "key": key or self._settings.env.key(), "reason": reason}
        packet |= {name: value for name, value in named.items() if value}
        reply: ReportReply = await self._engine.call(packet)
        return Report(reply["report"], reply.get("duplicate", False))

    async def fetch_bot(self, bot: str) -> Bot:
        """Return the commands of a bot or official account, and whether it greets; the app keeps them for a day
        (protocol.md, "bots.get"). Raises `NotFound` for any other user."""
        reply: BotReply = await self._engine.call({"type": "bots.get", "bot": bot})
        return bot_from(reply)

    # Outbox and the rest.

    def resend(self, key: str) -> bool:
        """Try a FAILED entry again with its old key; False if there is none."""
        return self._engine.sender.resend(key)

    def discard(self, key: str) -> bool:
        """Remove an entry that is not in flight; False if there is none."""
        return self._engine.sender.discard(key)

    async def sync(self) -> None:
        """Fetch what changed since the cursor, on the live connection (protocol.md, "sync")."""
        await self._engine.sync()

    async def call(self, packet: Packet, timeout: float | None = None) -> Packet:
        """Send any request of the protocol, given without `id`, and return its `ok`. Raises `ChatError`, `Closed` or
        `Unreachable`."""
        reply: Packet = await self._engine.call(packet, timeout)
        return reply

    async def _taken(self, reply: Ack) -> Room:
        """Return the room of a summary; a young one is read at once, so that no hole precedes what is written next."""
        replica = self._engine.account.take_summary(reply["summary"])
        if isinstance(replica.timeline.plan(), Fetch):
            await self._engine.repairer.repair(replica)
        return self.room(replica.room)

    def _set_mode(self, mode: str) -> None:
        self._engine.set_mode(mode)


def _check_address(url: str) -> None:
    """Raise ValueError for a text that is not the address of a server."""
    # Its `port` raises ValueError when it is no number, or too large.
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.port == 0:
        raise ValueError(f"not a ws: or wss: address: {url}")
