"""The settings, counters and callbacks that all connections of a daemon share."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from chatd.config.model import Config
from chatd.core.client_address import Networks, is_inside, networks
from chatd.env import Env
from chatd.telemetry.counters import Counters
from chatd.telemetry.log_once import LogOnce
from chatd.websocket.admission import Admission
from chatd.websocket.handshake import Handshakes
from chatd.websocket.origins import AllowedOrigins
from chatd.websocket.wire import Evictable, Receiver

log = logging.getLogger(__name__)


@dataclass(slots=True)
class AcceptorConfig:
    """The state that all connections share, made once for a daemon.

    `receiver` makes the session of a connection. `allowed_origins`: web pages that may connect.
    """

    receiver: Callable[[], Receiver]
    env: Env
    admission: Admission[Evictable]
    counters: Counters
    allowed_origins: AllowedOrigins
    trusted: Networks = ()
    fragments_max: int = 0
    high_water_bytes: int = 0
    handshakes: Handshakes = field(default_factory=Handshakes)
    proxies: LogOnce = field(init=False)

    def __post_init__(self) -> None:
        self.proxies = LogOnce(self.env)

    def reconfigure(self, config: Config) -> None:
        """Apply other settings to future handshakes; ValueError when a trusted proxy is no network."""
        self.trusted = networks(config.listen.trusted_proxies)
        self.allowed_origins.adopt(config.listen, config.web.origin)
        self.fragments_max = config.limits.fragments
        self.high_water_bytes = config.outbox.ephemeral_bytes

    def not_upgraded(self, peer: str, *, meant: bool) -> None:
        """Count a request for the WebSocket without an upgrade; log the peer once if an upgrade was `meant`."""
        self.counters.handshakes_rejected["upgrade"] += 1
        if meant and self.proxies.is_new(peer):
            log.warning(
                "%s forwards WebSocket requests without their upgrade: "
                'see docs/operations.md, "TLS and proxies", for the settings of the proxy',
                peer,
            )

    def is_trusted(self, peer: str) -> bool:
        """Whether a peer is a trusted proxy, whose X-Forwarded-For is used and which many clients share."""
        return is_inside(peer, self.trusted)

    def on_socket_cut(self, reason: str) -> None:
        """Count a socket that was closed before it became a connection."""
        self.counters.arrivals_cut[reason] += 1


def acceptor_config(
    config: Config,
    receiver: Callable[[], Receiver],
    *,
    env: Env,
    admission: Admission[Evictable],
    counters: Counters,
) -> AcceptorConfig:
    """Return the AcceptorConfig of a configuration; ValueError when a trusted proxy is no network."""
    acceptor = AcceptorConfig(receiver, env, admission, counters, AllowedOrigins(env, config.listen))
    acceptor.reconfigure(config)
    return acceptor
