"""Rules over the settings of webhooks, and of requests to addresses outside."""

from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from chatd.config.model import Config
from chatd.config.rule import Rule, is_network


def _hook_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _once(words: Iterable[str]) -> bool:
    return all(count == 1 for count in Counter(words).values())


def _wants_reads(config: Config) -> bool:
    return any(endpoint.reads or "read" in endpoint.types for endpoint in config.hooks.endpoints)


RULES: tuple[Rule, ...] = (
    Rule(
        ("hooks.endpoints", "hooks.before"),
        "the urls of hooks must be https, or http in a private network, without password",
        lambda c: all(
            map(_hook_url, (*(e.url for e in c.hooks.endpoints), *(b.url for b in c.hooks.before)))
        ),
    ),
    Rule(
        ("hooks.endpoints",),
        "two hooks.endpoints have the same name",
        lambda c: _once(endpoint.name for endpoint in c.hooks.endpoints),
    ),
    Rule(
        ("hooks.endpoints", "events.enabled"),
        "hooks.endpoints are sent what the event feed holds: they need events.enabled",
        lambda c: c.events.enabled or not c.hooks.endpoints,
    ),
    Rule(
        ("hooks.endpoints", "events.reads"),
        "an endpoint that wants reads needs events.reads",
        lambda c: c.events.reads or not _wants_reads(c),
    ),
    Rule(
        ("hooks.before",),
        "two hooks.before are asked about the same word",
        lambda c: _once(word for hook in c.hooks.before for word in hook.on),
    ),
    Rule(
        ("egress.allow",),
        "egress.allow must be networks such as 10.20.0.0/16 (no host bits)",
        lambda c: all(map(is_network, c.egress.allow)),
    ),
)
