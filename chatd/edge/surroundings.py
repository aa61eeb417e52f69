"""What all connections of a daemon share: settings, and whom they tell. Made once by the daemon."""

from collections.abc import Callable
from dataclasses import dataclass

from chatd.config import Config
from chatd.core.counters import Counters
from chatd.edge.addresses import Networks, networks
from chatd.edge.admission import Admission
from chatd.edge.wire import Evictable, Receiver
from chatd.ports import Env


@dataclass(slots=True, frozen=True)
class Surroundings:
    """`receiver` makes the session of a connection. `origins`: web pages that may connect, None for any."""

    receiver: Callable[[], Receiver]
    env: Env
    admission: Admission[Evictable]
    counters: Counters
    origins: frozenset[str] | None
    trusted: Networks
    fragments_max: int
    high_water_bytes: int


def surroundings(
    config: Config,
    receiver: Callable[[], Receiver],
    *,
    env: Env,
    admission: Admission[Evictable],
    counters: Counters,
) -> Surroundings:
    """The surroundings this configuration asks for; ValueError when a trusted proxy is no network."""
    return Surroundings(
        receiver=receiver,
        env=env,
        admission=admission,
        counters=counters,
        origins=_origins(config),
        trusted=networks(config.listen.trusted_proxies),
        fragments_max=config.limits.fragments,
        high_water_bytes=config.outbox.ephemeral_bytes,
    )


def _origins(config: Config) -> frozenset[str] | None:
    # "null" is what sandboxed frames and local files say, so it names nobody.
    if "*" in config.listen.origins and config.listen.unsafe_any_origin:
        return None
    return frozenset(config.listen.origins) - {"*", "null"}
