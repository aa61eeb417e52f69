"""`chatd user`: the built-in accounts, for installations without an app that has users of its own."""

import json
import re
from dataclasses import replace

import click

from chatd.cli.configuration import Loaded
from chatd.cli.exits import Failure
from chatd.cli.options import with_configuration
from chatd.cli.passwords import hashed, password_option
from chatd.config import Config
from chatd.core.accounts import Account
from chatd.ports import Store

_USER = re.compile(r"[A-Za-z0-9_\-.:@]{1,64}\Z")  # protocol.md, "Identifiers and counters"
NAME_MAX = 64  # characters shown beside a message on a phone


@click.group(
    epilog="""\b
Examples:
  chatd user add alice --name "Alice Miller"
  chatd user passwd alice --password-file new-password
  chatd user list --json
  chatd user disable alice

Stop the daemon first: only one program may have the database open for writing."""
)
def user() -> None:
    """Built-in accounts: add, list, disable, enable, passwd.

    An app that has users of its own signs tokens for them and needs no accounts here.
    """


def _checked_user(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not _USER.match(value):
        raise click.BadParameter(f"{value!r} is not 1 to 64 of A-Z a-z 0-9 _ - . : @")
    return value


def _checked_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (len(value) > NAME_MAX or not value.isprintable()):
        raise click.BadParameter(f"a name has up to {NAME_MAX} printable characters")
    return value


user_argument = click.argument("name", metavar="USER", callback=_checked_user)


@user.command()
@user_argument
@click.option("--name", "shown", callback=_checked_name, help="Name shown to others; else USER.")
@password_option
@with_configuration
def add(loaded: Loaded, name: str, shown: str | None, password_file: str | None) -> None:
    """Add USER, who signs in with a password at POST /v1/login."""
    from chatd.cli.stores import now_ms, put_account, with_store

    stored = hashed(password_file)

    async def put(store: Store) -> None:
        known = await store.account(name)
        if known is not None and known.password is not None:
            raise Failure(f"{name} exists already. Change the password with: chatd user passwd {name}")
        account = known or Account(name, created_at=now_ms())
        named = replace(account, name=shown or account.name or name, version=account.version + 1)
        await put_account(store, replace(named, password=stored, disabled=False))

    with_store(loaded.config, put)
    click.echo(f"Added {name}.")


@user.command()
@user_argument
@password_option
@with_configuration
def passwd(loaded: Loaded, name: str, password_file: str | None) -> None:
    """Change the password of USER. Tokens issued before are refused from now on."""
    stored = hashed(password_file)
    _change(loaded.config, name, password=stored, revoked=True)
    click.echo(f"Changed the password of {name}; earlier tokens are refused.")


@user.command()
@user_argument
@with_configuration
def disable(loaded: Loaded, name: str) -> None:
    """Lock USER out: no login, and tokens issued before are refused. Messages stay."""
    _change(loaded.config, name, disabled=True, revoked=True)
    click.echo(f"Disabled {name}. Undo with: chatd user enable {name}")


@user.command()
@user_argument
@with_configuration
def enable(loaded: Loaded, name: str) -> None:
    """Let USER in again."""
    _change(loaded.config, name, disabled=False)
    click.echo(f"Enabled {name}.")


@user.command(name="list")
@click.option("--json", "for_programs", is_flag=True, help="As JSON lines.")
@with_configuration
def listed(loaded: Loaded, for_programs: bool) -> None:
    """List the accounts the server knows."""
    from chatd.cli.stores import with_store

    async def read(store: Store) -> list[Account]:
        return await store.accounts()

    for account in with_store(loaded.config, read):
        click.echo(_as_json(account) if for_programs else _as_line(account))


def _change(config: Config, name: str, *, revoked: bool = False, **changes: object) -> None:
    from chatd.cli.stores import now_ms, put_account, with_store

    async def put(store: Store) -> None:
        account = await store.account(name)
        if account is None:
            raise Failure(f"there is no account {name}. Add it with: chatd user add {name}")
        before = {"revoked_before": now_ms()} if revoked else {}
        await put_account(store, replace(account, **before, **changes))  # type: ignore[arg-type]

    with_store(config, put)


def _as_line(account: Account) -> str:
    state = "disabled" if account.disabled else "active" if account.password else "host app"
    # A name comes from outside; control characters would steer the terminal.
    shown = "".join(letter if letter.isprintable() else "?" for letter in account.name)
    return f"{account.user:<24} {state:<9} {shown}"


def _as_json(account: Account) -> str:
    return json.dumps(
        {
            "user": account.user,
            "name": account.name,
            "disabled": account.disabled,
            "password": account.password is not None,
            "created_at": account.created_at,
        }
    )
