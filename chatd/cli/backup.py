"""`chatd backup` and `chatd restore`: the whole database as one file."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chatd.cli.exits import Failure
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded
from chatd.config.memory import shown
from chatd.config.model import Config


@click.command(
    epilog="""\b
Examples:
  chatd backup /backup/chatd.sqlite
  chatd backup /backup/              names the file after the time
  chatd backup --force /backup/latest.sqlite
  chatd backup --media /backup/media /backup/

Copy the file to another machine; a backup on the same disk is lost with it."""
)
@click.argument("destination", metavar="DEST", type=click.Path())
@click.option("--force", is_flag=True, help="Replace DEST, once the new backup is complete.")
@click.option(
    "--media",
    "files",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Bring the files of users to DIR, too.",
)
@click.option(
    "--prune", is_flag=True, help="Delete from DIR what this backup does not name: older ones lose it."
)
@with_configuration
def backup(loaded: Loaded, destination: str, force: bool, files: Path | None, prune: bool) -> None:
    """Copy the database to DEST, while the daemon runs or not.

    The copy is the state after one commit, complete in one file, and checked page by page. An existing DEST
    is replaced only with --force, and stays as it was when the backup fails. --media brings the files that
    the copy names, each checked; those that are in DIR already are left, since files never change.
    """
    from chatd.cli.bucket_files import require_local
    from chatd.cli.stores import explained
    from chatd.storage.sqlite.errors import opening

    if files is not None:
        require_local(loaded.config, "back up")
    with explained(), opening(Path(destination)):
        target = _named(destination)
        if target.exists():
            _require_replaceable(loaded.config, target, force=force)
        with _held(loaded.config, files):
            stamp = _copied(loaded.config, target)
            click.echo(f"Wrote {target}: {target.stat().st_size} bytes, as of commit {stamp}, checked.")
            if files is not None:
                _bring(loaded.config, files, target, prune=prune)


@click.command(
    epilog="""\b
Examples:
  chatd restore /backup/chatd.sqlite --data /var/lib/chatd
  chatd restore --yes /backup/chatd.sqlite
  chatd restore --yes --erasures erasures.jsonl /backup/chatd.sqlite

Clients notice it: they fetch everything anew, and send messages again that the backup does not have."""
)
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Replace an existing database.")
@click.option(
    "--media",
    "files",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True),
    help="Bring the files of users back from DIR.",
)
@click.option(
    "--erasures",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A list of erased people, as erasures.jsonl. May be repeated.",
)
@with_configuration
def restore(loaded: Loaded, source: Path, yes: bool, files: Path | None, lists: tuple[Path, ...]) -> None:
    """Put the backup SRC in place of the database. Stop the daemon first.

    SRC is checked before anything is changed. The replaced database is kept beside it as
    chatd.sqlite.replaced. People who were erased since the backup are erased again: those in
    erasures.jsonl beside the database, in the backup, and in the lists given. Files of users that the
    backup does not name are set aside, and those that are missing are named (exit code 1).
    """
    from chatd.cli.bucket_files import require_local
    from chatd.cli.stores import explained
    from chatd.storage.sqlite.backup import restore as put_back
    from chatd.storage.sqlite.directory import Directory

    if files is not None:
        require_local(loaded.config, "bring back")
    directory = Path(loaded.config.storage.directory)
    with explained():
        if Directory(directory).has_database() and not yes:
            raise Failure(f"there is a database in {directory}. To replace it, add --yes")
        epoch = put_back(source, directory, secrets.token_bytes, lists)
    click.echo(f"Restored {source} into {directory}. A new history begins: epoch {epoch}.")
    erased = erased_again(loaded.config)
    if erased is None:
        click.echo("The next start erases again who was erased since the backup, before anybody comes in.")
    elif erased:
        click.echo(f"Users erased again, since the backup had them: {erased}.")
    _bring_back(loaded.config, files)


def erased_again(config: Config) -> int | None:
    """Erase the people of the list whom a restored database has again; return how many, None when it cannot be now."""
    from chatd.cli.stored_api import with_app
    from chatd.cli.stores import explained
    from chatd.server.app import App
    from chatd.storage.person_files import FilesOfPersons

    if not FilesOfPersons(config.storage.directory).listed():
        # A database that need not be opened stays as it was backed up.
        return 0

    async def erase(app: App) -> int:
        begun = await app.persons.erasures.begin_listed()
        await app.persons.erasures.carry_out_due()
        return begun

    try:
        with explained():
            return with_app(config, erase)
    except Failure:
        # Such as a database of a capability that is not here: its own daemon does it.
        return None


@contextmanager
def _held(config: Config, files: Path | None) -> Iterator[None]:
    """Keep the files of users where they are within the block, when they are to be brought somewhere."""
    from chatd.media.layout import kept
    from chatd.server.media import directory_of

    if files is None:
        yield
        return
    directory = directory_of(config)
    if not directory.is_dir():
        raise Failure(f"there are no files of users: {directory} is no directory")
    with kept(directory):
        yield


def _bring(config: Config, files: Path, database: Path, *, prune: bool) -> None:
    """Bring the files that a copy of the database names; fail when some are not what was stored."""
    from chatd.cli.media_files import copy_objects, some
    from chatd.cli.media_files import prune as prune_objects
    from chatd.server.media import directory_of

    copied = copy_objects(directory_of(config), files, database)
    click.echo(f"Brought {copied.objects} files to {files}, {shown(copied.bytes)}; {copied.kept} were there.")
    if prune:
        click.echo(f"Deleted {prune_objects(files, database)} files there that this backup does not name.")
    if copied.failed:
        raise Failure("\n".join(some(copied.failed, "could not be brought: it is missing or damaged")))


def _bring_back(config: Config, files: Path | None) -> None:
    """Bring files of users back, set aside what the database does not name, and name what is missing."""
    from chatd.cli.bucket_files import compared_in_bucket
    from chatd.cli.media_files import compared, copy_objects, set_aside
    from chatd.media.interface import SET_ASIDE
    from chatd.server.media import directory_of
    from chatd.storage.sqlite.directory import Directory

    directory, database = directory_of(config), Directory(config.storage.directory).database
    if config.media.enabled and config.media.engine == "s3":
        found = compared_in_bucket(config.media.s3, directory, database, contents=False)
        if problems := list(found.problems):
            raise Failure("\n".join(problems))
        return
    if files is not None:
        copied = copy_objects(files, directory, database)
        click.echo(f"Brought {copied.objects} files back from {files}, {shown(copied.bytes)}.")
    elif not directory.is_dir():
        return
    if count := set_aside(directory, database):
        click.echo(f"Set aside {count} files that the backup does not name, in {directory / SET_ASIDE}.")
    if problems := list(compared(directory, database, contents=False).problems):
        raise Failure("\n".join(problems))


def _named(destination: str) -> Path:
    path = Path(destination)
    if not path.is_dir():
        if destination.endswith("/"):
            raise Failure(f"there is no directory {destination}. Make it, or name a file")
        return path
    return path / time.strftime("chatd-%Y%m%d-%H%M%S.sqlite", time.gmtime())


def _require_replaceable(config: Config, target: Path, *, force: bool) -> None:
    if not force:
        raise Failure(f"{target} exists. Give a new name, or replace it with --force")
    if target.resolve().parent == Path(config.storage.directory).resolve():
        raise Failure(
            f"{target} lies in the data directory; a backup there could replace the database itself"
        )
    if not target.is_file():
        raise Failure(f"{target} is not a regular file")


def _copied(config: Config, target: Path) -> int:
    """Write a whole copy, then put it in place of the target; return the commit it stands at."""
    from chatd.storage.sqlite.backup import backup as copy_out
    from chatd.storage.sqlite.directory import put_in_place

    if not target.exists():
        return copy_out(config.storage.directory, target)
    fresh = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    stamp = copy_out(config.storage.directory, fresh)
    put_in_place(fresh, target)
    return stamp
