"""`chatd console`: a link that opens the console of operators."""

import getpass
import html
import os
import re
import tempfile
import webbrowser
from pathlib import Path

import click

from chatd.cli.admin_socket import ask, require_served
from chatd.cli.exits import Failure
from chatd.cli.key import SCOPES
from chatd.cli.options import with_configuration
from chatd.config.loading import Loaded

# As core/console_roles.py, which is not imported here, so that the command line starts quickly.
ROLES = ("viewer", "moderator", "admin")
PAGE = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={link}"><title>chatd</title>'


@click.command(
    epilog="""\b
Examples:
  chatd console --config /etc/chatd/chatd.toml
  chatd console --open                             in the browser of this machine
  chatd console --role admin --name ann            may change things; the audit says console:ann
  ssh -L 8471:127.0.0.1:8471 chat.example.org      from another one: then open the link there

The link is for one browser, within a minute; the session it begins lasts 12 hours, or until a restart."""
)
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser instead of printing it.")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default=ROLES[0],
    show_default=True,
    help="A viewer reads, but no messages; a moderator works on reports; an admin may do all.",
)
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="In place of a role; repeatable."
)
@click.option("--name", default="", help="For the audit; without it, the user of this terminal.")
@with_configuration
def console(loaded: Loaded, is_opened: bool, role: str, scopes: tuple[str, ...], name: str) -> None:
    """Print a link that opens the console of the running daemon: figures, people, rooms, keys, settings, log.

    Whoever may open the admin socket in the data directory may do so, in any role.
    """
    asked = {"name": name or user_name(), "role": role, "scopes": scopes}
    link = ask(require_served(loaded.config), "POST", "/v1/console/links", asked)["link"]
    if not is_opened:
        click.echo(link)
    elif webbrowser.open(page_of(link).as_uri()):
        click.echo("Opened the console in the browser.")
    else:
        raise Failure("no browser was found. Open the link that `chatd console` prints")


def user_name() -> str:
    """Return the name of who sits at the terminal, as far as the machine knows, in letters of an audit."""
    found = os.environ.get("SUDO_USER") or getpass.getuser()
    return re.sub(r"[^A-Za-z0-9_.-]", "_", found)[:64]


def page_of(link: str) -> Path:
    """Write a page that leads to the link: every user of a machine can read the arguments of a browser."""
    descriptor, name = tempfile.mkstemp(prefix="chatd-console-", suffix=".html")
    with os.fdopen(descriptor, "w") as file:
        file.write(PAGE.format(link=html.escape(link)))
    return Path(name)
