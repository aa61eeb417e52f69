"""A subcommand and its options: all options of all scenarios as one table; each scenario offers those that matter."""

import argparse
import math
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import printout
from bench.engine.record import Script
from bench.engine.roles import ARRIVALS
from bench.engine.run_state import Access, Pacing
from bench.results import Threshold
from bench.server import SECRET_VARIABLE, Endpoint
from bench.wire import ENCODINGS

Bound = Callable[[str], Any]  # Raises ArgumentTypeError.


def _bounded(name: str, kind: Callable[[str], float], fits: Callable[[float], bool], words: str) -> Bound:
    """Return the type of a finite number of an option; argparse shows its name for what is no number."""

    def parse(word: str) -> float:
        number = kind(word)
        if not fits(number) or number == math.inf:
            raise argparse.ArgumentTypeError(f"{word} is not {words}")
        return number

    parse.__name__ = name
    return parse


positive = _bounded("positive", float, lambda number: number > 0, "a positive number")
zero_or_more = _bounded("zero_or_more", float, lambda number: number >= 0, "a number from 0 on")
count = _bounded("count", int, lambda number: number >= 1, "a whole number from 1 on")
count_or_none = _bounded("count_or_none", int, lambda number: number >= 0, "a whole number from 0 on")
pairs = _bounded("pairs", int, lambda number: number >= 2 and number % 2 == 0, "an even number from 2 on")


def speed(word: str) -> Any:
    """Return a positive number, or None for `max`. Raises ArgumentTypeError."""
    return None if word == "max" else positive(word)


CONNECTIONS_EACH = 20_000  # from one local address: below the 28,232 ports that Linux hands out by default
RUN_CHARS = 4  # a quarter of a million names: runs against one daemon do not meet

OUTPUT, LENGTH, ENDPOINT = "json html threshold", "duration warmup", "url secret_file encoding"
OPEN, PACE = "rate arrival", "rate closed in_flight arrival"
LOAD = f"{PACE} {LENGTH} seed procs {ENDPOINT} {OUTPUT}"  # of a load that is open or closed as one likes

# Type, placeholder and meaning; a default that is no flag stands in brackets behind it.
OPTIONS: dict[str, tuple[Any, str | None, str]] = {
    "arrival": (str, None, "when messages of the open loop are due (poisson)"),
    "clients": (pairs, "C", "an even number"),
    "directory": (Path, None, "make the database there, or use the one of an earlier run"),
    "duration": (positive, "S", "seconds measured"),
    "encoding": (str, None, "the subprotocol"),
    "flap": (zero_or_more, "P", "cut a connection with this probability a message"),
    "html": (printout.writable, "OUT", "a report in one file, with curves"),
    "in_flight": (count, "K", "unacknowledged, each, with --closed only (1)"),
    "json": (printout.writable, "OUT", "the result; - is standard output"),
    "members": (count, "N", "of the group"),
    "messages": (count, "N", "of the made-up database"),
    "missed": (count_or_none, "M", "messages each has missed"),
    "pages": (count, "N", "pages of 50 that are read"),
    "procs": (count, "P", "processes of the generator"),
    "rate": (positive, None, "open loop: messages/s in all"),
    "rooms": (count, "R", "of each, or of the database"),
    "rounds": (count, "N", "of both sides; the median counts"),
    "secret_file": (Path, None, f"the HS256 secret of the daemon at --url; default: ${SECRET_VARIABLE}"),
    "seed": (int, None, "of all random choices"),
    "senders": (count, "S", "of the members, who write"),
    "sessions": (count, "N", "connections"),
    "settle": (positive, "S", "seconds before measuring"),
    "speed": (speed, "N|max", "N times as fast as it was said, or max: one when one is acknowledged (max)"),
    "threshold": (Threshold.parse, "EXPR", "must hold, as delivery.p99<50ms; repeatable; exit code 5"),
    "trace": (Path, "FILE", "a chat trace, as `replay` takes it, besides what is made up"),
    "url": (str, None, "a running daemon, ws://host:port/v1/ws; without it one is started"),
    "users": (count, "N", "of the run"),
    "warmup": (zero_or_more, "S", "seconds before, not counted"),
}
FLAGS = {
    "closed": "closed loop: the next when the last is acknowledged",
    "quick": "a look, not a measurement: short and small",
    "write": "write the numbers down; the suite compares with them from now on",
}
DEFAULTS: dict[str, Any] = {
    "encoding": "msgpack", "seed": 1, "procs": 1, "duration": 30.0, "warmup": 3.0, "threshold": [], "flap": 0.0,
}  # fmt: skip
CHOICES = {"arrival": ARRIVALS, "encoding": ENCODINGS}


def offer(parser: argparse.ArgumentParser, names: str, **defaults: Any) -> None:
    wanted = names.split()
    pace = parser.add_mutually_exclusive_group() if "closed" in wanted else parser
    for name in wanted:
        group = pace if name in ("rate", "closed") else parser
        option = f"--{name.replace('_', '-')}"
        if name in FLAGS:
            group.add_argument(option, action="store_true", help=FLAGS[name])
            continue
        kind, metavar, meaning = OPTIONS[name]
        default = defaults.get(name, DEFAULTS.get(name))
        shown = f" ({default:,g})" if isinstance(default, int | float) else ""
        row: dict[str, Any] = {"choices": CHOICES[name]} if name in CHOICES else {"metavar": metavar}
        row |= {"action": "append"} if name == "threshold" else {}
        group.add_argument(option, type=kind, default=default, help=f"{meaning}{shown}", **row)


def pacing(options: argparse.Namespace) -> Pacing:
    """The pacing of PACE and LENGTH. Raises ValueError for an option of the other kind of loop."""
    if options.closed and options.arrival:
        raise ValueError("--arrival says when messages are due, and in a closed loop none is: leave one away")
    if options.in_flight and not options.closed:
        raise ValueError("--in-flight is of a closed loop: --closed is missing")
    paced = open_pacing(options)
    return paced.paced(in_flight=options.in_flight or 1) if options.closed else paced


def open_pacing(options: argparse.Namespace) -> Pacing:
    arrival, seed = options.arrival or "poisson", options.seed
    return Pacing(options.duration, options.warmup, options.rate, arrival=arrival, seed=seed)


def script(seed: int) -> Script:
    return Script(secrets.token_hex(RUN_CHARS)[:RUN_CHARS], seed)


def access(there: Endpoint, connections: int = 0) -> Access:
    """How so many devices reach the daemon; one of our own from as many local addresses as they need."""
    addresses = sources(connections) if there.daemon is not None else []
    return Access(there.url, there.secret, there.encoding.name, tuple(addresses))


def sources(connections: int) -> list[str]:
    """Local addresses for that many connections to one port; none while one address has ports enough.

    >>> sources(15_000), sources(50_000)
    ([], ['127.0.0.2', '127.0.0.3', '127.0.0.4'])
    """
    count = math.ceil(connections / CONNECTIONS_EACH)
    return [f"127.0.0.{place + 2}" for place in range(count)] if count > 1 else []


def only(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the option that picks some of the things a scenario measures one by one."""
    known = list(names)
    row = {"choices": known, "action": "append", "metavar": "NAME", "help": f"repeatable: {', '.join(known)}"}
    return {"--only": row}


@dataclass(frozen=True)
class Scenario:
    """One subcommand. `offers` are names of OPTIONS, `defaults` theirs; `own` are rows for argparse."""

    summary: str
    run: Callable[[argparse.Namespace], Coroutine[Any, Any, int]]
    offers: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        for name, row in self.own.items():
            parser.add_argument(name, **row)
        offer(parser, self.offers, **self.defaults)
