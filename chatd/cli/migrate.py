"""`chatd migrate`: the schema of the database."""

from contextlib import closing

import click

from chatd.cli.exits import Failure
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded


@click.group(
    epilog="""\b
Examples:
  chatd migrate status --data /var/lib/chatd
  chatd migrate up

The daemon brings its database up to date when it starts; `up` does it beforehand, to see how long it takes.
Make a backup first: an older version cannot read a newer schema."""
)
def migrate() -> None:
    """The database schema: status, up."""


@migrate.command()
@with_configuration
def status(loaded: Loaded) -> None:
    """List the migrations of this version and whether the database has them."""
    from chatd.cli.stores import explained
    from chatd.storage.sqlite import schema
    from chatd.storage.sqlite.connection import readable
    from chatd.storage.sqlite.directory import Directory
    from chatd.storage.sqlite.errors import opening
    from chatd.storage.sqlite.startup import check_header

    directory = Directory(loaded.config.storage.directory)
    path = directory.database
    with explained(), opening(path):
        if not directory.has_database():
            click.echo(f"No database in {path.parent} yet; the first start makes one.")
            return
        check_header(path)
        with closing(readable(path)) as connection:
            todo = schema.pending(connection, schema.shipped(), path, unknown=True)
            unknown_parts = schema.unknown_parts(connection, schema.shipped())
            pending = {one.number for one in todo}
    for one in schema.shipped():
        click.echo(f"{'pending' if one.number in pending else 'applied':<8} {one.name}")
    for name in unknown_parts:
        click.echo(f"unknown  {name}, of a part that this chatd does not have")


@migrate.command()
@with_configuration
def up(loaded: Loaded) -> None:
    """Apply pending migrations, each whole or not at all. Stop the daemon first."""
    from chatd.cli.stores import explained
    from chatd.storage.sqlite import schema
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
        with closing(writable(path)) as connection:
            names = schema.up(connection, schema.shipped(), path)
    click.echo("\n".join(f"applied  {name}" for name in names) or "Nothing to do: the schema is up to date.")
