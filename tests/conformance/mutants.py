"""The Python client with one rule of protocol.md broken, as a testee: `python -m tests.conformance.mutants NAME`.

Each mutant replaces something in its own process, so that the client itself has no switch for it. The kit must find
every one of them: `FOUND_BY` of test_mutants.py says by what.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from chatd.client import (
    connection,
    engine,
    lifecycle,
    people,
    repair,
    sender,
    signals,
    testee,
    token_refresh,
    tokens,
)
from chatd.client.core import account, bots, codec, deadlines, messages, outbox, replica, states, timeline
from chatd.client.core.errors import ChatError
from chatd.client.core.people import PeopleAccount
from chatd.client.core.records import Record
from chatd.client.core.states import CLOSES
from chatd.client.env import SystemEnv

Mutation = Callable[[], None]
MUTANTS: dict[str, Mutation] = {}


def mutant(mutation: Mutation) -> Mutation:
    """Register a mutation under its name."""
    MUTANTS[mutation.__name__.replace("_", "-")] = mutation
    return mutation


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace a method by `around(original, self, ...)`."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *args, **named: around(original, *args, **named))


# The life cycle.


@mutant
def no_jitter() -> None:
    """The delay of a reconnect is the longest there may be."""
    wrap(states.Backoff, "delay_s", lambda original, self, random, *rest: original(self, 0.999, *rest))


@mutant
def no_backoff() -> None:
    """The delay does not grow."""

    def delay(original: Any, self: Any, *rest: Any) -> float:
        self.k = 0
        return float(original(self, *rest))

    wrap(states.Backoff, "delay_s", delay)


@mutant
def backoff_forgets_at_once() -> None:
    """The delay begins anew as soon as READY was reached, not after 30 s in it."""
    wrap(states.Backoff, "ready", lambda original, self, now: self.reset() or original(self, now))


@mutant
def early_after_bye() -> None:
    """`retry_after` of a `bye` is not waited for."""
    wrap(lifecycle.Lifecycle, "_follow", lambda original, self, ending: original(self, _hasty(ending)))


def _hasty(ending: connection.Ending) -> connection.Ending:
    return connection.Ending(ending.code, ending.reason, 0.0, ending.to)


@mutant
def early_after_503() -> None:
    """`Retry-After` of a refused upgrade is not waited for."""
    wrap(lifecycle.Lifecycle, "_delay_s", lambda original, self, at_least_s=0.0: original(self, 0.0))


@mutant
def reconnects_when_replaced() -> None:
    """4200 is taken for the loss of a link."""
    CLOSES[4200] = states.CloseRule("replaced")


@mutant
def reconnects_when_revoked() -> None:
    """An unknown close code above 4200, and 4201, are taken for the loss of a link."""
    CLOSES[4201] = states.CloseRule("revoked")
    states._RANGES = ()  # type: ignore[assignment]


@mutant
def shows_an_expired_token_again() -> None:
    """After 4100 the same token is tried again."""
    CLOSES[4100] = states.CloseRule("token_expired")
    wrap(tokens.Tokens, "refused", lambda original, self, code: False)


@mutant
def second_connection() -> None:
    """A network change opens another connection beside the one there is."""

    def changed(original: Any, self: Any) -> None:
        original(self)
        self._engine.lifecycle._task = asyncio.ensure_future(self._engine.lifecycle._live())

    from chatd.client.client import Client

    wrap(Client, "network_changed", changed)


@mutant
def speaks_after_bye() -> None:
    """What waits is still sent behind a `bye`."""

    def bye(original: Any, self: Any, push: Any) -> None:
        self.send({"type": "pong"})
        self._env.call_later(0.5, lambda: self._queue([self._codec.encode({"type": "pong"})]))
        self._on_push(push)
        self.later = connection.Ending(
            push.get("close", 0), push.get("reason", ""), push.get("retry_after", 0) / 1000
        )

    wrap(connection.Connection, "_bye", bye)
    connection._ENVELOPE["bye"] = connection.Connection._bye


@mutant
def never_notices_silence() -> None:
    """A silent link is never dropped."""
    deadlines.Deadlines._dead_at = property(lambda self: 1e9)  # type: ignore[assignment, method-assign]


@mutant
def no_pong() -> None:
    """A `ping` of the server is not answered."""
    connection._ENVELOPE["ping"] = lambda self, packet: self._on_push(packet)


@mutant
def new_device_each_time() -> None:
    """Every hello names another device."""

    def hello(original: Any, self: Any, token: str) -> Any:
        return {**original(self, token), "device": SystemEnv().device()}

    wrap(engine.Engine, "hello", hello)


@mutant
def connects_while_suspended() -> None:
    """The app in the background reconnects by itself."""

    async def suspend(original: Any, self: Any) -> None:
        await original(self)
        self._settings.env.call_later(5.0, self.wake)

    wrap(lifecycle.Lifecycle, "suspend", suspend)


# The account.


@mutant
def cursor_before_pages() -> None:
    """The cursor is stored as soon as it comes, the rooms it stands for a second later."""

    def welcomed(original: Any, self: Any, link: Any, reply: Any) -> None:
        original(self, link, reply)
        early = {"epoch": self.account.epoch, "cursor": self.account.cursor}
        self.storage.note([Record("account", name, value) for name, value in early.items()])

    wrap(engine.Engine, "on_welcomed", welcomed)


@mutant
def stale_cursor_over_a_new_epoch() -> None:
    """Another epoch leaves the positions of the rooms as they are."""

    def take_hello(original: Any, self: Any, reply: Any) -> None:
        self.epoch = reply["epoch"] if self.epoch else ""
        original(self, reply)

    wrap(account.Account, "take_hello", take_hello)


@mutant
def cursor_kept_after_resync() -> None:
    """4005 does not drop the cursor."""
    CLOSES[4005] = states.CloseRule("resync")


@mutant
def full_round_forgets_nothing() -> None:
    """Rooms that no page of a full round named are kept."""

    def end(original: Any, self: Any, cursor: str) -> None:
        self._listed = None
        original(self, cursor)

    wrap(account.Account, "_end_round", end)


@mutant
def gone_is_ignored() -> None:
    """A room that the user left is kept."""
    wrap(account.Account, "_lose", lambda original, self, room, reason: None)


# The log of a room.


@mutant
def reset_ignored() -> None:
    """A `log` with `reset` is taken for an empty one."""

    def take_log(original: Any, self: Any, reply: Any) -> Any:
        if reply.get("reset"):
            self.applied = reply["seq"]
            return True, []
        return original(self, reply)

    wrap(timeline.Timeline, "take_log", take_log)


@mutant
def gap_ignored() -> None:
    """An event above a hole is applied at once."""
    wrap(repair.Repairer, "soon", lambda original, self, replica: None)


@mutant
def gap_asked_at_once() -> None:
    """A hole is asked for at once, though it may close by itself."""
    wrap(repair.Repairer, "soon", lambda original, self, replica: self._queue(replica.room))


@mutant
def cut_log_is_not_continued() -> None:
    """`next` of a log is not looked at: what is behind it never comes."""

    async def repaired(original: Any, self: Any, replica: Any) -> None:
        plan = replica.timeline.plan()
        if isinstance(plan, timeline.Fetch):
            await self._log(replica, plan)
        elif plan is not None:
            await self._jump(replica)

    wrap(repair.Repairer, "repair", repaired)


@mutant
def old_operation_wins() -> None:
    """An operation is applied although a later one was."""
    original = messages.changed_by

    def changed_by(message: Any, event: Any, *rest: Any, **named: Any) -> Any:
        from dataclasses import replace

        return original(replace(message, changed=0), event, *rest, **named)

    timeline.changed_by = changed_by  # type: ignore[attr-defined, assignment]


@mutant
def recalled_text_returns() -> None:
    """An older reply brings recalled text back."""
    timeline.emptied = lambda message, *rest: message  # type: ignore[attr-defined]


@mutant
def jump_keeps_unread() -> None:
    """After a jump the summary is not asked for."""

    async def jump(original: Any, self: Any, replica: Any) -> None:
        reply = await self._ask(replica, "history", limit=repair.JUMP_PAGE)
        self._account.publish(replica, replica.timeline.take_newest(reply))

    wrap(repair.Repairer, "_jump", jump)


@mutant
def own_messages_are_unread() -> None:
    """Own messages count as unread."""

    def counted(original: Any, self: Any, changes: Any) -> Any:
        me, self.me = self.me, ""
        try:
            return original(self, changes)
        finally:
            self.me = me

    wrap(replica.Replica, "counted_in", counted)


# The outbox.


@mutant
def ack_not_applied() -> None:
    """An acknowledged message is not put into its room."""
    wrap(sender.Sender, "_apply", lambda original, self, entry, ack: None)


@mutant
def new_key_after_reconnect() -> None:
    """What had no answer when the link was lost is sent again under another key."""

    def unknown(original: Any, self: Any, entry: Any) -> None:
        original(self, entry)
        if entry.key in self._entries:
            del self._entries[entry.key]
            entry.key = SystemEnv().key()
            entry.packet = {**entry.packet, "key": entry.key}
            self._entries[entry.key] = entry

    wrap(outbox.Outbox, "unknown", unknown)


@mutant
def early_retry() -> None:
    """`retry_after` of a refusal is not waited for."""

    def refused(original: Any, self: Any, error: Any, now: float, later_s: float) -> None:
        original(self, _error({**_packet(error), "retry_after": 0}), now, later_s)

    wrap(outbox.Pace, "refused", refused)


def _error(packet: Any) -> ChatError:
    return ChatError(packet)


def _packet(error: ChatError) -> dict[str, Any]:
    return {"code": error.name, "retry": error.retry, "scope": error.scope}


@mutant
def retries_what_was_refused_for_good() -> None:
    """`never` is taken for `later`."""

    def refused(original: Any, self: Any, entry: Any, error: Any, now: float) -> Any:
        return original(self, entry, _error({**_packet(error), "retry": "later"}), now)

    wrap(outbox.Outbox, "refused", refused)


@mutant
def drops_what_has_no_answer() -> None:
    """What had no answer when the link was lost is forgotten."""
    wrap(outbox.Outbox, "unknown", lambda original, self, entry: self.done(entry.key))


@mutant
def two_frames_at_once() -> None:
    """Messages of a room are sent while others of it have no answer."""

    def take(original: Any, self: Any, now: float, window: Any) -> Any:
        for lane in self._lanes.values():
            lane.entries = type(lane.entries)(e for e in lane.entries if e.state is outbox.State.QUEUED)
            lane.unanswered.clear()
        return original(self, now, window)

    wrap(outbox.Outbox, "take", take)


@mutant
def newest_first() -> None:
    """The outbox is sent from its end."""

    def add(original: Any, self: Any, entry: Any) -> None:
        original(self, entry)
        lane = self._lanes.get(entry.room)
        if lane is not None:
            lane.entries.rotate(1)

    wrap(outbox.Outbox, "add", add)


@mutant
def outbox_is_not_stored() -> None:
    """A message is sent before it is stored, and not stored at all."""
    wrap(sender.Sender, "restore", lambda original, self, tables: None)


@mutant
def big_frame_behind_hello() -> None:
    """Frames before the answer to `hello` are as large as any."""
    sender.HELLO_FRAME_BYTES = 65536  # type: ignore[attr-defined]
    connection.HELLO_FRAME_BYTES = 65536  # type: ignore[attr-defined]


@mutant
def own_event_is_no_ack() -> None:
    """An own message that is seen in the log leaves the outbox as it is."""
    wrap(account.Account, "match_own", lambda original, self, events: None)


# Signals.


@mutant
def a_read_for_each_message() -> None:
    """Read marks are not held back."""
    wrap(
        signals.Signals,
        "read",
        lambda original, self, replica, seq: replica.mark_read(seq) and self._send_read(replica.room),
    )


@mutant
def a_typing_for_each_key() -> None:
    """Typing signals are not held back."""
    wrap(signals.Signals, "typing", lambda original, self, room: self._send_typing(room))


@mutant
def focus_is_forgotten() -> None:
    """After a reconnect the server does not learn which room is on the screen."""

    def hello(original: Any, self: Any, token: str) -> Any:
        return {key: value for key, value in original(self, token).items() if key != "focus"}

    wrap(engine.Engine, "hello", hello)
    wrap(signals.Signals, "connected", lambda original, self, link: setattr(self, "_connection", link))


@mutant
def token_is_not_renewed() -> None:
    """`token_expiring` is not looked at."""
    wrap(token_refresh.TokenRefresh, "start", lambda original, self, link: None)


@mutant
def null_for_absent() -> None:
    """Keys that are absent are sent as null."""
    for codec_class in (codec.MsgpackCodec, codec.JsonCodec):
        wrap(codec_class, "encode", _with_null)


def _with_null(original: Any, self: Any, packet: Any) -> bytes:
    more = {"cursor": None} if packet["type"] == "hello" and "cursor" not in packet else {}
    return bytes(original(self, {**packet, **more}))


# People.


@mutant
def blocked_messages_are_unread() -> None:
    """Messages of a user that is blocked count like those of others."""
    wrap(replica.Replica, "_is_uncounted", lambda original, self, user, ordinal: user == self.owner.user)


@mutant
def seen_is_left_out() -> None:
    """A step on a contact does not say which row its user saw."""

    def call(original: Any, self: Any, packet: Any, *rest: Any) -> Any:
        return original(self, {key: value for key, value in packet.items() if key != "seen"}, *rest)

    wrap(engine.Engine, "call", call)


@mutant
def conflict_is_written_over() -> None:
    """After a conflict the change is made all the same."""
    people.is_untouched = lambda *_: True  # type: ignore[attr-defined]


@mutant
def cards_at_each_connection() -> None:
    """Cards that changed are asked for after each hello."""
    asked = {"type": "users.get", "since": 50}
    wrap(PeopleAccount, "cards_due", lambda original, self, now_ms: asked)


@mutant
def deleted_messages_are_shown() -> None:
    """What the user deleted on another device stays on the screen."""
    wrap(replica.Replica, "without_deleted", lambda original, self, changes: list(changes))


@mutant
def list_is_proved_with_requests() -> None:
    """Message requests are in the digest, which the server leaves out."""

    def call(original: Any, self: Any, packet: Any, *rest: Any) -> Any:
        more = {"rooms": len(self.account.replicas)} if packet["type"] == "verify" else {}
        return original(self, {**packet, **more}, *rest)

    wrap(engine.Engine, "call", call)


# Moderation, bots and erasure.


@mutant
def report_gets_a_new_key() -> None:
    """A report that had no answer is repeated as another one."""

    def request(original: Any, self: Any, packet: Any, *rest: Any) -> Any:
        fresh = {"key": SystemEnv().key()} if packet["type"] == "report" else {}
        return original(self, {**packet, **fresh}, *rest)

    wrap(connection.Connection, "request", request)


@mutant
def erased_empties_what_is_current() -> None:
    """An erased person keeps the text of messages that may be stale."""

    def operate(original: Any, self: Any, event: Any, out: Any) -> None:
        parts = [(one, self.cached.holding(one.seq)) for one in self._targets(event)]
        spared = {one.seq: one for one, part in parts if part and part.valid < self.applied}
        original(self, event, out)
        self.messages.update(spared if event["kind"] == "erased" else {})

    wrap(timeline.Timeline, "_operate", operate)


@mutant
def press_sends_no_data() -> None:
    """A press is the text on the button."""
    bots.Button.pressed = lambda self, seq: {"text": self.label, "reply_to": seq}  # type: ignore[method-assign]


if __name__ == "__main__":
    if sys.argv[1] != "none":
        MUTANTS[sys.argv[1]]()
    asyncio.run(testee.main(sys.argv[2:]))
