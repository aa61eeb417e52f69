"""The parts of push, made from the configuration, while it is switched on."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any

from chatd.commands.context import Context
from chatd.config.model import Config
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.push.interface import OnAnswers, Sender
from chatd.push.parts import Parts
from chatd.push.queue import Queue
from chatd.push.service import Push, apps_of
from chatd.push.trace import Trace
from chatd.storage.interface import Store
from chatd.telemetry.loop_share import LoopShare
from chatd.writer.commit_hooks import CommitHooks
from chatd.writer.submission import Submission

# Of planning at once: some rooms, in slices far below a millisecond each.
PLANNED_S = 0.003
TRACE = "trace"  # in the data directory; it may be deleted

MakeSender = Callable[[Config, Context, OnAnswers], Sender]
Work = Callable[[], Coroutine[Any, Any, None]]


async def nothing() -> None:
    """Run in place of push that was switched off."""


class PushParts:
    """Push of one daemon; `push` is None while it is switched off, and then nothing of it is there."""

    def __init__(self, store: Store, context: Context, hooks: CommitHooks) -> None:
        self.push: Push | None = None
        self._store = store
        self._context = context
        self._hooks = hooks
        self._subscribed = False

    def adopt(self, config: Config, make_sender: MakeSender) -> Work | None:
        """Put a configuration in force; return what has to run for it from now on, None where push never was on."""
        if not config.push.enabled:
            was_on, self.push = self.push is not None, None
            self._context.push.notifications = None
            return nothing if was_on else None
        if self.push is None:
            self.push = self._context.push.notifications = self._made(config)
        self.push.reconfigure(config.push)
        if not self._subscribed:
            self._subscribed = True
            self._hooks.published.subscribe(self._on_commit)
        push, store, context = self.push, self._store, self._context

        async def run() -> None:
            sender = make_sender(config, context, push.dispatch.on_answers)
            await push.run(sender, store.stamp, store.consumers)

        return run

    def _made(self, config: Config) -> Push:
        context, store = self._context, self._store
        env, writer = context.env, context.writer
        trace = Trace(Path(config.storage.directory, TRACE), store.epoch, env.random_bytes)
        parts = Parts(
            store.push,
            env,
            context.counters,
            LoopShare(env, lambda: writer.is_busy, ahead_s=PLANNED_S),
            Queue(apps_of(config.push)),
            trace,
            config.push,
            config.people.enabled,
            self._foreground,
            self._post,
        )
        return Push(parts, store.epoch, store.troubles)

    def _post(self, request: object) -> asyncio.Future[Ok]:
        outcome: asyncio.Future[Ok] = asyncio.get_running_loop().create_future()
        # Nobody has to look at a failure.
        outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._context.writer.submit(Submission("", request, future=outcome))
        return outcome

    def _on_commit(self, writes: WriteSet) -> None:
        if self.push is not None:
            self.push.on_commit(writes)

    def _foreground(self, user: str) -> Collection[str]:
        devices = self._context.hub.sessions.get(user)
        return [one.device for one in devices.values() if one.mode == "foreground"] if devices else ()
