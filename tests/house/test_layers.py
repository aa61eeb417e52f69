"""Imports run one way. The arrows here are those of chatd/__init__.py; any other fails."""

import ast
import sys
from pathlib import Path

from tests.kit.sources import Source, sources

INNER = {"core", "protocol"}
ADAPTER = {"ports", "config", *INNER}

# What each part of chatd may import of chatd, besides itself and the version.
ARROWS: dict[str, set[str]] = {
    "config": {"secret"},
    "secret": set(),
    "settings": {"config"},
    "protocol": set(),
    "core": {"protocol"},
    "ports": INNER,
    "handlers": ADAPTER,
    "storage": ADAPTER,
    "bus": ADAPTER,
    "identity": ADAPTER,
    "edge": {"handlers", *ADAPTER},
    "inside": {"edge", "handlers", "storage", "bus", "identity", *ADAPTER},
    "daemon": {"inside", "edge", "handlers", "storage", "bus", "identity", *ADAPTER},
    "reloading": {"daemon", "edge", "identity", "settings", "config"},
    "running": {"reloading", "daemon", "edge", "handlers", "config"},
    "cli": {"running", "daemon", "settings", "edge", "storage", "identity", "client", "secret", *ADAPTER},
    "client": set(),
    "bench": {"client"},
    "__main__": {"cli"},
    "__init__": set(),
}

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

# Only Env asks the machine for time and chance. The command line and the client live outside of it.
TIME_AND_CHANCE = {"time", "random", "secrets", "uuid", "datetime"}
ASKS_THE_MACHINE = {
    "chatd/edge/machine.py",  # is Env
    "chatd/edge/logs.py",  # stamps lines, decides nothing
}

IMPORTERS: dict[str, tuple[str, ...]] = {
    "aiosqlite": ("chatd/storage/connection.py",),
    "argon2": ("chatd/identity/passwords.py",),
    "click": ("chatd/cli/",),
    "cryptography": ("chatd/identity/keys.py", "bench/siege/"),
    "httptools": ("chatd/edge/front.py",),
    "jwt": ("chatd/identity/tokens.py",),
    "msgpack": ("chatd/client/", "bench/"),
    "msgspec": ("chatd/", "bench/"),  # structs travel: the encoders are kept to two places below
    "prometheus_client": ("chatd/edge/metrics.py",),
    "rich": ("chatd/cli/",),
    "starlette": ("chatd/edge/http.py", "chatd/edge/admin.py"),
    "uvicorn": ("chatd/edge/server.py", "chatd/edge/front.py"),
    "uvloop": ("chatd/running.py", "bench/loop.py", "bench/floors/"),
    "websockets": (
        "chatd/edge/websocket.py",
        "chatd/edge/handshake.py",
        "chatd/edge/parsing.py",
        "chatd/client/",
        "bench/floors/",
    ),
}

# The floors stand beside the daemon: an echo on its own WebSocket stack, and what a library does by itself. The
# micro-benchmarks time its parts, or count their instructions. None is a client.
BESIDE_THE_DAEMON = ("bench/floors/", "bench/micro", "bench/instructions/")

PRODUCT = sources("chatd", "bench")


def modules(source):
    return {name.split(".")[0] for name in source.imports()}


def own(source):
    """What a file imports of chatd, by layer."""
    return {name.split(".")[1] for name in source.imports() if name.startswith("chatd.")}


def offenders(found):
    """The files of which something is left to say, with what it is."""
    return {source.name: sorted(left) for source, left in found if left}


def test_imports_follow_the_arrows():
    allowed = {layer: {layer, "__version__", *arrows} for layer, arrows in ARROWS.items()}
    bound = [source for source in PRODUCT if not source.name.startswith(BESIDE_THE_DAEMON)]
    assert offenders((source, own(source) - allowed[source.layer]) for source in bound) == {}


def test_every_arrow_is_of_a_layer_there_is():
    layers = {source.layer for source in PRODUCT}
    assert layers == set(ARROWS)
    assert {layer for arrows in ARROWS.values() for layer in arrows} <= layers


def test_rules_and_vocabulary_are_pure():
    pure = sources("chatd/core", "chatd/protocol", "chatd/client/core")
    assert offenders((source, modules(source) & IMPURE) for source in pure) == {}


def test_the_core_of_the_client_imports_nothing_of_its_shell():
    def shell(source):
        inward = ("chatd.client.core",)
        return {name for name in source.imports() if name.startswith("chatd") and not name.startswith(inward)}

    assert offenders((source, shell(source)) for source in sources("chatd/client/core")) == {}


def test_ports_only_say_what_is_needed():
    (ports,) = [source for source in PRODUCT if source.name == "chatd/ports.py"]
    assert modules(ports) <= {"collections", "dataclasses", "typing", "chatd"}


def test_only_env_asks_the_machine_for_time_and_chance():
    server = [source for source in sources("chatd") if source.layer not in ("cli", "client")]
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


def test_an_import_is_found_wherever_it_stands(tmp_path):
    """The reader of imports itself: absolute, relative, inside a function, of the package."""
    code = "import a.b\nfrom chatd import closes\nfrom .near import x\ndef f():\n    from c.d import e\n"
    source = Source(Path("chatd/client/here.py"), code, ast.parse(code))
    assert set(source.imports()) == {"a.b", "chatd.closes", "chatd.client.near", "c.d"}
