"""`chatd key`: the keys with which the back end of the host app uses the API."""

import json
import time
from typing import Any

import click

from chatd.cli.exits import Failure
from chatd.cli.host_api import api_of
from chatd.cli.options import Duration, with_configuration
from chatd.config.loading import Loaded

# Of the routes; they are not imported here, so that the command line starts quickly.
SCOPES = (
    "users", "users.read", "tokens", "rooms", "rooms.read", "messages", "messages.read", "bots", "bots.read", "people",
    "people.read", "events", "events.read", "media", "media.read", "moderation", "moderation.read", "push", "push.read",
    "privacy", "privacy.read", "search", "search.read", "import", "keys", "keys.read", "stats.read",
)  # fmt: skip


@click.group(
    epilog="""\b
Examples:
  chatd key create backend --scope users --scope tokens
  chatd key create dashboard --scope users.read --scope stats.read --ttl 90d
  chatd key rotate backend --overlap 1h
  chatd key delete backend

They work while the daemon runs (through its admin socket) and while it does not. docs/api.md says what a key is good
for."""
)
def key() -> None:
    """Keys of the API for the back end: create, list, rotate, delete."""


@key.command()
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="May be repeated."
)
@click.option("--ttl", type=Duration(), help="Lifetime: 30m, 12h, 90d; without it, until it is deleted.")
@with_configuration
def create(loaded: Loaded, name: str, scopes: tuple[str, ...], ttl: int | None) -> None:
    """Make a key and print it. It is shown this once: chatd keeps only a digest."""
    expires_at = 0 if ttl is None else (int(time.time()) + ttl) * 1000
    asked = {"name": name, "scopes": scopes, "expires_at": expires_at}
    click.echo(api_of(loaded.config).ask("POST", "/v1/keys", asked)["secret"])


@key.command()
@click.argument("name")
@click.option(
    "--overlap", type=Duration(), default="1d", show_default=True, help="How long the old one works, too."
)
@with_configuration
def rotate(loaded: Loaded, name: str, overlap: int) -> None:
    """Print a new secret for the key NAME; the present one works beside it for a while."""
    path = f"/v1/keys/{_id_of(loaded, name)}/rotate"
    click.echo(api_of(loaded.config).ask("POST", path, {"overlap_s": overlap})["secret"])


@key.command()
@click.argument("name")
@with_configuration
def delete(loaded: Loaded, name: str) -> None:
    """Delete the key NAME: it is refused at once."""
    api_of(loaded.config).ask("DELETE", f"/v1/keys/{_id_of(loaded, name)}", {})
    click.echo(f"Deleted {name}.")


@key.command(name="list")
@click.option("--json", "for_programs", is_flag=True, help="As JSON lines.")
@with_configuration
def listed(loaded: Loaded, for_programs: bool) -> None:
    """List the keys, without their secrets."""
    for row in _keys(loaded):
        click.echo(json.dumps(row) if for_programs else _shown(row))


def _keys(loaded: Loaded) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api_of(loaded.config).ask("GET", "/v1/keys", {})["keys"]
    return found


def _id_of(loaded: Loaded, name: str) -> str:
    for row in _keys(loaded):
        if row["name"] == name:
            return str(row["id"])
    raise Failure(f"there is no key {name}. See: chatd key list")


def _shown(row: dict[str, Any]) -> str:
    expires_s = row.get("expires_at", 0) / 1000
    end = time.strftime("until %Y-%m-%d %H:%M UTC", time.gmtime(expires_s)) if expires_s else "no end"
    return f"{row['name']:<24} {row['id']} {end:<26} {' '.join(row['scopes'])}"
