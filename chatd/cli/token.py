"""`chatd token`: a token as the host app would sign it, for tests."""

import time

import click

from chatd.cli.options import Duration, with_configuration
from chatd.config.first_secret import secret_of, with_first_secret
from chatd.config.loading import Loaded


@click.command(
    epilog="""\b
Examples:
  chatd token alice
  chatd token alice --ttl 10m --allow read
  TOKEN=$(chatd token alice --config chatd.toml)

Host apps sign their own tokens; docs/backend.md has the code, protocol.md "auth, token_expiring" the claims."""
)
@click.argument("user")
@click.option("--ttl", type=Duration(), default="1h", show_default=True, help="Lifetime: 90, 30m, 1h.")
@click.option("--device", help="Bind the token to one device id (22 characters).")
@click.option(
    "--allow", multiple=True, type=click.Choice(["read", "send", "create", "admin"]), help="May be repeated."
)
@with_configuration
def token(loaded: Loaded, user: str, ttl: int, device: str | None, allow: tuple[str, ...]) -> None:
    """Print a token for USER, signed with the shared secret of the server.

    Everybody who has the token has the rights of USER until it expires.
    """
    from chatd.auth.tokens import Tokens

    config = with_first_secret(loaded.config, create=False)
    secret_of(config)
    claims = {"allow": list(allow)} if allow else {}
    try:
        minted = Tokens(config.auth, lambda kid: None).mint(user, ttl, time.time(), device=device, **claims)
    except ValueError as error:
        raise click.UsageError(f"no token for {user!r}: {error}") from None
    click.echo(minted)
