"""The command line of the harness: one subcommand for each scenario."""

import argparse
import shlex
import sys

from bench import machine, outcome
from bench.client.device import Refused
from bench.exports import convert
from bench.options import Scenario
from bench.report import page as report
from bench.scenarios import (
    channel,
    conversations,
    floor,
    history,
    instructions,
    loads,
    media,
    peers,
    people,
    platform,
    push,
    reconnect,
    replay,
    search,
    siege,
    stalled,
    targets,
)
from bench.trace import TraceError

SCENARIOS: dict[str, Scenario] = {
    **loads.SCENARIOS,
    "floor": floor.SCENARIO,
    "peers": peers.SCENARIO,
    "targets": targets.SCENARIO,
    "replay": replay.SCENARIO,
    "convert": convert.SCENARIO,
    "instructions": instructions.SCENARIO,
    "history": history.SCENARIO,
    "channel": channel.SCENARIO,
    "conversations": conversations.SCENARIO,
    "people": people.SCENARIO,
    "platform": platform.SCENARIO,
    "push": push.SCENARIO,
    "search": search.SCENARIO,
    "media": media.SCENARIO,
    "reconnect": reconnect.SCENARIO,
    "stalled": stalled.SCENARIO,
    "siege": siege.SCENARIO,
    "report": report.SCENARIO,
}

USAGE, INTERRUPTED = 2, 130


def main(argv: list[str] | None = None) -> int:
    """Run one scenario. 0: fine, 1: not correct, 2: usage, 4: no daemon to talk to."""
    options = _parser().parse_args(argv)
    options.command = shlex.join(("python", "-m", "bench", *(sys.argv[1:] if argv is None else argv)))
    try:
        with machine.generating():
            return int(machine.run(SCENARIOS[options.scenario].run(options)))
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
        about = scenario.summary
        scenario.add_arguments(scenarios.add_parser(name, help=about, description=about))
    return parser


def _complain(reason: object, code: int) -> int:
    print(f"bench: {reason}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
