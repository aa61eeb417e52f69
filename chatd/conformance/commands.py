"""The commands of the kit: run, faults, record, show, list."""

import argparse
import sys
from collections.abc import Sequence

from .script import Scenario, ScriptError, load


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code: 0 all is well, 1 something failed, 2 it cannot be done."""
    parser = argparse.ArgumentParser(
        prog="chatd conformance", description="Prove that a client obeys protocol.md."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser(
        "list", help="every scenario, what it proves, and what is wrong with its file"
    )
    listing.set_defaults(action=_list)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.action(arguments))
    except ScriptError as error:
        print(error, file=sys.stderr)
        return 2


def _list(_: argparse.Namespace) -> int:
    for scenario in load():
        print(_row(scenario))
    return 0


def _row(scenario: Scenario) -> str:
    proves = ",".join(scenario.proves) or "-"
    return f"{scenario.name:40} {proves:16} {','.join(scenario.profiles):20} {scenario.about}"
