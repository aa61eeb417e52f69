"""The commands of the kit: run, faults, record, show, list."""

import argparse
import asyncio
import fnmatch
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from .daemon import Daemon, DaemonError
from .faults import Plan, SeedResult, faults
from .launch import CommandLauncher, listening
from .probe import ProbeError
from .record import record
from .report import LETTERS, failure, summary, write
from .runner import Options, Outcome, Report, read_expected, run
from .script import HERE, PROFILES, SUFFIX, Scenario, ScriptError, load
from .show import shown
from .testee import TesteeError

OK, FAILED, CANNOT = 0, 1, 2

EXAMPLES = """\
Examples:
  chatd conformance run --testee "python -m chatd.client.testee"
  chatd conformance run --testee "swift run testee" --profile core --report report
  chatd conformance run --listen 127.0.0.1:8900      an app connects to ws://127.0.0.1:8900/testee
  chatd conformance faults --testee "python -m chatd.client.testee" --seeds 20
  chatd conformance record --url wss://chat.example/v1/ws --out phone.jsonl
  chatd conformance show phone.jsonl
  chatd conformance list

Exit codes: 0 everything went as it should, 1 something failed, 2 it could not be tried."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.action(arguments))
    except (ScriptError, TesteeError, DaemonError, ProbeError, OSError) as error:
        print(error, file=sys.stderr)
        return CANNOT
    except KeyboardInterrupt:
        return CANNOT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chatd conformance",
        description="Prove that a client obeys protocol.md: docs/conformance.md.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="play the scenarios against a client"))
    _add_faults(
        commands.add_parser("faults", help="let clients talk with a real server whose network breaks")
    )
    _add_record(commands.add_parser("record", help="write down what a client and a server say to each other"))
    showing = commands.add_parser("show", help="a transcript, or a scenario, for a reader")
    showing.add_argument("what", metavar="FILE|NAME", help="a transcript of run or record, or a scenario")
    showing.set_defaults(action=_show)
    listing = commands.add_parser(
        "list", help="every scenario, what it proves, and what is wrong with its file"
    )
    listing.add_argument(
        "--scenarios", type=Path, default=HERE, metavar="DIR", help="others than those of the kit"
    )
    listing.add_argument(
        "--requirements", action="store_true", help="each requirement of protocol.md, and what proves it"
    )
    listing.set_defaults(action=_list)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--testee", metavar="CMD", help="the command of a testee")
    source.add_argument(
        "--listen", metavar="HOST:PORT", help="wait for an app that connects to ws://HOST:PORT/testee"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these scenarios; * and ? match")
    parser.add_argument(
        "--profile", action="append", choices=PROFILES, help="only what needs no other profile"
    )
    parser.add_argument("--encoding", action="append", choices=["msgpack", "json"], help="only this one")
    parser.add_argument(
        "--expected-failures", type=Path, metavar="FILE", help="names that may fail, one a line"
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write JSON, JUnit, transcripts and a page"
    )
    parser.add_argument(
        "--jobs", type=int, default=0, metavar="N", help="testees at once; with --listen, how many connect"
    )
    parser.add_argument(
        "--slack", type=int, default=250, metavar="MS", help="how late a real clock may be (250)"
    )
    parser.add_argument(
        "--scenarios", type=Path, default=HERE, metavar="DIR", help="others than those of the kit"
    )
    parser.set_defaults(action=_run)


def _add_faults(parser: argparse.ArgumentParser) -> None:
    plan = Plan()
    parser.add_argument("--testee", metavar="CMD", required=True, help="the command of a testee")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="how many (10)")
    parser.add_argument("--first", type=int, default=1, metavar="SEED", help="the first one (1)")
    parser.add_argument(
        "--testees", type=int, default=plan.testees, metavar="N", help=f"at once ({plan.testees})"
    )
    parser.add_argument(
        "--steps", type=int, default=plan.steps, metavar="N", help=f"of a seed ({plan.steps})"
    )
    parser.add_argument("--url", help="a server that runs, instead of one of this installation")
    parser.add_argument(
        "--secret-file", type=Path, metavar="FILE", help="its secret for HS256, to sign tokens"
    )
    parser.add_argument("--daemon", metavar="CMD", help="the command that starts it: then it is killed, too")
    parser.set_defaults(action=_faults)


def _add_record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="the server, as ws:// or wss://")
    parser.add_argument(
        "--listen", default="127.0.0.1:8901", metavar="HOST:PORT", help="for the client (127.0.0.1:8901)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("transcript.jsonl"), metavar="FILE", help="(transcript.jsonl)"
    )
    parser.set_defaults(action=_record)


# run


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
        print(f"report: {arguments.report / 'index.html'}")
    return OK if report.good else FAILED


async def _running(arguments: argparse.Namespace, scenarios: list[Scenario], options: Options) -> Report:
    def tell(outcome: Outcome) -> None:
        print(LETTERS[outcome.word], end="", flush=True)

    if arguments.testee:
        return await run(scenarios, CommandLauncher(arguments.testee), options, tell)
    async with listening(arguments.listen) as launcher:
        print(f"waiting for a testee at {launcher.url}", flush=True)
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


# faults


def _faults(arguments: argparse.Namespace) -> int:
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    plan = Plan(arguments.testees, arguments.steps)
    launcher = CommandLauncher(arguments.testee)

    def tell(result: SeedResult) -> None:
        print(f"seed {result.seed}: {'FAILED' if result.wrong else 'passed'}", flush=True)
        for line in result.wrong:
            print(f"  {line}")
        if result.wrong:
            print(f"  what happened: {', '.join(result.actions)}")

    with tempfile.TemporaryDirectory(prefix="chatd-kit-") as folder:
        results = asyncio.run(faults(seeds, launcher, _daemon(arguments, Path(folder)), plan, tell))
    return FAILED if any(result.wrong for result in results) else OK


def _daemon(arguments: argparse.Namespace, folder: Path) -> Daemon:
    if not arguments.url:
        return Daemon.own(folder / "data")
    if not arguments.secret_file:
        raise DaemonError("--url needs --secret-file: the kit signs tokens for its users")
    secret = arguments.secret_file.read_text(encoding="utf-8").strip()
    return Daemon(arguments.url, secret, arguments.daemon)


# record, show, list


def _record(arguments: argparse.Namespace) -> int:
    parts = urlsplit(f"//{arguments.listen}")
    with arguments.out.open("w", encoding="utf-8") as out:
        host, port = parts.hostname or "127.0.0.1", parts.port or 0
        asyncio.run(record(arguments.url, host, port, out, lambda text: print(text, flush=True)))
    return OK


def _show(arguments: argparse.Namespace) -> int:
    file = Path(arguments.what)
    if file.is_file():
        print(shown(file.read_text(encoding="utf-8")))
        return OK
    for scenario in HERE.rglob(f"{file.name}{SUFFIX}"):
        print(scenario.read_text(encoding="utf-8"), end="")
        return OK
    raise ScriptError(f"there is no file and no scenario {arguments.what}")


def _list(arguments: argparse.Namespace) -> int:
    scenarios = load(arguments.scenarios)
    if arguments.requirements:
        for requirement in sorted({each for scenario in scenarios for each in scenario.proves}, key=_place):
            names = [scenario.name for scenario in scenarios if requirement in scenario.proves]
            print(f"{requirement:8} {', '.join(names)}")
        return OK
    for scenario in scenarios:
        proves = ",".join(scenario.proves) or "-"
        print(f"{scenario.name:40} {proves:16} {','.join(scenario.profiles):20} {scenario.about}")
    return OK


def _place(requirement: str) -> list[int]:
    """Return the numbers of an id, so that 7.7-10 stands behind 7.7-9."""
    return [int(number) for number in re.findall(r"\d+", requirement)]
