"""The common options that a scenario does not take, each with its reason: none is accepted and then ignored."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

# What every scenario that measures either takes or refuses.
COMMON = (
    "--url",
    "--rate",
    "--closed",
    "--duration",
    "--warmup",
    "--seed",
    "--procs",
    "--encoding",
    "--json",
    "--html",
    "--threshold",
)

_PACES = ("--rate", "--closed")
_LENGTHS = ("--duration", "--warmup")
_OWN = "the daemon is started, stopped and looked into here"
_ONE_PROCESS = "one process plays everybody"

REASONS: Mapping[str, Mapping[str, str]] = {
    "idle": {
        "--url": _OWN,
        **dict.fromkeys(_PACES, "nobody sends anything"),
        **dict.fromkeys(_LENGTHS, "--settle says how long everybody waits"),
        "--seed": "nothing is left to chance",
    },
    "history": {
        "--url": _OWN,
        **dict.fromkeys(_PACES, "its send rates are closed loops, one send in flight each"),
    },
    "reconnect": {
        "--url": _OWN,
        **dict.fromkeys(
            _PACES, "what is missed is as much as --missed says, and the probes have their own rate"
        ),
        **dict.fromkeys(_LENGTHS, "it is over when everybody is back"),
        "--procs": _ONE_PROCESS,
    },
    "mixed": {
        **dict.fromkeys(_PACES, "the rates stand in the file"),
        "--procs": _ONE_PROCESS,
    },
    "replay": {
        **dict.fromkeys(_PACES, "--speed N is an open loop, --speed max a closed one"),
        **dict.fromkeys(_LENGTHS, "it is over when the trace is"),
        "--procs": _ONE_PROCESS,
    },
    "siege": {
        "--url": "nobody else's daemon is attacked",
        **dict.fromkeys(_PACES, "attacks and honest people have rates of their own"),
        "--warmup": "each attack has a quiet stretch before it",
        "--seed": "nothing is left to chance",
        "--procs": "the attacker is one process, the honest people another",
        "--encoding": "attacks are bytes of MessagePack",
    },
    "ramp": {"--closed": "a closed loop has no rate to step up"},
    "floor": {
        "--closed": "it runs everything at the rate and in closed loops",
        "--procs": "all floors are measured by one process, and the daemon like them",
    },
    "peers": {
        "--procs": "one process holds all listeners to the same bytes, and measures the daemon like them"
    },
    "micro": {
        **dict.fromkeys(("--url", "--encoding"), "the parts are called in this process"),
        **dict.fromkeys((*_PACES, *_LENGTHS, "--procs"), "each part is repeated for nine short rounds"),
    },
    "instructions": {
        **dict.fromkeys(("--url", "--encoding"), "the parts are called in a process of their own"),
        **dict.fromkeys((*_PACES, *_LENGTHS, "--procs"), "each part is called so often, and twice as often"),
        "--seed": "nothing is left to chance",
    },
    "targets": {
        "--url": "each row has a daemon of its own",
        **dict.fromkeys((*_PACES, *_LENGTHS, "--procs", "--encoding"), "its rows say how they are measured"),
        "--html": "`report` makes a page of what --json wrote",
        "--threshold": "its rows say what must be reached",
    },
}


def refuse(scenario: str, parser: argparse.ArgumentParser) -> None:
    """Makes the parser of a scenario refuse what it does not take, in a sentence that says why."""
    for option, reason in REASONS.get(scenario, {}).items():
        parser.add_argument(option, action=_Refusal, nargs="?", help=f"not here: {reason}")


class _Refusal(argparse.Action):
    """Ends the command as an option nobody knows would, but with a reason."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        reason = str(self.help).partition(": ")[2]
        parser.error(f"{parser.prog.rpartition(' ')[2]} takes no {option_string}: {reason}")
