"""Figures in words: which unit a figure has, by its name. Pure."""

from __future__ import annotations

from bench.report import duration, size

_PER_SECOND = ("_per_s", "rate")
_BYTES = ("_bytes", "_bytes_max")
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
