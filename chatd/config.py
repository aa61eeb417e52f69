"""Every limit of the daemon: its name, unit, default, bounds, and the reason for its value.

Frozen structs, one a section, `Config` on top. Reading files, environment and flags is in cli/.
"""

import hmac
from typing import Annotated, Any

import msgspec
from msgspec import Meta


class Secret:
    """A text that does not show itself: `repr`, `str` and formatting give asterisks; `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('********')" if self._text else "Secret('')"

    def __str__(self) -> str:
        return "********" if self._text else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled")


def _text(description: str) -> Meta:
    return Meta(description=description)


def _span(low: float, high: float, description: str) -> Meta:
    return Meta(ge=low, le=high, description=description)


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all sections share: frozen, named arguments only, no unknown keys."""


class Listen(Section, frozen=True):
    """Where the daemon listens, and whom it believes."""

    address: Annotated[
        str, _text("HOST:PORT of the public listener. Loopback: a proxy with TLS usually stands in front.")
    ] = "127.0.0.1:8470"
    ops_address: Annotated[
        str,
        _text('HOST:PORT of metrics and health; "" = none. Apart, so that it is never public by mistake.'),
    ] = "127.0.0.1:8471"
    tls_cert: Annotated[str, _text('PEM file with the certificate chain; "" = no TLS here.')] = ""
    tls_key: Annotated[str, _text("PEM file with the key of tls_cert; not readable by other users.")] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        _text("Networks (CIDR) whose X-Forwarded-For is believed: the right-most hop outside them."),
    ] = ()
    origins: Annotated[
        tuple[str, ...],
        _text("Web pages that may connect, scheme://host[:port]. Apps send no Origin, need none."),
    ] = ()
    unsafe_any_origin: Annotated[
        bool, _text('Allows "*" in origins: any web page may open a socket with a token it has.')
    ] = False
    backlog: Annotated[
        int,
        _span(1, 65535, "Connections the kernel queues for accept. 4096 is the usual net.core.somaxconn."),
    ] = 4096
    request_deadline_s: Annotated[
        float,
        _span(0.1, 300, "Seconds for a complete HTTP request head. A slow phone needs 2; a slowloris more."),
    ] = 10.0


class Storage(Section, frozen=True):
    """The database, and how long its parts are kept."""

    directory: Annotated[str, _text("Directory of chatd.sqlite; made at the start, for this user only.")] = (
        "./chatd-data"
    )
    readers: Annotated[
        int,
        _span(
            1, 16, "Read-only connections, each a thread. Two keep one long history from delaying the others."
        ),
    ] = 2
    edit_window_s: Annotated[
        int,
        _span(
            0,
            10 * 365 * 86400,
            "Seconds in which an author may edit or recall. A day: corrections, not rewriting.",
        ),
    ] = 86400
    operations_kept_days: Annotated[
        int,
        _span(
            1, 3650, "Days edits, recalls and reactions stay replayable; longer absences re-read messages."
        ),
    ] = 30
    operations_kept: Annotated[
        int,
        _span(
            100, 10_000_000, "Such operations kept a room, whatever their age: bounds the log of a busy room."
        ),
    ] = 10_000
    room_idle_s: Annotated[
        float,
        _span(
            1, 86400, "Seconds after which a room nobody uses leaves memory; loading it again costs one read."
        ),
    ] = 600.0
    min_free_bytes: Annotated[
        int,
        _span(
            0,
            1 << 50,
            "Bytes of free disk below which writes are refused: 64 MiB let the WAL finish cleanly.",
        ),
    ] = 64 << 20


class Key(Section, frozen=True):
    """One key that signs the tokens of the host app."""

    kid: Annotated[
        str, Meta(min_length=1, max_length=128, description="Key id, compared exactly with the token's.")
    ]
    algorithm: Annotated[
        str,
        Meta(pattern="^(EdDSA|ES256|RS256)$", description="EdDSA, ES256 or RS256; a key never serves two."),
    ]
    file: Annotated[str, Meta(min_length=1, description="PEM file with the public key.")]


class Auth(Section, frozen=True):
    """Whose tokens are accepted (protocol.md 2.5)."""

    audience: Annotated[str, Meta(min_length=1, max_length=256, description="Value `aud` must contain.")] = (
        "chatd"
    )
    issuer: Annotated[str, _text('Value `iss` must equal; "" = not checked.')] = ""
    secret: Annotated[
        Secret, _text("Shared HS256 secret, 32 bytes or more (RFC 7518, 3.2). Better in secret_file.")
    ] = Secret("")
    secret_file: Annotated[str, _text("File that holds `secret`; readable by its owner only.")] = ""
    keys: Annotated[tuple[Key, ...], _text("Public keys of the host app: {kid, algorithm, file}.")] = ()
    jwks_file: Annotated[str, _text("JSON Web Key Set in a file (RFC 7517).")] = ""
    jwks_url: Annotated[str, _text("JSON Web Key Set behind https; plain http only on loopback.")] = ""
    jwks_refresh_s: Annotated[
        float,
        _span(
            60,
            7 * 86400,
            "Seconds between refreshes of jwks_url. An hour: providers announce new keys days ahead.",
        ),
    ] = 3600.0
    jwks_retry_s: Annotated[
        float,
        _span(
            1,
            3600,
            "Least seconds between fetches for unknown key ids, so that forgers cannot cause a stampede.",
        ),
    ] = 60.0
    token_lifetime_max_s: Annotated[
        int,
        _span(
            60,
            30 * 86400,
            "Longest lifetime of a token accepted, seconds. A day bounds what a stolen one is worth.",
        ),
    ] = 86400
    leeway_s: Annotated[
        int, _span(0, 300, "Clock difference forgiven for exp, iat and nbf, seconds. NTP keeps well below.")
    ] = 30
    grace_s: Annotated[
        float,
        _span(
            0, 600, "Seconds an open connection still works after its token expired: one refresh in a tunnel."
        ),
    ] = 30.0
    accounts: Annotated[bool, _text("Built-in accounts and POST /v1/login; needs `secret` to sign with.")] = (
        True
    )
    login_token_ttl_s: Annotated[
        int, _span(60, 30 * 86400, "Lifetime of tokens from /v1/login, seconds. An hour, renewed in place.")
    ] = 3600


class Limits(Section, frozen=True):
    """How much one client, address or room may ask of the daemon (protocol.md 2.1)."""

    frame_bytes: Annotated[
        int, _span(1024, 1 << 20, "Bytes of a client frame. 64 KiB carry a body and its batch.")
    ] = 65536
    hello_frame_bytes: Annotated[
        int,
        _span(
            1024,
            65536,
            "Bytes of the first frame, before anybody is known: a 4 KiB token, a cursor and some rooms.",
        ),
    ] = 8192
    server_frame_bytes: Annotated[
        int,
        _span(
            65536,
            524288,
            "Bytes of a server frame after inflating. iOS refuses above 1 MiB and reconnects in a loop.",
        ),
    ] = 262144
    body_bytes: Annotated[
        int,
        _span(
            256,
            262144,
            "Bytes of a message body as MessagePack. 16 KiB are ten pages; files travel elsewhere.",
        ),
    ] = 16384
    batch: Annotated[int, _span(1, 1024, "Packets in a batch: a phone's outbox after a tunnel.")] = 64
    in_flight: Annotated[
        int, _span(1, 1024, "Unanswered requests a connection; beyond it reading stops.")
    ] = 32
    focus: Annotated[int, _span(1, 64, "Rooms a connection may focus: what fits on a tablet.")] = 8
    watch: Annotated[
        int, _span(1, 5000, "Users whose presence a connection may watch: a contact list on screen.")
    ] = 200
    page: Annotated[
        int, _span(10, 1000, "Items in a page of a reply; 200 messages of 1 KiB stay below a server frame.")
    ] = 200
    group_members: Annotated[
        int, _span(2, 1_000_000, "Members of a group. A fan-out to 10,000 takes some 20 ms.")
    ] = 10_000
    hello_timeout_s: Annotated[float, _span(0.1, 120, "Seconds for a first hello after the handshake.")] = (
        10.0
    )
    connections: Annotated[
        int, _span(1, 10_000_000, "Connections altogether; at 6 to 10 KiB each 100,000 take about 1 GiB.")
    ] = 100_000
    connections_per_user: Annotated[int, _span(1, 1000, "Devices of one user connected at once.")] = 10
    connections_per_address: Annotated[
        int,
        _span(
            1, 1_000_000, "Connections from one address. Mobile carriers put thousands of phones behind one."
        ),
    ] = 1000
    unauthenticated: Annotated[
        int, _span(1, 1_000_000, "Connections without hello altogether: 8 KiB each at most.")
    ] = 1000
    unauthenticated_per_address: Annotated[
        int, _span(1, 100_000, "Connections without hello from one address.")
    ] = 20
    fragments: Annotated[
        int, _span(1, 4096, "Fragments of a message; honest clients send one, floods 400,000.")
    ] = 64
    depth: Annotated[
        int, _span(4, 64, "Nesting of a packet; the specification needs 6, host data the rest.")
    ] = 16


class Rates(Section, frozen=True):
    """How often (protocol.md 2.11): token buckets, refilled evenly."""

    enabled: Annotated[bool, _text("Off only for load tests: without it one client can slow all others.")] = (
        True
    )
    requests_per_s: Annotated[
        float, _span(0.01, 1e6, "Requests a second and connection: scrolling fast needs 5.")
    ] = 20.0
    requests_burst: Annotated[
        int, _span(1, 1_000_000, "Requests at once: opening the app asks for some 30 rooms.")
    ] = 60
    writes_per_s: Annotated[
        float, _span(0.01, 1e6, "send, edit, recall, react a second and user: faster than typing.")
    ] = 5.0
    writes_burst: Annotated[int, _span(1, 1_000_000, "Writes at once: an outbox filled offline.")] = 20
    room_per_s: Annotated[float, _span(0.01, 1e6, "Writes a second and room; more cannot be read.")] = 20.0
    room_burst: Annotated[
        int, _span(1, 1_000_000, "Writes at once in a room: the minute a goal is scored.")
    ] = 60
    hello_user_per_min: Annotated[
        int, _span(1, 1_000_000, "Hellos a minute and user: ten devices, or one on a bad train.")
    ] = 10
    hello_address_per_min: Annotated[
        int, _span(1, 1_000_000, "Hellos a minute and address: an office after an outage.")
    ] = 60
    login_address_per_min: Annotated[
        int, _span(1, 1_000_000, "Password checks a minute and address: each costs 40 ms and 19 MiB.")
    ] = 10
    abuse_refusals: Annotated[
        int, _span(1, 1_000_000, "Refusals by rate within the window that end a connection.")
    ] = 50
    abuse_window_s: Annotated[float, _span(1, 3600, "The window of abuse_refusals, seconds.")] = 60.0
    abuse_ignored: Annotated[
        int, _span(1, 1_000_000, "Times retry_after may be ignored: a bug, not a race.")
    ] = 10


class Delivery(Section, frozen=True):
    """What is pushed to whom, and how densely (protocol.md 2.6, 2.9, 2.10)."""

    full_members: Annotated[
        int, _span(2, 1_000_000, "Members up to which every event is pushed unasked.")
    ] = 500
    large_members: Annotated[
        int, _span(2, 1_000_000, "Members above which joins are not logged and reactions are summarised.")
    ] = 1000
    receipts_members: Annotated[
        int, _span(2, 10_000, "Members up to which receipts are pushed; it is quadratic.")
    ] = 100
    delivered_members: Annotated[int, _span(2, 10_000, "Members up to which delivered marks are kept.")] = 32
    typing_members: Annotated[int, _span(2, 10_000, "Members up to which typing is relayed.")] = 200
    head_interval_s: Annotated[
        float, _span(0.05, 60, "Seconds between heads of one room: a badge needs no more.")
    ] = 1.0
    receipts_interval_s: Annotated[
        float, _span(0.05, 60, "Seconds in which receipts of a room are gathered.")
    ] = 1.0
    presence_interval_s: Annotated[
        float, _span(0.05, 60, "Seconds in which presence changes are gathered.")
    ] = 2.0
    presence_linger_s: Annotated[
        float, _span(0, 600, "Seconds online after the last connection: a lift, a reconnect.")
    ] = 30.0
    members_interval_s: Annotated[
        float, _span(0.05, 600, "Seconds between member counts of a large room.")
    ] = 30.0
    reactions_interval_s: Annotated[
        float, _span(0.05, 60, "Seconds between summaries of a message's reactions.")
    ] = 1.0
    deflate_min_bytes: Annotated[
        int, _span(64, 1 << 20, "Bytes from which a frame is deflated; below, little is saved.")
    ] = 1024


class Outbox(Section, frozen=True):
    """How much may wait for a slow connection (protocol.md 2.11)."""

    ephemeral_bytes: Annotated[
        int, _span(1024, 1 << 24, "Bytes waiting above which typing, presence, receipts drop.")
    ] = 65536
    lag_bytes: Annotated[int, _span(1024, 1 << 26, "Bytes waiting above which events become heads.")] = 262144
    close_bytes: Annotated[
        int,
        _span(
            1024, 1 << 28, "Bytes waiting above which the connection is closed; × connections = worst memory."
        ),
    ] = 1048576
    stall_s: Annotated[
        float, _span(0.1, 600, "Seconds without one byte accepted by the socket, then closed.")
    ] = 30.0


class Heartbeat(Section, frozen=True):
    """When silence is questioned, and when it is the end (protocol.md 2.5)."""

    foreground_s: Annotated[
        int, _span(15, 290, "Seconds of silence before a ping: proxies forget after 60.")
    ] = 30
    background_s: Annotated[int, _span(15, 290, "The same in background: carrier NAT forgets after 270.")] = (
        240
    )
    answer_foreground_s: Annotated[
        float, _span(0.1, 120, "Seconds for the answer to a ping in foreground.")
    ] = 15.0
    answer_background_s: Annotated[
        float, _span(0.1, 120, "The same in background: the radio wakes up slowly.")
    ] = 30.0


class Drain(Section, frozen=True):
    """How the daemon leaves."""

    pre_stop_s: Annotated[
        float, _span(0, 300, "Seconds /readyz says no before anything closes, for a load balancer.")
    ] = 0.0
    spread_min_s: Annotated[
        float, _span(0, 3600, "Least seconds over which clients are asked to spread.")
    ] = 5.0
    reconnects_per_s: Annotated[float, _span(1, 1e6, "Reconnects a second the next daemon shall meet.")] = (
        500.0
    )
    window_s: Annotated[float, _span(0, 300, "Seconds over which the closes themselves are spread.")] = 2.0
    deadline_s: Annotated[
        float, _span(0.1, 600, "Seconds after which the exit no longer waits; below systemd's 90.")
    ] = 15.0


class Log(Section, frozen=True):
    """What is told, and how."""

    level: Annotated[
        str, Meta(pattern="^(debug|info|warning|error)$", description="debug, info, warning or error.")
    ] = "info"
    format: Annotated[
        str,
        Meta(pattern="^(auto|text|json)$", description="text, json, or auto: text on a terminal, else json."),
    ] = "auto"


class Config(Section, frozen=True):
    """The whole configuration; `Config()` is what `chatd serve` runs without file, environment or flags."""

    listen: Listen = Listen()
    storage: Storage = Storage()
    auth: Auth = Auth()
    limits: Limits = Limits()
    rates: Rates = Rates()
    delivery: Delivery = Delivery()
    outbox: Outbox = Outbox()
    heartbeat: Heartbeat = Heartbeat()
    drain: Drain = Drain()
    log: Log = Log()


def from_plain(kind: type, value: Any) -> Any:
    """`dec_hook` for msgspec: makes a `Secret` of a str."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"expected a text, got {type(value).__name__}")
