"""The commands of the kit: run, list."""

import argparse
import asyncio
import fnmatch
import sys
from collections.abc import Sequence
from pathlib import Path

from .launch import CommandLauncher, listening
from .report import LETTERS, failure, summary, write
from .runner import Options, Outcome, Report, read_expected, run
from .script import HERE, PROFILES, Scenario, ScriptError, load
from .testee import TesteeError

OK, FAILED, CANNOT = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code: 0 all is well, 1 something failed, 2 it cannot be done."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.action(arguments))
    except (ScriptError, TesteeError) as error:
        print(error, file=sys.stderr)
        return CANNOT
    except KeyboardInterrupt:
        return CANNOT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chatd conformance", description="Prove that a client obeys protocol.md.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    running = commands.add_parser("run", help="play the scenarios against a client")
    _source(running)
    running.add_argument("names", nargs="*", metavar="NAME", help="only these scenarios; * and ? match")
    running.add_argument(
        "--profile", action="append", choices=PROFILES, help="only what needs no other profile"
    )
    running.add_argument("--encoding", action="append", choices=["msgpack", "json"], help="only this one")
    running.add_argument(
        "--expected-failures", type=Path, metavar="FILE", help="names that may fail, one a line"
    )
    running.add_argument(
        "--report", type=Path, metavar="DIR", help="write JSON, JUnit, transcripts and a page"
    )
    running.add_argument("--jobs", type=int, default=0, metavar="N", help="testees at once")
    running.add_argument(
        "--slack", type=int, default=250, metavar="MS", help="how late a real clock may be (250)"
    )
    running.add_argument(
        "--scenarios", type=Path, default=HERE, metavar="DIR", help="others than those of the kit"
    )
    running.set_defaults(action=_run)
    listing = commands.add_parser(
        "list", help="every scenario, what it proves, and what is wrong with its file"
    )
    listing.add_argument("--scenarios", type=Path, default=HERE, metavar="DIR")
    listing.set_defaults(action=_list)
    return parser


EXAMPLES = """\
examples:
  chatd conformance run --testee "python -m chatd.client.testee"
  chatd conformance run --testee "swift run testee" --profile core --report report
  chatd conformance run --listen 127.0.0.1:8900      for an app that connects to ws://127.0.0.1:8900/testee
  chatd conformance list
"""


def _source(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--testee", metavar="CMD", help="the command of a testee")
    source.add_argument(
        "--listen", metavar="HOST:PORT", help="wait for a testee that connects to ws://HOST:PORT/testee"
    )


def _run(arguments: argparse.Namespace) -> int:
    scenarios = _chosen(load(arguments.scenarios), arguments.names, arguments.profile or PROFILES)
    expected = read_expected(arguments.expected_failures) if arguments.expected_failures else frozenset()
    encodings = arguments.encoding or ("msgpack", "json")
    options = Options(arguments.jobs, encodings, arguments.slack / 1000, expected)
    report = asyncio.run(_running(arguments, scenarios, options))
    print()
    for outcome in report.outcomes:
        if not outcome.good:
            print(failure(outcome))
    print(summary(report))
    if arguments.report:
        write(report, arguments.report)
    return OK if report.good else FAILED


async def _running(arguments: argparse.Namespace, scenarios: list[Scenario], options: Options) -> Report:
    def tell(outcome: Outcome) -> None:
        print(LETTERS[outcome.word], end="", flush=True)

    if arguments.testee:
        return await run(scenarios, CommandLauncher(arguments.testee), options, tell)
    async with listening(arguments.listen) as launcher:
        print(f"waiting for a testee at {launcher.url}")
        return await run(scenarios, launcher, options, tell)


def _chosen(scenarios: list[Scenario], names: list[str], profiles: Sequence[str]) -> list[Scenario]:
    """Return those with one of the names and no other profile. Raises ScriptError for a name that none has."""
    for name in names:
        if not fnmatch.filter([scenario.name for scenario in scenarios], name):
            raise ScriptError(f"there is no scenario {name}; `list` shows all")
    wanted = {*profiles, "deflate"}
    return [
        scenario
        for scenario in scenarios
        if set(scenario.profiles) <= wanted
        and (not names or any(fnmatch.fnmatch(scenario.name, name) for name in names))
    ]


def _list(arguments: argparse.Namespace) -> int:
    for scenario in load(arguments.scenarios):
        proves = ",".join(scenario.proves) or "-"
        print(f"{scenario.name:40} {proves:16} {','.join(scenario.profiles):20} {scenario.about}")
    return OK
