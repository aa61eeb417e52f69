"""The contract of a judge: the back end of the host app, asked before something is stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chatd.core.screening import On as On
from chatd.protocol.messages import Body

LinkOf = Callable[[str], str]
"""Returns an address that opens a file of this server for a while; "" while media are off."""

Do = Literal["pass", "reject", "rewrite", "flag"]


@dataclass(slots=True, frozen=True)
class Item:
    """One change to judge. `id`: equal when the same change is asked about again.

    `on`: message and edit have a `body`, the others the `fields` that were asked for, as on the wire. `room`, `kind`,
    `members` are empty where no room is concerned yet; `device` and `address` for a change of no connection.
    """

    id: str
    on: On
    user: str
    device: str = ""
    address: str = ""
    room: str = ""
    kind: str = ""
    members: int = 0
    body: Body | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Verdict:
    """The answer to one item. `reason`: a word of a rejection, for the app. `body`: the one of a rewrite."""

    do: Do
    reason: str = ""
    body: Body | None = None


class Judge(Protocol):
    """One before-hook. Screening gathers its items, limits how many calls are under way, and knows when it is down."""

    @property
    def name(self) -> str:
        """The name of the hook in logs and metrics."""

    @property
    def on(self) -> frozenset[On]:
        """The changes it is asked about."""

    @property
    def batch(self) -> int:
        """The most items of one call."""

    @property
    def deadline_s(self) -> float:
        """The seconds within which a call ends, and for which an item may wait for its call."""

    @property
    def fails_open(self) -> bool:
        """Whether a change is stored, marked as not screened, when the hook gives no verdict on it."""

    async def judge(self, items: Sequence[Item]) -> Sequence[Verdict | None]:
        """Ask about these items, once; return the verdict on each, in their order.

        None: that item got no verdict that is known and valid. All are None when the call failed, for whatever reason:
        this raises nothing.
        """
        ...

    async def close(self) -> None:
        """End its connections; it is not asked again."""
