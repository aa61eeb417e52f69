"""The public face of the library: one `Client` per account and device."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from .change_feed import ChangeStream
from .core.account import Presence
from .core.changes import Change
from .core.errors import Closed, Unreachable
from .core.outbox import Entry
from .core.packets import Ack, DeviceEntry, DevicesReply, Packet, UserEntry, UsersReply
from .core.states import Phase
from .core.timeline import Fetch
from .engine import Engine
from .rooms import Room
from .settings import Settings
from .storage import MemoryStorage, Storage
from .tokens import GetToken

SILENCE_S = 5.0
"""A link silent for longer is probed when the app comes back (protocol.md, "States")."""


class Client:
    """A chat account, live.

        storage = FileStorage("me.chat")
        async with Client("wss://chat.example/v1/ws", get_token, storage=storage) as client:
            room = await client.direct("bob")
            await room.send("Hi")
            async for change in client.changes():
                ...

    `token` is an `async def` that gives a token; it is asked again whenever the server refuses one. `device` is the
    id of this installation, made once and kept in the storage if not given. `storage` keeps the outbox and the
    positions; without one nothing survives the process. One storage belongs to one account.

    `async with` connects and waits until READY. An app that starts offline calls `start` instead: rooms and outbox
    of the last run are there at once, and everything else happens when the network does.
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
        """Load what is stored and connect in the background."""
        await self._engine.start(self._device)

    async def connect(self, timeout: float | None = None) -> None:
        """Start and wait until READY; raises `Closed` if the server will not have us, `Unreachable` after
        `timeout`. The `__cause__` of both is what the last attempt met, if it met anything."""
        await self.start()
        try:
            async with asyncio.timeout(timeout):
                await self._engine.wait_ready()
        except TimeoutError:
            trouble = self._engine.lifecycle.trouble
            raise Unreachable(f"not connected in time: {trouble or 'no answer'}") from trouble

    async def close(self) -> None:
        """Close the connection and the storage, end every iterator. The client is of no use after that."""
        await self._engine.stop()
        for stream in self._streams:
            stream.end()
        self._streams.clear()

    async def suspend(self) -> None:
        """The app may not run any more: tell the server, close, and do nothing until `resume` (protocol.md,
        "States")."""
        self._set_mode("background")
        await self._engine.lifecycle.suspend()

    async def resume(self) -> None:
        """The app is in front again: connect, or make sure that the connection lives and nothing was missed."""
        self._set_mode("foreground")
        lifecycle = self._engine.lifecycle
        lifecycle.revive()
        if lifecycle.phase is Phase.READY and lifecycle.connection is not None:
            if lifecycle.connection.silent_s() > SILENCE_S:
                lifecycle.connection.probe()
            await self.sync()

    def foreground(self) -> None:
        """The app is in front."""
        self._set_mode("foreground")

    def background(self) -> None:
        """The app is not in front but may run: fewer heartbeats, no ephemerals (protocol.md, "mode")."""
        self._set_mode("background")

    def network_changed(self) -> None:
        """The system reports a usable network: probe the connection, or try again now (protocol.md, "States")."""
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
        """Why the phase is STOPPED."""
        return self._engine.lifecycle.closed

    # What is known.

    @property
    def user(self) -> str:
        """The own user, empty before the first hello."""
        return self._engine.account.user

    @property
    def device(self) -> str:
        """The own device."""
        return self._engine.device

    @property
    def rooms(self) -> Mapping[str, Room]:
        """The rooms of the account, as of now."""
        return {room: Room(self._engine, room) for room in self._engine.account.replicas}

    @property
    def presence(self) -> Mapping[str, Presence]:
        """The watched users."""
        return self._engine.account.presence

    @property
    def outbox(self) -> list[Entry]:
        """The mutations the server does not have yet, in order, FAILED ones included."""
        return list(self._engine.sender.outbox)

    def room(self, room: str) -> Room:
        """The room with this id, whether or not it is known yet."""
        return Room(self._engine, room)

    def changes(self) -> ChangeStream:
        """An async iterator of everything that happens from now on; see change_feed.py for its bound."""
        stream = ChangeStream(self._engine.feed, self._settings.changes_max)
        self._streams.append(stream)
        return stream

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` at once with every change; the result ends it."""
        return self._engine.feed.subscribe(listener)

    # Rooms and people.

    async def direct(self, user: str) -> Room:
        """The 1:1 room with a user, made if there is none."""
        return await self._taken(await self._engine.call({"type": "room.direct", "user": user}))

    async def create_group(self, title: str, users: Iterable[str] = (), **settings: object) -> Room:
        """A new group of which one is the owner; `settings`: `avatar`, `public`, `data` (protocol.md,
        "room.create")."""
        packet = {"type": "room.create", "kind": "group", "title": title, "users": list(users), **settings}
        return await self._taken(await self._engine.mutate(packet))

    async def join(self, room: str) -> Room:
        """Join a public room."""
        joined = self.room(room)
        await joined.join()
        await joined.refresh()
        return joined

    async def users(self, users: Iterable[str]) -> list[UserEntry]:
        """Display data of at most 100 users: `user`, `name`, `avatar`, `version`."""
        asked, found = list(dict.fromkeys(users)), list[UserEntry]()
        while True:  # a reply may hold the first of them only
            packet = {"type": "users.get", "users": asked[len(found) :]}
            reply: UsersReply = await self._engine.call(packet)
            found += reply.get("users", ())
            if len(found) >= len(asked) or not reply.get("users"):
                return found

    async def devices(self) -> list[DeviceEntry]:
        """The own devices: `device`, `app`, `os`, `last_seen`."""
        reply: DevicesReply = await self._engine.call({"type": "devices.list"})
        return list(reply.get("devices", ()))

    async def remove_device(self, device: str) -> None:
        """Log a device out."""
        await self.call({"type": "devices.remove", "device": device})

    async def register_push(self, platform: str, token: str) -> None:
        """Register this device's push token; `platform` is `apns`, `fcm` or `web`."""
        await self.call({"type": "devices.push", "platform": platform, "token": token})

    def account_rows(self, section: str = "account") -> Mapping[str, Any]:
        """The own account rows of a section, by name, as last told; those of the last run before that (protocol.md,
        "Account rows")."""
        return self._engine.account.rows.section(section)

    @property
    def preferences(self) -> Mapping[str, bool]:
        """Whether `receipts` and `presence` are shown, whichever device chose so."""
        return {"receipts": True, "presence": True, **self.account_rows().get("preferences", {})}

    async def show_receipts(self, shown: bool) -> None:
        """Whether others see how far one read; those who hide see nobody's (protocol.md, "preferences")."""
        await self.call({"type": "preferences", "receipts": shown})

    async def show_presence(self, shown: bool) -> None:
        """Whether others see when one is there and was last; those who hide see nobody's (protocol.md,
        "preferences")."""
        await self.call({"type": "preferences", "presence": shown})

    def focus(self, rooms: Iterable[Room | str]) -> None:
        """These rooms are on the screen now, at most 8; they are kept up to date at once (protocol.md, "focus")."""
        ids = [room.id if isinstance(room, Room) else room for room in rooms]
        self._engine.signals.focus(ids)
        for room in ids:
            replica = self._engine.account.peek(room)
            if replica.timeline.behind:
                self._engine.repairer.perhaps(replica)

    def watch(self, users: Iterable[str]) -> None:
        """Tell of the presence of these users, at most 200 (protocol.md, "watch")."""
        self._engine.signals.watch(users)

    # Outbox and the rest.

    def resend(self, key: str) -> bool:
        """Try a FAILED entry again with its old key; False if there is none."""
        return self._engine.sender.resend(key)

    def discard(self, key: str) -> bool:
        """Give up an entry that is not on its way right now; False if there is none."""
        return self._engine.sender.discard(key)

    async def sync(self) -> None:
        """Ask what changed since the cursor, on the live connection (protocol.md, "sync")."""
        await self._engine.sync()

    async def call(self, packet: Packet, timeout: float | None = None) -> Packet:
        """Any request of the protocol, without `id`; its `ok`. Raises `ChatError`, `Closed` or `Unreachable`."""
        reply: Packet = await self._engine.call(packet, timeout)
        return reply

    async def _taken(self, reply: Ack) -> Room:
        """The room of a summary; a young one is read at once, so that what is written next has no hole before it."""
        replica = self._engine.account.take_summary(reply["summary"])
        if isinstance(replica.timeline.plan(), Fetch):
            await self._engine.repairer.repair(replica)
        return self.room(replica.room)

    def _set_mode(self, mode: str) -> None:
        self._engine.set_mode(mode)


def _check_address(url: str) -> None:
    """Raise ValueError for what is no address of a server."""
    parts = urlsplit(url)  # its `port` raises by itself when it is no number, or too large
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.port == 0:
        raise ValueError(f"not a ws: or wss: address: {url}")
