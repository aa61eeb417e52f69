"""`chatd conformance`: the kit that tests anybody's client. Its options are those of `python -m chatd.conformance`."""

import sys

import click

from chatd.conformance.commands import main


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def conformance(arguments: tuple[str, ...]) -> None:
    """Prove that a client obeys protocol.md."""
    sys.exit(main(arguments))
