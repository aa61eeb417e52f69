"""What the figures are called on a page: the same counter means something else in another scenario. Pure."""

from __future__ import annotations

_USUAL = {
    "acks": "durable messages",
    "rss_mib": "resident memory",
    "page_ms": "page of 50",
    "polite_ms": "polite send",
}
_OF = {
    "connect": {"acks": "hellos answered", "ack_ms": "hello answered", "resume_ms": "synchronised"},
    "mixed": {"resume_ms": "back after a cut"},
    "reconnect": {"resume_ms": "back and complete"},
}


def title(scenario: str, name: str) -> str:
    """What a latency or a count is called.

    >>> title("direct", "acks"), title("connect", "acks"), title("direct", "ack_ms")
    ('durable messages', 'hellos answered', 'ack')
    """
    return _OF.get(scenario, {}).get(name) or _USUAL.get(name) or name.removesuffix("_ms")
