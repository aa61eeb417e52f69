"""The keys that a running daemon can change, and the time from which a change counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from chatd.config.model import Config

TakesEffect = Literal["at once", "new connections", "restart"]

# Every other key counts at once. A connection keeps the values that it announced at hello or was made with.
TAKES_EFFECT: Mapping[str, TakesEffect] = {
    # sockets are opened and their buffers sized once
    "listen.address": "restart",
    "listen.ops_address": "restart",
    "listen.api_address": "restart",
    "listen.backlog": "restart",
    "listen.request_deadline_s": "restart",
    # the database is opened once
    "storage.directory": "restart",
    "storage.readers": "restart",
    "storage.min_free_bytes": "restart",
    # clients learn these at hello, and rely on them as long as they are connected
    "limits.frame_bytes": "restart",
    "limits.server_frame_bytes": "restart",
    "limits.body_bytes": "restart",
    "limits.batch": "restart",
    "limits.in_flight": "restart",
    "limits.focus": "restart",
    "limits.watch": "restart",
    "limits.page": "restart",
    # subscriptions of connections were made by it
    "delivery.full_members": "restart",
    "delivery.deflate_min_bytes": "restart",
    # sections and commands are put together once
    "people.enabled": "restart",
    "bots.enabled": "restart",
    "moderation.enabled": "restart",
    # its listener is opened once, its directory holds what was stored
    "media.enabled": "restart",
    "media.address": "restart",
    "media.directory": "restart",
    "media.engine": "restart",
    # what a commit stores is put together once
    "events.enabled": "restart",
    "events.reads": "restart",
    "log.format": "restart",
    # its routes and its rings are made once
    "console.enabled": "restart",
    "console.history_s": "restart",
    "console.log_lines": "restart",
    "limits.hello_timeout_s": "new connections",
    "auth.grace_s": "new connections",
    "outbox.ephemeral_bytes": "new connections",
    "outbox.lag_bytes": "new connections",
    "outbox.close_bytes": "new connections",
    "outbox.stall_s": "new connections",
    "heartbeat.foreground_s": "new connections",
    "heartbeat.background_s": "new connections",
    "heartbeat.answer_foreground_s": "new connections",
    "heartbeat.answer_background_s": "new connections",
}


class Unusable(Exception):
    """A configuration that cannot be used; the text has the problems, their places and remedies."""


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """The configuration to apply now, the names of changed keys, and those that wait for a restart.

    `wanted`: the values that wait, by name. `origins`: of all values that were read.
    """

    config: Config
    changed: tuple[str, ...]
    waiting: tuple[str, ...]
    wanted: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def takes_effect(name: str) -> TakesEffect:
    """Return when a change of the key "section.key" counts."""
    return TAKES_EFFECT.get(name, "at once")


def plan_reload(running: Config, wanted: Config) -> ReloadPlan:
    """Return the plan that applies as much of `wanted` as a daemon with `running` can."""
    names = tuple(differences(running, wanted))
    waiting = tuple(name for name in names if _waits(name, running, wanted))
    kept = {name: _value(running, name) for name in waiting}
    changed = tuple(name for name in names if name not in kept)
    return ReloadPlan(
        replaced(wanted, kept), changed, waiting, {name: _value(wanted, name) for name in waiting}
    )


def differences(one: Config, other: Config) -> Iterator[str]:
    """Return the names of the keys whose values differ."""
    for section in Config.__struct_fields__:
        for key in getattr(one, section).__struct_fields__:
            name = f"{section}.{key}"
            if _value(one, name) != _value(other, name):
                yield name


def replaced(config: Config, values: Mapping[str, Any]) -> Config:
    """Return the configuration with other values for these "section.key"."""
    tables: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        tables.setdefault(section, {})[key] = value
    sections = {
        name: msgspec.structs.replace(getattr(config, name), **table) for name, table in tables.items()
    }
    return msgspec.structs.replace(config, **sections)


def _waits(name: str, running: Config, wanted: Config) -> bool:
    if name in ("listen.tls_cert", "listen.tls_key"):
        # Another certificate and key can be loaded, but TLS cannot be switched on or off.
        return not (running.listen.tls_cert and wanted.listen.tls_cert)
    return takes_effect(name) == "restart"


def _value(config: Config, name: str) -> Any:
    section, _, key = name.partition(".")
    return getattr(getattr(config, section), key)
