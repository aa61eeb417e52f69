"""Figures in words: which unit a figure has by its name, and which way is better. Pure."""

from __future__ import annotations

from bench.report import duration, size

_PER_SECOND = ("_per_s", "rate")
_BYTES = ("_bytes", "_bytes_max", "_bytes_each", "_growth")
_LATENCY = "_ms"


def worded(name: str, value: float) -> str:
    """A figure with its unit, which its name tells.

    >>> worded("ack_ms.p99", 4.2), worded("server.rss_bytes", 3 * 1024**2), worded("deliveries_per_s", 123456.7)
    ('4.20 ms', '3 MiB', '123,457/s')
    """
    if _LATENCY in name or name.endswith("_ms"):
        return duration(value)
    if name.endswith("_us"):
        return f"{value:.3f} us"
    if name.endswith(_BYTES):
        return size(value) if value >= 1024**2 else f"{value / 1024:,.1f} KiB"
    if name.endswith(_PER_SECOND):
        return f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s"
    if name.endswith("_s"):
        return duration(value * 1000)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3f}"


def better(name: str) -> int:
    """1 when a larger value of this figure is better, -1 when a smaller one is, 0 when neither.

    >>> better("deliveries_per_s"), better("ack_ms.p99"), better("messages"), better("lost")
    (1, -1, 0, -1)
    """
    if name.endswith("_per_s") or name.startswith("ratio"):
        return 1
    smaller = _LATENCY in name or name.endswith(_BYTES) or name.endswith("_us") or name in _SMALLER
    return -1 if smaller and not name.startswith("schedule_lag") else 0


_SMALLER = frozenset(
    (
        *("lost", "duplicated", "reordered", "misrouted", "altered", "unacked"),
        *("server.cpu_s", "ready_s", "back_s", "complete_s"),
    )
)
