"""`chatd user`: the built-in accounts, for installations without a host app."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import click

from chatd.cli.accounts import AccountLine, Accounts
from chatd.cli.exits import Failure
from chatd.cli.host_api import api_of
from chatd.cli.options import with_configuration
from chatd.cli.passwords import hashed, password_option
from chatd.cli.restraint import add_restraints
from chatd.config.loading import Loaded

_USER = re.compile(r"[A-Za-z0-9_\-.:@|+]{1,64}\Z")  # protocol.md, "Identifiers and counters"
_DEVICE = re.compile(r"[A-Za-z0-9_-]{22}\Z")
NAME_MAX = 64  # characters shown beside a message on a phone


@click.group(
    epilog="""\b
Examples:
  chatd user add alice --name "Alice Miller"
  chatd user passwd alice --password-file new-password
  chatd user list --json
  chatd user disable alice
  chatd user mute alice --for 1h --reason spam

They work while the daemon runs (through its admin socket) and while it does not."""
)
def user() -> None:
    """Built-in accounts: add, list, disable, enable, passwd, revoke; and of any user: ban, mute, limit, free.

    An app that has users of its own signs tokens for them and needs no accounts here.
    """


def _checked_user(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not _USER.match(value):
        raise click.BadParameter(f"{value!r} is not 1 to 64 of A-Z a-z 0-9 _ - . : @ + |")
    return value


def _checked_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (len(value) > NAME_MAX or not value.isprintable()):
        raise click.BadParameter(f"a name has up to {NAME_MAX} printable characters")
    return value


def _checked_device(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value and not _DEVICE.match(value):
        raise click.BadParameter(f"{value!r} is not 22 characters of base64url")
    return value


user_argument = click.argument("name", metavar="USER", callback=_checked_user)
unseen_option = click.option(
    "--unseen", is_flag=True, help="Also for a USER of the host app who was never connected."
)


@user.command()
@user_argument
@click.option("--name", "shown", callback=_checked_name, help="Name shown to others; else USER.")
@password_option
@with_configuration
def add(loaded: Loaded, name: str, shown: str | None, password_file: str | None) -> None:
    """Add USER, who logs in with a password at POST /v1/login."""
    accounts = Accounts(api_of(loaded.config, create=True))
    is_new = not Path(loaded.config.storage.directory, "chatd.sqlite").exists()
    if not is_new and any(line.user == name and line.password for line in accounts.all()):
        raise Failure(f"{name} exists already. Change the password with: chatd user passwd {name}")
    # This makes a new database, after the password was read.
    accounts.put(name, shown or name, hashed(password_file))
    click.echo(f"Added {name}.")
    if is_new:
        click.echo(f"There was no database in {loaded.config.storage.directory}: made a new one.", err=True)


@user.command()
@user_argument
@password_option
@with_configuration
def passwd(loaded: Loaded, name: str, password_file: str | None) -> None:
    """Change the password of USER. Tokens issued before are refused."""
    Accounts(api_of(loaded.config)).set_password(name, hashed(password_file))
    click.echo(f"Changed the password of {name}; earlier tokens are refused.")


@user.command()
@user_argument
@unseen_option
@with_configuration
def disable(loaded: Loaded, name: str, unseen: bool) -> None:
    """Disable USER at once, with any token. Messages stay."""
    Accounts(api_of(loaded.config)).disable(name, disabled=True, unseen=unseen)
    click.echo(f"Disabled {name}. Undo with: chatd user enable {name}")


@user.command()
@user_argument
@with_configuration
def enable(loaded: Loaded, name: str) -> None:
    """Enable a disabled USER again."""
    Accounts(api_of(loaded.config)).disable(name, disabled=False)
    click.echo(f"Enabled {name}.")


@user.command()
@user_argument
@click.option("--device", default="", callback=_checked_device, help="Only this device.")
@unseen_option
@with_configuration
def revoke(loaded: Loaded, name: str, device: str, unseen: bool) -> None:
    """Refuse every token issued to USER until now; a new one works."""
    Accounts(api_of(loaded.config)).revoke(name, device, unseen=unseen)
    click.echo(f"Revoked the tokens of {name}.")


@user.command(name="list")
@click.option("--json", "for_programs", is_flag=True, help="As JSON lines.")
@with_configuration
def listed(loaded: Loaded, for_programs: bool) -> None:
    """List the accounts of the server."""
    for line in Accounts(api_of(loaded.config)).all():
        click.echo(json.dumps(asdict(line)) if for_programs else _shown(line))


def _shown(line: AccountLine) -> str:
    state = "disabled" if line.disabled else "active" if line.password else "host app"
    # A name comes from outside; its control characters would affect the terminal.
    name = "".join(letter if letter.isprintable() else "?" for letter in line.name)
    return f"{line.user:<24} {state:<9} {name}"


add_restraints(user, user_argument, unseen_option)
