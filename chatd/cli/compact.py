"""`chatd compact`: the database without the space that nothing uses."""

from contextlib import closing

import click

from chatd.cli.exits import Failure
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded


@click.command(
    epilog="""\b
Examples:
  chatd compact --data /var/lib/chatd

A daemon gives back the space of what it purged while it serves, but in a database that was made by a version
before that. This makes such a database one that shrinks. It takes as much free disk as the database has bytes."""
)
@with_configuration
def compact(loaded: Loaded) -> None:
    """Write the database anew, as small as it can be. Stop the daemon first."""
    from chatd.cli.stores import explained
    from chatd.storage.sqlite import shrinking
    from chatd.storage.sqlite.connection import writable
    from chatd.storage.sqlite.directory import Directory, locked
    from chatd.storage.sqlite.errors import opening
    from chatd.storage.sqlite.startup import inspect

    directory = Directory(loaded.config.storage.directory)
    path = directory.database
    with explained():
        if not directory.has_database():
            raise Failure(f"no database in {path.parent} yet; the first start makes one")
        directory.prepare()
    with explained(), locked(directory), opening(path):
        inspect(path)
        before = path.stat().st_size
        with closing(writable(path)) as connection:
            shrinking.compact(connection)
    click.echo(f"{before} bytes before, {path.stat().st_size} now.")
