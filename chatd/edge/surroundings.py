"""What all connections of a daemon share: settings, and whom they tell. Made once by the daemon."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chatd.config import Config
from chatd.core.counters import Counters
from chatd.edge.addresses import Networks, networks
from chatd.edge.admission import Admission
from chatd.edge.handshake import Handshakes
from chatd.edge.wire import Evictable, Receiver
from chatd.ports import Env


@dataclass(slots=True)
class Surroundings:
    """`receiver` makes the session of a connection. `origins`: web pages that may connect, None for any."""

    receiver: Callable[[], Receiver]
    env: Env
    admission: Admission[Evictable]
    counters: Counters
    origins: frozenset[str] | None = frozenset()
    trusted: Networks = ()
    fragments_max: int = 0
    high_water_bytes: int = 0
    handshakes: Handshakes = field(default_factory=Handshakes)

    def reconfigure(self, config: Config) -> None:
        """Put other settings in force for the handshakes to come; ValueError when a trusted proxy is no network."""
        self.trusted = networks(config.listen.trusted_proxies)
        self.origins = _origins(config)
        self.fragments_max = config.limits.fragments
        self.high_water_bytes = config.outbox.ephemeral_bytes


def surroundings(
    config: Config,
    receiver: Callable[[], Receiver],
    *,
    env: Env,
    admission: Admission[Evictable],
    counters: Counters,
) -> Surroundings:
    """The surroundings this configuration asks for; ValueError when a trusted proxy is no network."""
    around = Surroundings(receiver, env, admission, counters)
    around.reconfigure(config)
    return around


def _origins(config: Config) -> frozenset[str] | None:
    # "null" is what sandboxed frames and local files say, so it names nobody.
    if "*" in config.listen.origins and config.listen.unsafe_any_origin:
        return None
    return frozenset(config.listen.origins) - {"*", "null"}
