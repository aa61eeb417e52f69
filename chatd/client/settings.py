"""The settings of a client, each with its unit and its reason; the durations are in core/timing.py."""

from dataclasses import dataclass, field
from ssl import SSLContext

from .core.timing import Timing
from .env import Env, SystemEnv


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a client; the defaults suit an interactive app."""

    encoding: str = "msgpack"
    """`msgpack` or `json` (protocol.md, "Transport and encoding")."""
    app: str = ""
    os: str = ""
    locale: str = ""
    deflate: bool = True
    """Ask for the `deflate` wrapper (MessagePack only)."""
    first_page: int = 30
    """Rooms in the first page of a sync (protocol.md, "sync")."""
    inline_events: int = 20
    """Events per changed room inside a reconnect's reply, up to 50 (protocol.md, "hello")."""
    prefetch: bool = False
    """Repair every room at once, not only those on the screen: for bots and tests."""
    messages_kept: int = 2000
    """Messages cached per room that is not on the screen; 0 keeps positions only (for load generators)."""
    delivered: bool = True
    """Confirm to senders that messages arrived here."""
    outbox_max: int = 10_000
    """Messages that may wait; above it `OutboxFull`."""
    changes_max: int = 1000
    """Changes by which one iterator may lag before it gets `ChangesMissed`."""
    ssl: SSLContext | None = None
    """TLS for `wss:` addresses; None: the trust store of the system. Share one among many clients, it is big."""
    timing: Timing = field(default_factory=Timing)
    env: Env = field(default_factory=SystemEnv)
