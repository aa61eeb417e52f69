"""The bounds of a daemon's memory, derived from the limits of its configuration.

The constants were measured, and rounded up; tests/server/test_memory.py compares a daemon with them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from chatd.config.media import Media
from chatd.config.model import Config
from chatd.core.read_set import most_rooms

KIB, MIB = 1 << 10, 1 << 20
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")

PROGRAM = 96 * MIB  # 57 MiB after the start; buffers, and objects that wait for a garbage collection
WRITER_CACHE, READER_CACHE = 16 * MIB, 8 * MIB  # storage/sqlite/pragmas.py: pages of SQLite
TOKENS = 8 * MIB  # auth/token_cache.py: 20,000 digests with their claims
BUCKETS = 24 * 15 * MIB  # core/rates.py: up to 24 kinds of buckets, 50,000 keys of 300 bytes each
MEMBER = 400  # a member of a room in memory: the object, its name, its entries in two tables
QUEUE = 20_000  # writer/writer.py: requests that wait for the disk
REQUEST = 4 * KIB  # a request beside its body: the objects around it
# telemetry/logs.py: a message, some fields and a traceback, each cut; most lines take 300 bytes.
LOG_LINE = 12 * KIB
FIGURES = KIB  # telemetry/samples.py: eleven objects a second
# push/queue.py and push/outstanding.py: a notification that waits, with a token of up to 4 KiB, where most have 200
# bytes; what one device shows of one room; push/trace.py: records that wait for the disk, twice
PUSH_WAITING, PUSH_PENDING = 20_000, 5 * KIB
PUSH_SHOWN_MAX, PUSH_SHOWN = 100_000, 256
PUSH_TRACE = 2 * (4 << 20)
PUSH_PROCESS = 96 * MIB  # 44 MiB after the start, 60 with two thousand notifications under way
# media: 45 MiB of the process after the start; a connection that uploads; an inspector with its libraries and a large
# picture, which may have up to 1 GiB of address space
MEDIA_PROCESS, MEDIA_CONNECTION, MEDIA_INSPECTOR = 96 * MIB, 256 * KIB, 384 * MIB
# media/engines/s3.py: four files under way to the bucket, each with two parts of 8 MiB, and the library
MEDIA_BUCKET = 96 * MIB
SEARCH_PROCESS = 64 * MIB  # search/main.py: 35 MiB after the start, with the page caches of three connections
INSPECTORS_MAX = 4  # unless the configuration says more
# http/listeners.py and http/http_protocol.py: a head of 16 KiB, twice, and the parser
HTTP_SOCKETS, HTTP_SOCKET = 4096, 48 * KIB
CONNECTION = 32 * KIB  # parser, session, timers, subscriptions to some forty rooms; 17 KiB for one room
# delivery/hub.py: a connection in a room, and a room with subscribers
SUBSCRIPTION, ROOM_SUBSCRIBERS = 256, 512
# http/api: four uploads, whole and as lines; and a body on each of the 224 sockets of back ends and operators
API_BODIES = (4 * 16 + 224) * MIB
READ = 256 * KIB  # the event loop reads as much in one go, before reading is paused
SILENT = 8 * KIB  # a silent socket: its transport, its table entry, its deadline
TLS, TLS_READ = 64 * KIB, 256 * KIB  # keys and records; the buffer of a client that sends much


@dataclass(frozen=True, slots=True)
class Memory:
    """Bounds in bytes: `parts` by name, with idle connections; `silent`, one silent socket; and one connection.

    The connection is before hello (`stranger`), `idle`, idle in as many rooms as allowed (`full`), or at its `worst`.
    """

    parts: dict[str, int]
    silent: int
    stranger: int
    idle: int
    full: int
    worst: int

    @property
    def usual(self) -> int:
        """The bound of all parts together, while clients read all pushes and finish all frames they begin."""
        return sum(self.parts.values())


def memory_of(config: Config) -> Memory:
    """Return the bounds that follow from the limits of a configuration."""
    limits, outbox, console, push = config.limits, config.outbox, config.console, config.push
    media = config.media
    is_tls = bool(config.listen.tls_cert)
    idle = CONNECTION + is_tls * TLS
    asked = limits.in_flight * (limits.body_bytes + REQUEST)
    # A message is held in pieces and joined; the mark is checked after a frame was added.
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
        "figures and log of the console": console.enabled
        * (console.log_lines * LOG_LINE + console.history_s * FIGURES),
        "push: what waits, and what phones show": push.enabled
        * (len(push.apps) * PUSH_WAITING * PUSH_PENDING + PUSH_SHOWN_MAX * PUSH_SHOWN + PUSH_TRACE),
        "push: the process that sends (push.workers)": push.enabled * push.workers * PUSH_PROCESS,
        "media: the process (media.connections)": media.enabled
        * (MEDIA_PROCESS + media.connections * MEDIA_CONNECTION + (media.engine == "s3") * MEDIA_BUCKET),
        "media: what opens uploads (media.inspectors)": media.enabled
        * inspectors_of(media)
        * MEDIA_INSPECTOR,
        "search: the process with the index": config.search.enabled * SEARCH_PROCESS,
        "sockets that are no connection yet": HTTP_SOCKETS * (HTTP_SOCKET + is_tls * TLS),
        "bodies of requests to the API": API_BODIES,
        "connections, idle (limits.connections)": limits.connections * idle,
    }
    return Memory(parts, SILENT + is_tls * TLS, idle + 2 * limits.hello_frame_bytes, idle, full, worst)


def inspectors_of(media: Media) -> int:
    """Return the number of processes that open what users upload."""
    return media.inspectors or min(INSPECTORS_MAX, max(1, (os.cpu_count() or 1) - 1))


def as_table(config: Config) -> str:
    """Return the bounds as a table for the operator."""
    return "\n".join(_lines(config, memory_of(config))) + "\n"


def shown(size: float) -> str:
    """Return a size with a unit.

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
    yield f"{'together, while clients read all pushes':<44}{shown(memory.usual):>12}"
    yield f"{'of it, one silent socket':<44}{shown(memory.silent):>12}"
    yield ""
    yield "Hostile clients can add at most:"
    strangers = min(limits.unauthenticated, limits.connections)
    above = memory.worst - memory.idle
    added = {
        "one connection": above,
        "one user (limits.connections_per_user)": limits.connections_per_user * above,
        "one address (limits.connections_per_address)": limits.connections_per_address * above,
        "before hello (limits.unauthenticated)": strangers * (memory.stranger - memory.idle),
        "all connections (limits.connections)": limits.connections * above,
    }
    for name, size in added.items():
        yield f"{name:<44}{shown(size):>12}"
