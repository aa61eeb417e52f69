"""Rules over several keys, and over forms that bounds cannot express."""

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import PurePath
from urllib.parse import urlsplit

from chatd.config import hook_rules, media_rules, push_rules
from chatd.config.addresses import is_loopback, is_secure, split_address
from chatd.config.model import Config, several
from chatd.config.problems import Problem
from chatd.config.rule import Rule, is_network
from chatd.core.privacy import BOUNDS, RANKS
from chatd.protocol.limits import JSON_GROWTH

ENVELOPE_BYTES = 1024  # type, id, room, key, time, a long user name and map headers around a body
BESIDE_BODY_BYTES = 32_768  # as JSON: 64 reactions twice, a title, an avatar, a hundred users
ROW_BYTES = 160  # as JSON: a user of 64 characters, three numbers or words, and their keys
SECRET_BYTES_MIN = 32  # RFC 7518, 3.2: an HS256 key is at least as long as its hash
SECRET_LETTERS_MIN = 8  # different ones; 32 random hexadecimal digits have fewer once in 27 million times
# The largest private networks: 10.0.0.0/8, fc00::/7. Wider ones contain public addresses.
PROXY_BITS_MIN = {4: 8, 6: 7}
# An entry of listen.origins: scheme, host and port as a browser writes them (RFC 6454, 6.2), or any port.
ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::(?:[0-9]{1,5}|\*))?\Z")
URL_MAX = 2048  # characters of an address for browsers; all of them accept as many
# Letters that would end a directive of a policy, a header, or an attribute.
_ENDING = frozenset(" \"',;<>\\")
_TITLE_MAX = 64  # characters
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")
SOCKET_PATH_BYTES_MAX = 107  # sun_path of unix(7) without its final NUL


def broken_rules(
    config: Config, origins: Mapping[str, str], spoilt: Set[str] | None = frozenset()
) -> Iterator[Problem]:
    """Return a Problem for every rule that does not hold, at the origin of the first of its keys that was set.

    Rules over a `spoilt` key, whose value is wrong itself, are left out; None means that any key may be.
    """
    for rule in RULES:
        if spoilt is not None and spoilt.isdisjoint(rule.keys) and not rule.holds(config):
            where = next((origins[key] for key in rule.keys if key in origins), "")
            yield Problem(where, rule.says, "Change " + " or ".join(rule.keys) + ".")


def _address(address: str) -> bool:
    try:
        split_address(address)
    except ValueError:
        return False
    return True


def _fixed(addresses: Iterable[str]) -> list[tuple[str, int]]:
    """Return the addresses with a fixed port; with port 0 each gets another one."""
    return [split for split in map(split_address, filter(_address, addresses)) if split[1]]


def _differ(addresses: Iterable[str]) -> bool:
    fixed = _fixed(addresses)
    return len(set(fixed)) == len(fixed)


def _strong(secret: str) -> bool:
    """Whether it is no text typed to reach the length: of few letters, or a short piece repeated."""
    piece = secret[: SECRET_BYTES_MIN // 2]
    repeats = any(secret == (piece[:size] * len(secret))[: len(secret)] for size in range(1, len(piece)))
    return len(set(secret)) >= SECRET_LETTERS_MIN and not repeats


def _narrow(text: str) -> bool:
    network = ipaddress.ip_network(text)
    return network.prefixlen >= PROXY_BITS_MIN[network.version]


def _key_set_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.username or parts.password or not parts.hostname:
        return False
    return is_secure(parts)


def _console_url(url: str) -> bool:
    return bool(ORIGIN.match(url)) and url.startswith("https://") and not url.endswith("*")


def _origins(config: Config) -> bool:
    return all(origin == "*" or ORIGIN.match(origin) for origin in config.listen.origins)


def _exact_origins(origins: Iterable[str]) -> bool:
    return all(ORIGIN.match(origin) and not origin.endswith("*") for origin in origins)


def _page_url(url: str, *, ends: str = "") -> bool:
    """Whether it is a web address that only its own host can answer, and fits a policy header as it stands."""
    try:
        parts = urlsplit(url)
        is_safe = is_secure(parts)
        is_plain = not parts.username and not parts.password and not parts.fragment
        is_origin = bool(ORIGIN.match(f"{parts.scheme}://{parts.netloc}"))
    except ValueError:
        return False
    is_short = len(url) <= URL_MAX and url.isascii() and url.isprintable() and _ENDING.isdisjoint(url)
    return is_safe and is_plain and is_origin and is_short and url.endswith(ends)


def _ordered(config: Config) -> bool:
    """Whether each default audience lies between the narrowest and the widest one."""
    for capability, own in config.people.privacy.items():
        usual = BOUNDS[capability]
        default, widest, narrowest = (
            RANKS[chosen or also]
            for chosen, also in zip((own.default, own.widest, own.narrowest), usual, strict=True)
        )
        if not narrowest <= default <= widest:
            return False
    return True


RULES: tuple[Rule, ...] = (
    Rule(
        ("people.privacy",),
        "people.privacy must give a default between narrowest and widest",
        _ordered,
    ),
    Rule(
        ("bots.enabled", "events.enabled"),
        "bots need events.enabled: their updates come from the event feed",
        lambda c: c.events.enabled or not c.bots.enabled,
    ),
    Rule(
        ("listen.address",),
        "listen.address must be HOST:PORT, or a list of such",
        lambda c: bool(several(c.listen.address)) and all(map(_address, several(c.listen.address))),
    ),
    Rule(
        ("listen.ops_address",),
        'listen.ops_address must be HOST:PORT, a list of such, or ""',
        lambda c: all(map(_address, several(c.listen.ops_address))),
    ),
    Rule(
        ("listen.address", "listen.ops_address"),
        "an address stands twice in one list",
        lambda c: _differ(several(c.listen.address)) and _differ(several(c.listen.ops_address)),
    ),
    Rule(
        ("listen.ops_address", "listen.address"),
        "metrics must not share the public listener",
        lambda c: not set(_fixed(several(c.listen.ops_address))) & set(_fixed(several(c.listen.address))),
    ),
    Rule(
        ("listen.api_address",),
        'listen.api_address must be HOST:PORT, a list of such, or ""',
        lambda c: (
            all(map(_address, several(c.listen.api_address))) and _differ(several(c.listen.api_address))
        ),
    ),
    Rule(
        ("listen.api_address", "listen.address", "listen.ops_address"),
        "the API needs an address of its own",
        lambda c: (
            not set(_fixed(several(c.listen.api_address)))
            & set(_fixed([*several(c.listen.address), *several(c.listen.ops_address)]))
        ),
    ),
    Rule(
        ("listen.api_address", "listen.tls_cert", "listen.trusted_proxies"),
        "keys of the API would cross a network in the clear: beyond loopback it needs tls_cert or trusted_proxies",
        lambda c: (
            bool(c.listen.tls_cert or c.listen.trusted_proxies)
            or all(
                is_loopback(split_address(one)[0]) for one in several(c.listen.api_address) if _address(one)
            )
        ),
    ),
    Rule(
        ("listen.tls_cert", "listen.tls_key"),
        "a certificate needs its key, and a key its certificate",
        lambda c: bool(c.listen.tls_cert) == bool(c.listen.tls_key),
    ),
    Rule(
        ("listen.trusted_proxies",),
        "listen.trusted_proxies must be networks such as 10.0.0.0/8 (no host bits)",
        lambda c: all(is_network(proxy) for proxy in c.listen.trusted_proxies),
    ),
    Rule(
        ("listen.trusted_proxies",),
        "listen.trusted_proxies may hold nothing wider than 10.0.0.0/8 or fc00::/7: it would trust strangers",
        lambda c: all(_narrow(proxy) for proxy in c.listen.trusted_proxies if is_network(proxy)),
    ),
    Rule(
        ("listen.origins",),
        "listen.origins must look like https://app.example.org, in lower case, without path",
        _origins,
    ),
    Rule(
        ("listen.origins", "listen.unsafe_any_origin"),
        '"*" lets every web page open sockets; it needs unsafe_any_origin = true',
        lambda c: "*" not in c.listen.origins or c.listen.unsafe_any_origin,
    ),
    Rule(
        ("storage.directory",),
        "storage.directory must name a directory",
        lambda c: bool(c.storage.directory.strip()) and "\0" not in c.storage.directory,
    ),
    Rule(
        ("storage.directory",),
        f"storage.directory is too long: its socket may have a path of {SOCKET_PATH_BYTES_MAX} bytes",
        lambda c: len(os.fsencode(c.storage.directory)) + len("/chatd.sock") <= SOCKET_PATH_BYTES_MAX,
    ),
    Rule(
        ("auth.secret", "auth.secret_file"),
        f"the HS256 secret must have {SECRET_BYTES_MIN} bytes or more",
        lambda c: not c.auth.secret or len(c.auth.secret.reveal().encode()) >= SECRET_BYTES_MIN,
    ),
    Rule(
        ("auth.secret", "auth.secret_file"),
        "the HS256 secret can be guessed: make one with openssl rand -base64 32",
        lambda c: not c.auth.secret or _strong(c.auth.secret.reveal()),
    ),
    Rule(
        ("console.url",),
        "console.url must look like https://ops.example.org, in lower case, without path",
        lambda c: not c.console.url or _console_url(c.console.url),
    ),
    Rule(
        ("auth.jwks_url",),
        "auth.jwks_url must be https, or http on loopback, without password",
        lambda c: not c.auth.jwks_url or _key_set_url(c.auth.jwks_url),
    ),
    Rule(
        ("auth.keys",),
        "two auth.keys have the same kid",
        lambda c: len({key.kid for key in c.auth.keys}) == len(c.auth.keys),
    ),
    Rule(
        ("auth.login_token_ttl_s", "auth.token_lifetime_max_s"),
        "login would issue tokens that live longer than tokens may",
        lambda c: c.auth.login_token_ttl_s <= c.auth.token_lifetime_max_s,
    ),
    Rule(
        ("limits.hello_frame_bytes", "limits.frame_bytes"),
        "the first frame would be allowed more bytes than later ones",
        lambda c: c.limits.hello_frame_bytes <= c.limits.frame_bytes,
    ),
    Rule(
        ("limits.body_bytes", "limits.frame_bytes"),
        f"a body and its envelope ({ENVELOPE_BYTES} bytes) would not fit a client frame",
        lambda c: c.limits.body_bytes + ENVELOPE_BYTES <= c.limits.frame_bytes,
    ),
    Rule(
        ("limits.frame_bytes", "limits.server_frame_bytes"),
        "what a client may send in one frame would not fit a server frame",
        lambda c: c.limits.frame_bytes <= c.limits.server_frame_bytes,
    ),
    Rule(
        ("limits.server_frame_bytes", "limits.body_bytes"),
        f"a body, as JSON up to {JSON_GROWTH} times as long, and {BESIDE_BODY_BYTES} bytes would not fit a frame",
        lambda c: JSON_GROWTH * c.limits.body_bytes + BESIDE_BODY_BYTES <= c.limits.server_frame_bytes,
    ),
    Rule(
        ("limits.server_frame_bytes", "limits.page", "limits.watch"),
        f"a page of members, or the states of all watched users, would not fit a server frame ({ROW_BYTES} bytes each)",
        lambda c: ROW_BYTES * max(c.limits.page, c.limits.watch) <= c.limits.server_frame_bytes,
    ),
    Rule(
        ("limits.server_frame_bytes", "limits.focus", "delivery.receipts_members"),
        f"the receipts of all rooms in focus would not fit a server frame ({ROW_BYTES} bytes each)",
        lambda c: ROW_BYTES * c.limits.focus * c.delivery.receipts_members <= c.limits.server_frame_bytes,
    ),
    Rule(
        ("limits.server_frame_bytes", "outbox.lag_bytes"),
        "one server frame would already make a connection lag",
        lambda c: c.limits.server_frame_bytes <= c.outbox.lag_bytes,
    ),
    Rule(
        ("outbox.ephemeral_bytes", "outbox.lag_bytes"),
        "ephemerals must be dropped before events",
        lambda c: c.outbox.ephemeral_bytes < c.outbox.lag_bytes,
    ),
    Rule(
        ("outbox.lag_bytes", "outbox.close_bytes"),
        "a connection must lag before it is closed",
        lambda c: c.outbox.lag_bytes < c.outbox.close_bytes,
    ),
    Rule(
        ("limits.connections_per_user", "limits.connections"),
        "one user may have more connections than there are",
        lambda c: c.limits.connections_per_user <= c.limits.connections,
    ),
    Rule(
        ("limits.connections_per_address", "limits.connections"),
        "one address may have more connections than there are",
        lambda c: c.limits.connections_per_address <= c.limits.connections,
    ),
    Rule(
        ("limits.unauthenticated", "limits.connections"),
        "more connections may wait for hello than there are",
        lambda c: c.limits.unauthenticated <= c.limits.connections,
    ),
    Rule(
        ("limits.unauthenticated_per_address", "limits.unauthenticated"),
        "one address may hold all places before hello",
        lambda c: c.limits.unauthenticated_per_address <= c.limits.unauthenticated,
    ),
    Rule(
        ("delivery.full_members", "delivery.large_members"),
        "events would be pushed in full in rooms that count as large",
        lambda c: c.delivery.full_members <= c.delivery.large_members,
    ),
    Rule(
        ("delivery.delivered_members", "delivery.receipts_members"),
        "delivered marks would be kept where receipts are not pushed",
        lambda c: c.delivery.delivered_members <= c.delivery.receipts_members,
    ),
    Rule(
        ("heartbeat.foreground_s", "heartbeat.background_s"),
        "a phone in background would be asked more often than in foreground",
        lambda c: c.heartbeat.foreground_s <= c.heartbeat.background_s,
    ),
    Rule(
        ("drain.window_s", "drain.deadline_s"),
        "the exit would not wait until the closes are spread",
        lambda c: c.drain.window_s < c.drain.deadline_s,
    ),
    Rule(
        ("web.url",),
        "web.url must be https, or http on loopback, in lower case, without query, and end with /",
        lambda c: not c.web.url or (_page_url(c.web.url, ends="/") and "?" not in c.web.url),
    ),
    Rule(
        ("web.enabled", "web.url", "listen.origins"),
        "the web client could not connect: no web page may, without web.url or listen.origins",
        lambda c: not c.web.enabled or bool(c.web.url or c.listen.origins),
    ),
    Rule(
        ("web.title",),
        f"web.title must have 1 to {_TITLE_MAX} characters, none of them a control character",
        lambda c: 1 <= len(c.web.title) <= _TITLE_MAX and c.web.title.isprintable(),
    ),
    Rule(
        ("web.accent",),
        "web.accent must be a colour such as #2B5FDB",
        lambda c: bool(_COLOUR.match(c.web.accent)),
    ),
    Rule(
        ("web.token_url", "web.login_url"),
        "web.token_url and web.login_url must be https, or http on loopback, without password or fragment",
        lambda c: all(not url or _page_url(url) for url in (c.web.token_url, c.web.login_url)),
    ),
    Rule(
        ("web.media_origins", "web.embed_origins"),
        "web.media_origins and web.embed_origins must look like https://app.example.org, without path or *",
        lambda c: _exact_origins((*c.web.media_origins, *c.web.embed_origins)),
    ),
    Rule(
        ("cards.image_hosts",),
        "cards.image_hosts must be hosts such as img.example.org or img.example.org:8443, without https:// or *",
        lambda c: _exact_origins(f"https://{host}" for host in c.cards.image_hosts),
    ),
    *hook_rules.RULES,
    Rule(
        ("search.file",),
        "search.file must be a path that ends in search.sqlite: a file of this name is deleted when it is of no use",
        lambda c: not c.search.file or PurePath(c.search.file).name == "search.sqlite",
    ),
    *push_rules.RULES,
    *media_rules.RULES,
)
