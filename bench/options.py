"""The options that all scenarios of the load engine share; what they mean stands in README.md."""

from __future__ import annotations

import argparse
import math
import secrets

from bench import bounds, report, target, thresholds
from bench.codec import ENCODINGS
from bench.engine.device import Access
from bench.engine.schedule import ARRIVALS
from bench.engine.script import Script
from bench.engine.stage import Pacing
from bench.server import Unreachable
from bench.target import Target

CONNECTIONS_EACH = 20_000  # from one local address: below the 28,232 ports that Linux hands out by default
RUN_CHARS = 4  # a quarter of a million names: runs against one daemon do not meet


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where the result goes and what it must be."""
    parser.add_argument(
        "--json", metavar="OUT", type=report.writable, help="the result; - is standard output"
    )
    parser.add_argument(
        "--html", metavar="OUT", type=report.writable, help="a report in one file, with curves"
    )
    parser.add_argument(
        "--threshold",
        metavar="EXPR",
        type=thresholds.Threshold.parse,
        action="append",
        default=[],
        help="what must hold, as delivery.p99<50ms or lost==0; repeatable; exit code 5 when it does not",
    )


def add_load(parser: argparse.ArgumentParser, *, rate: float) -> None:
    """Pacing, length, chance and processes; `rate` is the default one."""
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--rate", type=bounds.positive, default=rate, help=f"open loop: messages/s in all ({rate:g})"
    )
    pace.add_argument(
        "--closed", action="store_true", help="closed loop: the next when the last is acknowledged"
    )
    parser.add_argument(
        "--in-flight", type=bounds.count, default=1, metavar="K", help="unacknowledged, each, with --closed"
    )
    parser.add_argument("--arrival", choices=ARRIVALS, default="poisson", help="of the open loop")
    parser.add_argument(
        "--duration", type=bounds.positive, default=30.0, metavar="S", help="seconds measured (30)"
    )
    parser.add_argument(
        "--warmup", type=bounds.zero_or_more, default=3.0, metavar="S", help="seconds before, not counted (3)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all random choices (1)")
    parser.add_argument(
        "--procs", type=bounds.count, default=1, metavar="P", help="processes of the generator (1)"
    )
    target.add_arguments(parser)
    add_output(parser)


def add_own_only(parser: argparse.ArgumentParser) -> None:
    """`--url`, of a scenario that needs a daemon of its own and says so; and the encoding."""
    parser.add_argument("--url", help="not here: the daemon is started, stopped and looked into")
    parser.add_argument("--encoding", choices=ENCODINGS, default="msgpack", help="the subprotocol")


def own_only(options: argparse.Namespace) -> None:
    """Raises Unreachable when such a scenario is asked to use another daemon."""
    if options.url:
        raise Unreachable(f"{options.scenario} needs a daemon of its own: leave --url away")


def pacing(options: argparse.Namespace) -> Pacing:
    """The pacing of the options."""
    return Pacing(
        duration_s=options.duration,
        warmup_s=options.warmup,
        rate=0.0 if options.closed else options.rate,
        in_flight=options.in_flight,
        arrival=options.arrival,
        seed=options.seed,
    )


def script(options: argparse.Namespace) -> Script:
    """Names and texts of a new run."""
    return Script(secrets.token_hex(RUN_CHARS)[:RUN_CHARS], options.seed)


def access(there: Target, connections: int = 0) -> Access:
    """How so many devices reach the target; to a daemon of our own from as many local addresses as they need."""
    addresses = sources(connections) if there.daemon is not None else []
    return Access(there.url, there.secret, there.encoding.name, tuple(addresses))


def sources(connections: int) -> list[str]:
    """Local addresses for that many connections to one port; none while one address has ports enough.

    >>> sources(15_000), sources(50_000)
    ([], ['127.0.0.2', '127.0.0.3', '127.0.0.4'])
    """
    count = math.ceil(connections / CONNECTIONS_EACH)
    return [f"127.0.0.{place + 2}" for place in range(count)] if count > 1 else []
