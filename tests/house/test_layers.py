"""Imports run one way. The arrows here are those of chatd/__init__.py; any other fails."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.kit.sources import ROOT, Source, sources

INNER = {"core", "protocol"}
ADAPTER = {"env", "config", "telemetry", *INNER}
INTERFACES = {
    "storage.interface",
    "bus.interface",
    "auth.interface",
    "delivery.interface",
    "webhooks.interface",
    "moderation.interface",
    "push.interface",
    "media.interface",
    "search.interface",
}
INSIDE = {*INTERFACES, *ADAPTER}

# What each folder of chatd may import of chatd, besides itself and the version. `x.interface` is a contract alone.
ARROWS: dict[str, set[str]] = {
    "protocol": set(),
    "core": {"protocol"},
    "env": set(),
    "config": INNER,
    "telemetry": {"env", "config"},
    **{contract: {"telemetry", *INNER} for contract in INTERFACES},
    "storage": {"storage.interface", *ADAPTER},
    "bus": {"bus.interface", *ADAPTER},
    "auth": {"auth.interface", "egress", *ADAPTER},
    "egress": {"env", "config"},
    "web": ADAPTER,
    "webhooks": {"webhooks.interface", "storage.interface", "egress", *ADAPTER},
    "push": {"push.interface", "storage.interface", "egress", *ADAPTER},
    "media": INSIDE,
    "search": {"search.interface", *ADAPTER},
    "moderation": {"moderation.interface", *ADAPTER},
    "websocket": INSIDE,
    "delivery": {"websocket", *INSIDE},
    "writer": INSIDE,
    "jobs": {"writer", *INSIDE},
    "commands": {"delivery", "jobs", "webhooks", "push", "media", "writer", *INSIDE},
    "session": {"commands", "delivery", "websocket", "writer", *INSIDE},
    "http": {"commands", "web", "websocket", *INSIDE},
    "server": {
        "http", "session", "commands", "jobs", "writer", "delivery", "websocket", "storage", "bus", "auth", "web",
        "webhooks", "push", "media", "search", "egress", "moderation",
        *INSIDE,
    },
    "cli": {
        "server", "http", "storage", "auth", "webhooks", "push", "media", "search", "egress", "client", "conformance",
        *INSIDE,
    },
    "client": set(),
    "conformance": set(),
    "host": set(),
    "bench": {"client"},
    "__main__": {"cli"},
    "__init__": set(),
}  # fmt: skip

# A decision that asked for the time, for chance or for a socket could not be simulated nor repeated.
IMPURE = {
    "asyncio",
    "time",
    "random",
    "secrets",
    "socket",
    "logging",
    "os",
    "uuid",
    "threading",
    "datetime",
    "ssl",
}

# Only Env asks the machine for time and chance. The command line, the clients and the kit live outside of it.
TIME_AND_CHANCE = {"time", "random", "secrets", "uuid", "datetime"}
ASKS_THE_MACHINE = {
    "chatd/server/system_env.py",  # is Env
    "chatd/config/first_secret.py",  # draws a secret before there is a daemon
    "chatd/media/engines/presigned.py",  # writes a date, and is given the time
    "chatd/push/zones.py",  # reckons with dates, and is given the time
    "chatd/storage/sqlite/graph.py",  # rests in the middle of a scan
    "chatd/telemetry/logs.py",  # stamps lines, decides nothing
}

IMPORTERS: dict[str, tuple[str, ...]] = {
    "ahocorasick": ("chatd/moderation/words.py",),
    "aiosqlite": ("chatd/storage/sqlite/connection.py",),
    "apsw": ("chatd/search/",),
    "argon2": ("chatd/auth/passwords.py",),
    "av": ("chatd/media/inspect/",),
    "click": ("chatd/cli/",),
    "cryptography": ("chatd/auth/keys.py", "chatd/push/", "chatd/server/watched_files.py", "bench/siege/"),
    "h2": ("chatd/push/sender/http2_connection.py",),
    "hpack": ("chatd/push/sender/http2_connection.py",),
    "httptools": (
        "chatd/http/http_protocol.py",
        "chatd/egress/connection.py",
        "chatd/media/http/messages.py",
    ),
    "jwt": ("chatd/auth/tokens.py", "chatd/push/sender/credentials.py"),
    "msgpack": ("chatd/client/", "chatd/conformance/", "bench/"),
    "msgspec": ("chatd/", "bench/"),  # structs travel: the encoders are kept to two places below
    "obstore": ("chatd/media/engines/bucket.py", "chatd/media/engines/s3.py"),
    "pillow_heif": ("chatd/media/inspect/pictures.py",),
    "prometheus_client": ("chatd/telemetry/metrics.py",),
    "pyvips": ("chatd/media/inspect/pictures.py", "bench/baselines/picture.py"),
    "re2": ("chatd/moderation/patterns.py",),
    "rich": ("chatd/cli/",),
    "starlette": (
        "chatd/http/answers.py",
        "chatd/http/routes.py",
        "chatd/http/api/",
        "chatd/http/console.py",
        "chatd/http/console_access.py",
        "chatd/http/login.py",
        "chatd/http/web.py",
    ),
    "uvicorn": ("chatd/http/listeners.py", "chatd/http/http_protocol.py"),
    "uvloop": ("chatd/server/event_loop.py", "bench/machine.py", "bench/baselines/"),
    "websockets": (
        "chatd/websocket/connection.py",
        "chatd/websocket/handshake.py",
        "chatd/websocket/parsing.py",
        "chatd/client/",
        "chatd/conformance/",
        "bench/baselines/",
    ),
}

# The floors stand beside the daemon: an echo on its own WebSocket stack, and what a library does by itself. The
# micro-benchmarks time its parts, or count their instructions. None is a client.
BESIDE_THE_DAEMON = ("bench/baselines/", "bench/instructions/")

PRODUCT = sources("chatd", "bench")


def modules(source):
    return {name.split(".")[0] for name in source.imports()}


CONTRACTS = ("interface", "views", "erasing", "feeds")
# Contracts of parts of a store, each beside the others.
STORES = (
    "storage.push",
    "storage.files",
    "storage.graph",
    "storage.inbox",
    "storage.joining",
    "storage.media",
    "storage.channels",
    "storage.comments",
    "storage.discovery",
    "storage.members",
    "storage.scheduled",
    "storage.search",
)


def layer(name):
    """The layer of a module; the contract of one, with the rows it returns, is a layer of its own."""
    parts = name.split(".")[1:]
    is_contract = parts[1:2] in [[one] for one in CONTRACTS] or ".".join(parts[:2]) in STORES
    return f"{parts[0]}.interface" if is_contract else parts[0]


def layer_of(source):
    is_contract = source.path.stem in CONTRACTS or source.name in [
        f"chatd/{one.replace('.', '/')}.py" for one in STORES
    ]
    return f"{source.layer}.interface" if is_contract else source.layer


def own(source):
    """Return the layers of chatd that a file imports."""
    return {layer(name) for name in source.imports() if name.startswith("chatd.")}


def offenders(found):
    """The files of which something is left to say, with what it is."""
    return {source.name: sorted(left) for source, left in found if left}


def test_imports_follow_the_arrows():
    allowed = {name: {name, "__version__", *arrows} for name, arrows in ARROWS.items()}
    bound = [source for source in PRODUCT if not source.name.startswith(BESIDE_THE_DAEMON)]
    assert offenders((source, own(source) - allowed[layer_of(source)]) for source in bound) == {}


def test_every_arrow_is_of_a_layer_there_is():
    layers = {layer_of(source) for source in PRODUCT}
    assert layers == set(ARROWS)
    assert {layer for arrows in ARROWS.values() for layer in arrows} <= layers


def drawn(text):
    """The arrows of a map as ranks: from left to right, a rank may import those behind it."""
    arrows = re.search(r"^ *cli (?:->|→) .*(?:\n *(?:->|→) .*)+", text, re.MULTILINE)
    return [rank.strip().split(", ") for rank in re.split("->|→", arrows[0])]


MAP = (ROOT / "chatd" / "__init__.py").read_text()
RANKS = drawn(MAP)


def test_the_arrows_are_those_of_the_map():
    """A layer may import of lower ranks alone. The client and the conformance kit have none: nothing of the daemon
    but `cli` knows them."""
    below: dict[str, set[str]] = {}
    for number, rank in enumerate(RANKS):
        lower = {layer for one in RANKS[number + 1 :] for layer in one}
        lower |= INTERFACES if "interfaces" in lower else set()
        below |= dict.fromkeys(INTERFACES if rank == ["interfaces"] else rank, lower)
    ranked = {layer for rank in RANKS for layer in rank}
    assert set(ARROWS) - ranked - INTERFACES == {
        "client",
        "conformance",
        "host",
        "bench",
        "__main__",
        "__init__",
    }
    upward = {layer: ARROWS[layer] - lower for layer, lower in below.items()}
    assert {layer: arrows for layer, arrows in upward.items() if arrows} == {"cli": {"client", "conformance"}}


def test_the_map_names_every_folder():
    named = set(re.findall(r"^    ([a-z_]+)(?:/|\.py) ", MAP, re.MULTILINE))
    assert named == {source.layer for source in sources("chatd")} - {"__init__", "__main__"}


def test_the_documents_draw_the_same_map():
    assert drawn((ROOT / "docs" / "architecture.md").read_text()) == RANKS


def test_rules_and_vocabulary_are_pure():
    pure = sources("chatd/core", "chatd/protocol", "chatd/client/core")
    assert offenders((source, modules(source) & IMPURE) for source in pure) == {}


def test_the_core_of_the_client_imports_nothing_of_its_shell():
    def shell(source):
        inward = ("chatd.client.core",)
        return {name for name in source.imports() if name.startswith("chatd") and not name.startswith(inward)}

    assert offenders((source, shell(source)) for source in sources("chatd/client/core")) == {}


def test_interfaces_only_say_what_is_needed():
    contracts = [
        source for source in PRODUCT if source.path.stem in ("interface", "env") and source.layer != "client"
    ]
    assert len(contracts) == 10
    assert (
        offenders(
            (s, modules(s) - {"collections", "dataclasses", "msgspec", "typing", "chatd"}) for s in contracts
        )
        == {}
    )


def test_only_env_asks_the_machine_for_time_and_chance():
    server = [
        source for source in sources("chatd") if source.layer not in ("cli", "client", "conformance", "host")
    ]
    asking = offenders((source, modules(source) & TIME_AND_CHANCE) for source in server)
    assert set(asking) == ASKS_THE_MACHINE


def test_third_party_packages_have_few_importers():
    known = set(sys.stdlib_module_names) | {"chatd", "bench"}
    foreign = [(source, package) for source in PRODUCT for package in modules(source) - known]
    assert [package for _, package in foreign if package not in IMPORTERS] == []
    assert [(s.name, package) for s, package in foreign if not s.name.startswith(IMPORTERS[package])] == []


def test_every_rule_for_a_package_is_in_use():
    used = {module for source in PRODUCT for module in modules(source)}
    assert set(IMPORTERS) <= used


def test_packets_are_coded_in_the_protocol_alone():
    """`msgspec.msgpack` elsewhere would be a second codec."""
    outside = [source for source in sources("chatd") if source.layer != "protocol"]
    assert [source.name for source in outside if "msgspec.msgpack" in source.text] == []


def test_the_client_shares_no_code_with_the_server():
    client = sources("chatd/client")
    assert offenders((source, own(source) - {"client", "__version__"}) for source in client) == {}
    assert [source.name for source in client if "msgspec" in modules(source)] == []


def test_the_kit_needs_nothing_but_websockets_and_msgpack():
    """Whoever tests a client installs no server."""
    kit = sources("chatd/conformance")
    known = {*sys.stdlib_module_names, "chatd", "websockets", "msgpack"}
    assert len(kit) > 10
    assert offenders((source, own(source) - {"conformance"}) for source in kit) == {}
    assert offenders((source, modules(source) - known) for source in kit) == {}


def test_the_client_of_back_ends_needs_nothing_but_the_standard_library():
    """Whoever calls the API from Python installs no server: the folder can be copied."""
    host = sources("chatd/host")
    assert len(host) == 4
    assert offenders((source, own(source) - {"host"}) for source in host) == {}
    assert offenders((source, modules(source) - {*sys.stdlib_module_names, "chatd"}) for source in host) == {}


ROOM_CLASS = "chatd/core/room.py"
BATCHES = ("writes", "write_set")  # their `members` are those that a batch changes
WALKS = {
    "len",
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
    "sorted",
    "iter",
    "enumerate",
    "zip",
    "map",
    "filter",
}
WALKS |= {"any", "all", "sum", "min", "max", "next", "reversed"}


def walks_of_members(source):
    """Lines that count or walk the `members` of a room."""
    for node in ast.walk(source.tree):
        walked = [node.iter] if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) else []
        if isinstance(node, ast.Starred):
            walked = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WALKS:
            walked = node.args
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            walked = [node] if node.func.attr in ("values", "items", "keys", "copy") else []
        yield from (ast.unparse(one) for one in walked if is_of_members(one))


def is_of_members(node):
    """Whether it is `room.members`, or `.values()`, `.items()` or `.keys()` of that."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    if not isinstance(node, ast.Attribute) or node.attr != "members":
        return False
    return ast.unparse(node.value) not in BATCHES


def test_nobody_but_a_room_counts_or_walks_its_members():
    """`room.size`, `room.member(user)` and what else a room answers can be had without all members in memory."""
    server = [source for source in sources("chatd") if source.layer not in ("cli", "client")]
    found = offenders((source, sorted({*walks_of_members(source)})) for source in server)
    assert set(found) == {ROOM_CLASS}


@pytest.mark.parametrize(
    "code",
    [
        "len(room.members)",
        "for one in room.members: pass",
        "[one for one in self.room.members.values()]",
        "[*answer.room.members]",
        "any(m.role for m in room.members.values())",
        "some = dict(room.members.items())",
    ],
)
def test_a_walk_is_found_whatever_it_looks_like(code):
    assert list(walks_of_members(Source(Path("chatd/core/here.py"), code))) != []


def test_an_import_is_found_wherever_it_stands(tmp_path):
    """The reader of imports itself: absolute, relative, inside a function, of the package."""
    code = "import a.b\nfrom chatd import closes\nfrom .near import x\ndef f():\n    from c.d import e\n"
    source = Source(Path("chatd/client/here.py"), code)
    assert set(source.imports()) == {"a.b", "chatd.closes", "chatd.client.near", "c.d"}
