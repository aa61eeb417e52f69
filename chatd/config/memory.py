"""How much memory a daemon may come to, derived from the limits of its configuration. Nothing is measured here.

The constants were measured, and rounded up; tests/server/test_memory.py holds a daemon against them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from chatd.config.model import Config
from chatd.core.read_set import most_rooms

KIB, MIB = 1 << 10, 1 << 20
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")

PROGRAM = 96 * MIB  # 57 MiB after the start; buffers of the hour, and what waits for a collection
WRITER_CACHE, READER_CACHE = 16 * MIB, 8 * MIB  # storage/sqlite/pragmas.py: pages of SQLite
TOKENS = 8 * MIB  # auth/token_cache.py: 20,000 digests with their claims
BUCKETS = 14 * 15 * MIB  # core/rates.py: fourteen kinds of buckets, 50,000 keys of 300 bytes each
MEMBER = 400  # a member of a room in memory: the object, its name, its place in two tables
QUEUE = 20_000  # writer/writer.py: requests that wait for the disk
REQUEST = 4 * KIB  # a request beside its body: the objects around it
HTTP_SOCKETS, HTTP_SOCKET = (
    4096,
    48 * KIB,
)  # http/listeners.py and http/http_protocol.py: a head of 16 KiB, twice, and the parser
CONNECTION = 32 * KIB  # parser, session, timers, places in some forty rooms; 17 KiB for one room
# delivery/hub.py: a connection in a room, and a room that somebody listens to
SUBSCRIPTION, ROOM_SUBSCRIBERS = 256, 512
READ = 256 * KIB  # what the event loop reads in one go, before it hears that nothing more is wanted
SILENT = 8 * KIB  # a socket that says nothing: its transport, its place among the others, its deadline
TLS, TLS_READ = 64 * KIB, 256 * KIB  # keys and records; the buffer of a client that sends much


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `parts` by name, with `connections` as good ones; one socket that says nothing; one connection before
    hello, idle, idle in as many rooms as a user may be in, and at its worst.
    """

    parts: dict[str, int]
    silent: int
    stranger: int
    idle: int
    full: int
    worst: int

    @property
    def usual(self) -> int:
        """What all of it comes to at most, while everybody reads what he is sent and sends what he begins."""
        return sum(self.parts.values())


def memory_of(config: Config) -> Memory:
    """What the limits of a configuration come to."""
    limits, outbox = config.limits, config.outbox
    is_tls = bool(config.listen.tls_cert)
    idle = CONNECTION + is_tls * TLS
    asked = limits.in_flight * (limits.body_bytes + REQUEST)
    # A message is held in pieces and joined; the mark is looked at after a frame was added.
    full = idle + most_rooms(limits.rooms_per_user) * (SUBSCRIPTION + ROOM_SUBSCRIBERS)
    worst = full + READ + is_tls * TLS_READ + 2 * limits.frame_bytes + asked
    worst += outbox.close_bytes + limits.server_frame_bytes
    parts = {
        "program, page caches, known tokens, rates": PROGRAM
        + WRITER_CACHE
        + config.storage.readers * READER_CACHE
        + TOKENS
        + BUCKETS,
        "rooms (storage.members_in_memory)": config.storage.members_in_memory * MEMBER,
        "requests that wait for the disk": QUEUE * (limits.body_bytes + REQUEST),
        "sockets that are no connection yet": HTTP_SOCKETS * (HTTP_SOCKET + is_tls * TLS),
        "connections, idle (limits.connections)": limits.connections * idle,
    }
    return Memory(parts, SILENT + is_tls * TLS, idle + 2 * limits.hello_frame_bytes, idle, full, worst)


def as_table(config: Config) -> str:
    """The bound in words for the operator."""
    return "\n".join(_lines(config, memory_of(config))) + "\n"


def shown(size: float) -> str:
    """A size as people write it.

    >>> shown(1536)
    '1.5 KiB'
    """
    unit = 0
    while size >= KIB and unit < len(UNITS) - 1:
        size, unit = size / KIB, unit + 1
    return f"{size:.1f} {UNITS[unit]}" if unit else f"{size:.0f} B"


def _lines(config: Config, memory: Memory) -> Iterator[str]:
    limits = config.limits
    for name, size in memory.parts.items():
        yield f"{name:<44}{shown(size):>12}"
    yield f"{'together, while everybody reads':<44}{shown(memory.usual):>12}"
    yield f"{'one socket that says nothing, among them':<44}{shown(memory.silent):>12}"
    yield ""
    yield "What hostile clients can add to that, at most:"
    strangers = min(limits.unauthenticated, limits.connections)
    above = memory.worst - memory.idle
    added = {
        "one connection": above,
        "one user (limits.connections_per_user)": limits.connections_per_user * above,
        "one address (limits.connections_per_address)": limits.connections_per_address * above,
        "strangers (limits.unauthenticated)": strangers * (memory.stranger - memory.idle),
        "everybody at once (limits.connections)": limits.connections * above,
    }
    for name, size in added.items():
        yield f"{name:<44}{shown(size):>12}"
