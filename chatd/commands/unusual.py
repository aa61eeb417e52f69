"""What a hello reply says of the configuration: the numbers and audiences that differ from the documented ones."""

from typing import NamedTuple

from chatd.config.model import Config
from chatd.core.privacy import BOUNDS, HostBounds
from chatd.protocol import limits
from chatd.protocol.privacy import Capability, To


class Unusual(NamedTuple):
    """What a daemon has otherwise than documented. It is found once for a configuration, not for each hello."""

    limits: dict[str, int]
    audiences: dict[Capability, list[To]]


def unusual(config: Config, bounds: HostBounds) -> Unusual:
    return Unusual(unusual_limits(config), unusual_audiences(bounds))


def unusual_limits(config: Config) -> dict[str, int]:
    """Return the numbers that clients count by and that differ from the documented defaults, by name."""
    told = {name: getattr(config.limits, name) for name in limits.DEFAULTS} | thresholds_of(config)
    usual = limits.DEFAULTS | limits.THRESHOLDS
    return {name: value for name, value in told.items() if value != usual[name]}


def thresholds_of(config: Config) -> dict[str, int]:
    """Return the thresholds that a client may show or count by, by name (protocol.md "Thresholds")."""
    delivery, storage = config.delivery, config.storage
    return {
        "full_delivery_members": delivery.full_members,
        "large_room_members": delivery.large_members,
        "receipts_members": delivery.receipts_members,
        "delivered_members": delivery.delivered_members,
        "typing_members": delivery.typing_members,
        "group_members": config.limits.group_members,
        "edit_window_s": int(storage.edit_window_s),
        "recall_window_s": int(storage.recall_window_s),
        "retain_s": int(storage.retain_s),
        "request_texts": config.people.request_texts,
    }


def unusual_audiences(bounds: HostBounds) -> dict[Capability, list[To]]:
    """Return default, widest and narrowest audience of the capabilities for which the host has set others."""
    return {capability: [*chosen] for capability, chosen in bounds.items() if chosen != BOUNDS[capability]}
