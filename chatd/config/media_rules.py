"""Rules over the settings of media: an address of its own, and one that clients can be told."""

import re
from urllib.parse import urlsplit

from chatd.config.addresses import is_loopback, is_secure, split_address
from chatd.config.model import Config, several
from chatd.config.rule import Rule

# Names that every store admits, and that need no quoting in an address.
BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]\Z")
REGION = re.compile(r"[a-z0-9\-]{1,64}\Z")
URL_MAX = 512  # characters; it stands before every path of a file


def address_of(config: Config) -> tuple[str, int] | None:
    """Return host and port of the listener; None for another form."""
    try:
        return split_address(config.media.address)
    except ValueError:
        return None


def _has_own_address(config: Config) -> bool:
    """Whether nothing else listens there; with port 0 each listener gets another one."""
    listen = config.listen
    others = (*several(listen.address), *several(listen.ops_address), *several(listen.api_address))
    address = address_of(config)
    return address is None or address[1] == 0 or config.media.address not in others


def _is_private(config: Config) -> bool:
    """Whether no token crosses a network in the clear."""
    address = address_of(config)
    listen = config.listen
    return address is None or is_loopback(address[0]) or bool(listen.tls_cert or listen.trusted_proxies)


def _url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_safe = is_secure(parts)
        is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        return False
    is_short = len(url) <= URL_MAX and url.isascii() and url.isprintable() and " " not in url
    return is_safe and is_plain and bool(parts.hostname) and is_short and not url.endswith("/")


def _bucket(config: Config) -> bool:
    """Whether the bucket is said whole."""
    s3 = config.media.s3
    return bool(s3.key_file and BUCKET.match(s3.bucket) and REGION.match(s3.region))


def _endpoint(url: str) -> bool:
    """Whether this is the address of a store: addresses of files in it are sent to clients."""
    return _url(url) and not urlsplit(url).path


RULES: tuple[Rule, ...] = (
    Rule(
        ("media.address",),
        "media.address must be HOST:PORT",
        lambda c: address_of(c) is not None,
    ),
    Rule(
        ("media.address", "listen.address", "listen.ops_address", "listen.api_address"),
        "media need an address of their own: what users upload must not be a page of the chat",
        lambda c: not c.media.enabled or _has_own_address(c),
    ),
    Rule(
        ("media.address", "listen.tls_cert", "listen.trusted_proxies"),
        "tokens would cross a network in the clear: beyond loopback media need tls_cert or trusted_proxies",
        lambda c: not c.media.enabled or _is_private(c),
    ),
    Rule(
        ("media.url",),
        "media.url must be https, or http on loopback, without query, password or / at the end",
        lambda c: not c.media.url or _url(c.media.url),
    ),
    Rule(
        ("media.directory",),
        "media.directory must name a directory",
        lambda c: "\0" not in c.media.directory,
    ),
    Rule(
        ("media.engine", "media.s3"),
        "engine s3 needs media.s3 with endpoint, bucket and key_file",
        lambda c: c.media.engine != "s3" or _bucket(c),
    ),
    Rule(
        ("media.engine", "media.s3"),
        "the endpoint of media.s3 must be https, or http on loopback, without path or / at the end",
        lambda c: c.media.engine != "s3" or _endpoint(c.media.s3.endpoint),
    ),
)
