"""The options that all scenarios of the load engine share; what they mean stands in README.md."""

from __future__ import annotations

import argparse
import math
import secrets

from bench import bounds, report, target, thresholds
from bench.engine.device import Access
from bench.engine.schedule import ARRIVALS
from bench.engine.script import Script
from bench.engine.stage import Pacing
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
    """Everything of a load that is open or closed as one likes; `rate` is the default one."""
    add_pace(parser, rate=rate)
    add_length(parser)
    add_seed(parser)
    add_procs(parser)
    target.add_arguments(parser)
    add_output(parser)


def add_pace(parser: argparse.ArgumentParser, *, rate: float) -> None:
    """An open loop, or a closed one."""
    pace = parser.add_mutually_exclusive_group()
    _add_rate(pace, rate)
    pace.add_argument(
        "--closed", action="store_true", help="closed loop: the next when the last is acknowledged"
    )
    parser.add_argument(
        "--in-flight", type=bounds.count, metavar="K", help="unacknowledged, each, with --closed only (1)"
    )
    _add_arrival(parser, "of the open loop only (poisson)")


def add_open(parser: argparse.ArgumentParser, *, rate: float) -> None:
    """An open loop."""
    _add_rate(parser, rate)
    _add_arrival(parser, "(poisson)")


def add_length(parser: argparse.ArgumentParser, *, duration: float = 30.0, warmup: float = 3.0) -> None:
    """How long is measured, and what is dropped before."""
    parser.add_argument(
        "--duration",
        type=bounds.positive,
        default=duration,
        metavar="S",
        help=f"seconds measured ({duration:g})",
    )
    parser.add_argument(
        "--warmup",
        type=bounds.zero_or_more,
        default=warmup,
        metavar="S",
        help=f"seconds before, not counted ({warmup:g})",
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    """What chance begins with."""
    parser.add_argument("--seed", type=int, default=1, help="of all random choices (1)")


def add_procs(parser: argparse.ArgumentParser) -> None:
    """How many processes play."""
    parser.add_argument(
        "--procs", type=bounds.count, default=1, metavar="P", help="processes of the generator (1)"
    )


def _add_rate(parser: argparse._ActionsContainer, rate: float) -> None:
    parser.add_argument(
        "--rate", type=bounds.positive, default=rate, help=f"open loop: messages/s in all ({rate:g})"
    )


def _add_arrival(parser: argparse.ArgumentParser, told: str) -> None:
    parser.add_argument("--arrival", choices=ARRIVALS, help=told)


def pacing(options: argparse.Namespace) -> Pacing:
    """The pacing of `add_pace`. Raises ValueError for an option of the other kind of loop."""
    if options.closed and options.arrival:
        raise ValueError("--arrival says when messages are due, and in a closed loop none is: leave one away")
    if options.in_flight and not options.closed:
        raise ValueError("--in-flight is of a closed loop: --closed is missing")
    paced = open_pacing(options)
    return paced.paced(in_flight=options.in_flight or 1) if options.closed else paced


def open_pacing(options: argparse.Namespace) -> Pacing:
    """The pacing of `add_open`."""
    return Pacing(
        duration_s=options.duration,
        warmup_s=options.warmup,
        rate=options.rate,
        arrival=options.arrival or "poisson",
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
