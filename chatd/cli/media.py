"""`chatd media` and `chatd rotate`: the files on the disk beside their rows, what they take, and the key of links."""

import json
from typing import Any

import click

from chatd.cli.exits import Failure
from chatd.cli.host_api import api_of
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded
from chatd.config.memory import shown


@click.group(
    epilog="""\b
Examples:
  chatd media check                every row has its file, and every file its row
  chatd media check --contents     and every byte is what was stored
  chatd media usage                what files take, by kind, and who has most

docs/media.md says how files are kept."""
)
def media() -> None:
    """Files of users: check, usage."""


@media.command()
@click.option(
    "--contents",
    is_flag=True,
    help="Read every byte, and compare its SHA-256: as slow as the disk, or the way to the bucket.",
)
@with_configuration
def check(loaded: Loaded, contents: bool) -> None:
    """Compare the files on the disk, or in the bucket, with the database, both ways (exit code 1).

    The daemon may run or not. Nothing is changed.
    """
    from chatd.cli.bucket_files import compared_in_bucket
    from chatd.cli.media_files import compared
    from chatd.cli.stores import explained
    from chatd.server.media import directory_of
    from chatd.storage.sqlite.directory import Directory

    directory = Directory(loaded.config.storage.directory)
    with explained():
        directory.require_database()
        media, place = loaded.config.media, directory_of(loaded.config)
        if media.engine == "s3":
            found = compared_in_bucket(media.s3, place, directory.database, contents=contents)
        else:
            found = compared(place, directory.database, contents=contents)
    if problems := list(found.problems):
        raise Failure("\n".join(problems))
    how = "every byte" if contents else "names and sizes"
    click.echo(f"OK: {found.objects} objects, {shown(found.bytes)}: {how} compared with the database.")


@media.command()
@click.option("--json", "for_programs", is_flag=True, help="As JSON.")
@with_configuration
def usage(loaded: Loaded, for_programs: bool) -> None:
    """Show what files take: on the disk, by kind, and the users and rooms that have most."""
    found: Any = api_of(loaded.config).ask("GET", "/v1/media/usage", {})
    if for_programs:
        click.echo(json.dumps(found))
        return
    click.echo(
        f"{found['files']} files, {found['uploading']} of them on their way; {shown(found['bytes'])} on the disk, "
        f"{shown(found['free_bytes'])} of that goes soon."
    )
    for title, rows, name in (
        ("By kind", found["kinds"], "kind"),
        ("Users who have most", found["users"], "name"),
        ("Rooms that have most", found["rooms"], "name"),
    ):
        if rows:
            click.echo(f"\n{title}:")
        for row in rows:
            # What the host uploaded for nobody, as stickers, has no owner.
            owner = row[name] or "(the host app)"
            word = "file " if row["files"] == 1 else "files"
            click.echo(f"  {owner:<32} {row['files']:>9} {word} {shown(row['bytes']):>12}")


@click.group(
    epilog="""\b
Examples:
  chatd rotate links      links to files that somebody has by now open nothing any more"""
)
def rotate() -> None:
    """Keys of the daemon's own: links."""


@rotate.command()
@with_configuration
def links(loaded: Loaded) -> None:
    """Sign links to files with another key: those that were given so far open nothing any more.

    Apps ask for new ones by themselves.
    """
    api_of(loaded.config).ask("POST", "/v1/media/links/rotate", {})
    click.echo("Links that were given so far open nothing any more.")
