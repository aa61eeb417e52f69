"""`chatd console`: a link that opens the console of operators."""

import html
import os
import tempfile
import webbrowser
from pathlib import Path

import click

from chatd.cli.admin_socket import ask, require_served
from chatd.cli.exits import Failure
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded

PAGE = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={link}"><title>chatd</title>'


@click.command(
    epilog="""\b
Examples:
  chatd console --config /etc/chatd/chatd.toml
  chatd console --open                             in the browser of this machine
  ssh -L 8471:127.0.0.1:8471 chat.example.org      from another one: then open the link there

The link is for one browser, within a minute; the session it begins lasts 12 hours, or until a restart."""
)
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser instead of printing it.")
@with_configuration
def console(loaded: Loaded, is_opened: bool) -> None:
    """Print a link that opens the console of the running daemon: figures, connections, settings, log.

    Whoever may open the admin socket in the data directory may do so. The console only reads.
    """
    link = ask(require_served(loaded.config), "POST", "/v1/console/links", {})["link"]
    if not is_opened:
        click.echo(link)
    elif webbrowser.open(page_of(link).as_uri()):
        click.echo("Opened the console in the browser.")
    else:
        raise Failure("no browser was found. Open the link that `chatd console` prints")


def page_of(link: str) -> Path:
    """Write a page that leads to the link: every user of a machine can read the arguments of a browser."""
    descriptor, name = tempfile.mkstemp(prefix="chatd-console-", suffix=".html")
    with os.fdopen(descriptor, "w") as file:
        file.write(PAGE.format(link=html.escape(link)))
    return Path(name)
