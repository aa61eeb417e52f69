"""`chatd check`: the check of a data directory."""

import click

from chatd.cli.exits import Failure
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded


@click.command(
    epilog="""\b
Examples:
  chatd check --config /etc/chatd/chatd.toml
  chatd check --data /var/lib/chatd

Run it as the user of the daemon. It reads everything, so it takes about as long as a backup."""
)
@with_configuration
def check(loaded: Loaded) -> None:
    """Check the data directory, while the daemon runs or not; print problems and remedies (exit code 1).

    It checks owners and permissions, the schema, every page, index and reference, every stored event, and,
    while no daemon runs, the write-ahead log. Nothing is changed.
    """
    from chatd.storage.sqlite.checking import report
    from chatd.storage.sqlite.directory import Directory

    found = report(Directory(loaded.config.storage.directory))
    if found.findings:
        raise Failure("\n".join(map(str, found.findings)))
    running = f", while the chatd with pid {found.holder} runs" if found.holder else ""
    click.echo(f"OK: {found.events} events, as of commit {found.stamp}{running}.")
    for name in found.unknown_parts:
        click.echo(
            f"Of the tables of {name}, a part that this chatd does not have, only the pages were checked."
        )
