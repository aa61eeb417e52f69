"""The parts of a client put together; the public face is client.py, the rules are in the parts.

Everything on a connection passes through here in order: hello, replies and pushes, the end.
"""

import asyncio
import logging
from functools import partial

from .change_feed import ChangeFeed
from .connection import HELLO_HEARTBEAT_S, Connection, Ending
from .core.acks import event_of
from .core.changes import Change, MessageAdded, StateChanged
from .core.codec import CODECS
from .core.errors import ChatError, Closed, ConnectionLost, Unreachable
from .core.files import MediaOffer
from .core.packets import Ack, Decoded, Event, HelloReply, ModeReply, Packet
from .core.people import PeopleAccount
from .core.records import Record
from .core.replica import Replica
from .core.states import Phase, close_rule
from .downloads import Downloads
from .env import Timer, wait
from .file_requests import FileRequests
from .lifecycle import VERSION, Lifecycle
from .live_notes import LiveNotes
from .repair import Repairer
from .sender import Receipt, Sender
from .settings import Settings
from .signals import Signals
from .storage import Storage
from .token_refresh import TokenRefresh
from .tokens import GetToken, Tokens
from .typing_state import TypingState
from .uploads import Uploads

log = logging.getLogger(__name__)

SMALLEST_PAGE = 10
"""Rooms of a page below which a slow link (4002) no longer halves it."""

OTHER_USER = 4299
"""The close code of the client itself for "the token is of another user": in the range that stops, and never on the
wire."""


class Engine:
    """One client without its public face; it is the delegate of its account and of its life cycle."""

    def __init__(self, url: str, get_token: GetToken, storage: Storage, settings: Settings) -> None:
        env, timing = settings.env, settings.timing
        self.settings = settings
        self.storage = storage
        self.device = ""
        self.feed = ChangeFeed()
        self.typing_state = TypingState(env, timing.typing_shown_s, self.feed)
        self.live_notes = LiveNotes(env, timing.live_note_shown_s, self.feed)
        self.account = PeopleAccount(self, settings.messages_kept)
        self.sender = Sender(storage, self.account, self.feed, CODECS[settings.encoding](), settings)
        self.repairer = Repairer(self.call, self.account, settings)
        self.signals = Signals(self.account, settings)
        tokens = Tokens(get_token)
        self.lifecycle = Lifecycle(url, tokens, settings, self)
        self._token_refresh = TokenRefresh(tokens, settings)
        self.file_requests = FileRequests(self, tokens, settings)
        self.uploads = Uploads(self.file_requests, storage, settings)
        self.downloads = Downloads(self.file_requests)
        self._page = settings.first_page
        self._decided = asyncio.Event()
        self._noting: Timer | None = None
        self._cards: asyncio.Task[None] | None = None
        # Of this device for push notifications, once the server took it.
        self.registration: Packet | None = None

    # Lifecycle.

    async def start(self, device: str) -> None:
        """Load what is stored and begin to connect."""
        if not self.device:
            await self._load(device)
        self.lifecycle.start()

    async def stop(self) -> None:
        """Close the connection and the storage; a stopped engine cannot be started again."""
        await self.lifecycle.stop()
        self.uploads.close()
        self.file_requests.close()
        if self.device:
            self._note()
            await self.storage.close()

    async def _load(self, device: str) -> None:
        tables = await self.storage.load()
        self.account.restore(tables)
        self.sender.restore(tables)
        self.uploads.restore(tables)
        # What was just read need not be written.
        self.account.records()
        if self.settings.delivered:
            self.feed.subscribe(self.signals.arrived)
        stored = tables.get("account", {}).get("device", "")
        self.device = device or stored or self.settings.env.device()
        if self.device != stored:
            # Before the first hello: the server would know a device that nobody has after a crash.
            await self.storage.save([Record("account", "device", self.device)])

    # Requests.

    async def wait_ready(self) -> Connection:
        """Return the connection once it is READY; raises `Closed` when the client is stopped."""
        while True:
            connection = self.lifecycle.connection
            if self.lifecycle.phase is Phase.READY and connection is not None and connection.alive:
                return connection
            if self.lifecycle.phase is Phase.STOPPED:
                raise self._why_stopped() from self.lifecycle.trouble
            self._decided.clear()
            await self._decided.wait()

    async def call(self, packet: Packet, timeout: float | None = None) -> Decoded:
        """Return the `ok` to a request, over as many connections as it takes within `timeout` seconds.

        Every request of the protocol may be repeated: reads, keyed mutations, replacements of a set. A refusal for
        now is waited out if the time allows. Raises the `ChatError`, `Closed` or `Unreachable`.
        """
        limit = self.settings.timing.call_s if timeout is None else timeout
        refusal: ChatError | None = None
        try:
            async with asyncio.timeout(limit):
                while True:
                    try:
                        return await (await self.wait_ready()).request(packet)
                    except ConnectionLost:
                        # Let the life cycle notice the loss.
                        await asyncio.sleep(0)
                    except ChatError as error:
                        refusal = error
                        await self._wait_out(error, limit)
        except TimeoutError:
            raise refusal or Unreachable(f"no answer to {packet['type']} within {limit:g} s") from None

    async def mutate(self, packet: Packet, *, logged: bool = True) -> Ack:
        """Send a request with a `key` like `call`; the event that it appended to the log is applied, or fetched.

        `logged=False`: this client does not see that log any more, or there is none.
        """
        packet = {**packet, "key": self.settings.env.key()}
        ack: Ack = await self.call(packet)
        event = event_of(packet, ack, self.account.user)
        if not logged or "room" not in packet:
            return ack
        if event is not None:
            self.account.take_events(packet["room"], [event])
        elif "seq" in ack:
            self.account.take_head(packet["room"], ack["seq"])
            self.repairer.soon(self.account.replica(packet["room"]))
        return ack

    async def deliver(self, packet: Packet) -> Receipt:
        """Send by the outbox and wait for the acknowledgement; raises `Closed` at once if the client is stopped."""
        self.check_running()
        return await self.sender.deliver(packet)

    async def sync(self) -> None:
        """Fetch what changed since the cursor (protocol.md, "sync"); further pages follow in the background. During a
        round all of them do: a round begun in its middle would pass for a whole one."""
        if self.repairer.in_round:
            self.repairer.sync_again()
            return
        account = self.account
        account.begin_round()
        start = {"cursor": account.cursor} if account.cursor else {}
        more = account.take_sync(await self.call({"type": "sync", "rooms": self.repairer.page, **start}))
        if more:
            self.repairer.pages(more)

    def on_more_rows(self) -> None:
        self.repairer.sync_again()

    def on_synced(self) -> None:
        asked = self.account.cards_due(self.settings.env.time_ms())
        if asked is not None:
            self._cards = asyncio.create_task(self._fetch_cards(asked))

    async def _fetch_cards(self, asked: Packet | None) -> None:
        try:
            while asked is not None:
                asked = self.account.take_cards(await self.call(asked))
        except (ChatError, Closed, Unreachable) as error:
            log.info("no cards today: %s", error)
        self.note_soon()

    def set_mode(self, mode: str) -> None:
        """Set `foreground` or `background`, now and in every hello to come (protocol.md, "mode")."""
        self.lifecycle.background = mode == "background"
        connection = self.lifecycle.connection
        if connection is not None and self.lifecycle.phase is Phase.READY:
            connection.ask_until_taken(self._mode, partial(_take_heartbeat, connection))

    def _mode(self) -> Packet:
        return {"type": "mode", "mode": "background" if self.lifecycle.background else "foreground"}

    def _why_stopped(self) -> Closed:
        return self.lifecycle.closed or Closed(0, "not started")

    async def _wait_out(self, error: ChatError, limit: float) -> None:
        pause = self.settings.timing.pause_s(error.retry_after)
        if error.retry not in ("later", "after_auth") or pause > limit:
            raise error
        await wait(self.settings.env, pause)

    # What files need.

    async def media_offer(self) -> MediaOffer | None:
        if self.account.media is None:
            await self.wait_ready()
        return self.account.media

    def check_running(self) -> None:
        if self.lifecycle.phase is Phase.STOPPED:
            raise self._why_stopped() from self.lifecycle.trouble

    # The delegate of the account.

    def on_change(self, change: Change) -> None:
        self.feed.emit(change)
        if isinstance(change, MessageAdded):
            self.typing_state.stopped(change.room, change.message.user)

    def on_typing(self, room: str, user: str, what: str) -> None:
        self.typing_state.typing(room, user, what)

    def on_voice(self, room: str, user: str, file: str, state: str) -> None:
        self.live_notes.take(room, user, file, state)

    def on_gap(self, replica: Replica) -> None:
        self.repairer.soon(replica)

    def on_behind(self, replica: Replica) -> None:
        self.repairer.perhaps(replica)

    def on_own_message(self, event: Event) -> None:
        self.sender.own_message(event)

    # The delegate of the life cycle.

    def hello(self, token: str) -> Packet:
        settings, account = self.settings, self.account
        hello: Packet = {"type": "hello", "version": VERSION, "token": token, "device": self.device}
        words = {"app": settings.app, "os": settings.os, "locale": settings.locale}
        hello |= {name: value for name, value in words.items() if value}
        deflate = settings.deflate and settings.encoding == "msgpack"
        hello["features"] = ["deflate", *account.asked] if deflate else [*account.asked]
        if self.lifecycle.background:
            hello["mode"] = "background"
        if account.focused:
            hello["focus"] = list(account.focused)
        hello["rooms"] = self._page
        if account.epoch and account.cursor:
            hello |= {"epoch": account.epoch, "cursor": account.cursor, "events": settings.inline_events}
        account.begin_round()
        return hello

    def on_opened(self, connection: Connection) -> None:
        self.sender.opened(connection)

    def on_welcomed(self, connection: Connection, reply: HelloReply) -> None:
        if self.account.user not in ("", reply["user"]):
            connection.drop("the storage belongs to another user", OTHER_USER)
            return
        self.account.take_hello(reply)
        more = self.account.take_sync(reply["sync"])
        self.repairer.page = min(self.repairer.page, connection.limits.page)
        if more:
            self.repairer.pages(more)
        self.sender.ready(connection.limits)
        self.signals.connected(connection)
        if self.registration is not None and self.account.push and not self.account.push.get("registered"):
            registration = self.registration
            connection.ask_until_taken(lambda: registration, lambda answer: None)
        self.repairer.resume()
        self.file_requests.wake()
        self.note_soon()

    def on_push(self, packet: Packet) -> None:
        if packet.get("type") == "token_expiring" and self.lifecycle.connection is not None:
            self._token_refresh.start(self.lifecycle.connection)
            return
        self.account.take_push(packet)
        self.note_soon()

    def on_lost(self, ending: Ending) -> None:
        rule = close_rule(ending.code)
        if rule.drop_cursor:
            self.account.drop_cursor()
        if rule.smaller_pages:
            self._page = max(SMALLEST_PAGE, self._page // 2)
            self.repairer.page = max(SMALLEST_PAGE, self.repairer.page // 2)
        self._token_refresh.stop()
        self.repairer.stop()
        self.sender.lost()
        self.signals.disconnected()
        self.typing_state.clear()
        self.live_notes.clear()
        # The app may be suspended or killed before the next timer.
        self._note()

    def on_phase(self, phase: Phase, closed: Closed | None) -> None:
        self._decided.set()
        if closed is not None and phase is Phase.STOPPED:
            self.sender.stopped(closed)
            self.feed.emit(StateChanged(phase, closed.code, closed.reason))
        else:
            self.feed.emit(StateChanged(phase))

    # Storing positions.

    def note_soon(self) -> None:
        """Store what changed, in a moment."""
        if self._noting is None and self.account.unstored:
            self._noting = self.settings.env.call_later(self.settings.timing.positions_s, self._note)

    def _note(self) -> None:
        if self._noting is not None:
            self._noting.cancel()
            self._noting = None
        if self.account.unstored:
            self.storage.note(self.account.records())


def _take_heartbeat(connection: Connection, answer: ModeReply | ChatError | None) -> None:
    if isinstance(answer, dict):
        connection.set_heartbeat(answer.get("heartbeat", HELLO_HEARTBEAT_S))
