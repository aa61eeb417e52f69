"""The command line of the harness: one subcommand for each scenario."""

import argparse
import shlex
import sys
from types import ModuleType

from bench import convert, cores, loop, micro, outcome, refusals, replay
from bench.phone import Refused
from bench.results import compare
from bench.results import report as report_page
from bench.scenarios import (
    connect,
    direct,
    fanout,
    floor,
    history,
    idle,
    instructions,
    mixed,
    peers,
    ramp,
    reconnect,
    siege,
    stalled,
    targets,
)
from bench.trace import TraceError

SCENARIOS: dict[str, ModuleType] = {
    "fanout": fanout,
    "direct": direct,
    "connect": connect,
    "idle": idle,
    "floor": floor,
    "peers": peers,
    "targets": targets,
    "replay": replay,
    "convert": convert,
    "mixed": mixed,
    "micro": micro,
    "instructions": instructions,
    "history": history,
    "reconnect": reconnect,
    "stalled": stalled,
    "siege": siege,
    "ramp": ramp,
    "compare": compare,
    "report": report_page,
}

USAGE, INTERRUPTED = 2, 130


def main(argv: list[str] | None = None) -> int:
    """Runs one scenario. 0: fine, 1: not correct, 2: usage, 4: no daemon to talk to."""
    options = _parser().parse_args(argv)
    options.command = shlex.join(("python", "-m", "bench", *(sys.argv[1:] if argv is None else argv)))
    try:
        with cores.generating():
            return int(loop.run(SCENARIOS[options.scenario].run(options)))
    except (TraceError, ValueError) as error:
        return _complain(error, USAGE)
    except outcome.NO_DAEMON as error:
        return _complain(str(error) or "no answer in time", outcome.UNREACHABLE)
    except Refused as refusal:
        return _complain(f"the daemon refused to take part: {refusal}", outcome.FAULTY)
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    scenarios = parser.add_subparsers(dest="scenario", required=True, metavar="SCENARIO")
    for name, scenario in SCENARIOS.items():
        summary = (scenario.__doc__ or "").splitlines()[0].partition(": ")[2]
        options = scenarios.add_parser(name, help=summary, description=summary)
        scenario.add_arguments(options)
        refusals.refuse(name, options)
    return parser


def _complain(what: object, code: int) -> int:
    print(f"bench: {what}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
