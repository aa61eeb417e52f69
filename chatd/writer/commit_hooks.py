"""Subscribers to commits: what follows from a batch that is on the disk, and what is stored with it.

There are two moments, each with subscribers of its own. `committed` comes before anything else is decided: memory is
brought in step. `published` comes in commit order, but perhaps only when the next batch is on its way to the disk:
others are told. The answers to the requests of the batch follow it, but for those that stand in the place of an event.

Subscribers are called in the order in which they subscribed, and none of them waits. One that fails is logged and
counted as a defect, and the others are called all the same: what was stored stays stored.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from chatd.core.write_set import WriteSet

log = logging.getLogger(__name__)

CommitHook = Callable[[WriteSet], None]


class Subscribers:
    """The subscribers to one of the two moments. Called with a batch, it calls them all."""

    def __init__(self, *hooks: CommitHook) -> None:
        self._hooks = hooks

    def subscribe(self, *hooks: CommitHook) -> None:
        """Call `hooks`, too, behind those there are."""
        self._hooks += hooks

    def __call__(self, writes: WriteSet) -> None:
        for hook in self._hooks:
            try:
                hook(writes)
            except Exception:
                log.exception("a subscriber to commit %d failed", writes.stamp)


@dataclass(slots=True, frozen=True)
class CommitHooks:
    """The two moments after a commit, and one before it.

    `storing`: called with a batch that is decided and has something to store; its error is that of the batch.
    """

    committed: Subscribers
    published: Subscribers
    storing: CommitHook | None = None
