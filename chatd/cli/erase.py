"""`chatd erase` and `chatd export`: a person goes, or gets what is kept of them."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from chatd.cli.admin_socket import download, is_served, socket_path
from chatd.cli.exits import Failure
from chatd.cli.host_api import api_of
from chatd.cli.options import with_configuration
from chatd.config.file_permissions import new_private_file
from chatd.config.loading import Loaded
from chatd.config.model import Config

# A person watches: soon enough, and no load.
LOOK_S = 0.2


@click.command(
    epilog="""\b
Examples:
  chatd erase alice
  chatd erase --messages keep --reports drop alice
  chatd erase --check alice          count what is left of somebody who was erased

It works while the daemon runs (through its admin socket) and while it does not. docs/erasure.md says what goes, what
stays and for how long."""
)
@click.argument("user")
@click.option("--messages", type=click.Choice(["recall", "keep"]), default="recall", show_default=True)
@click.option("--reports", type=click.Choice(["keep", "drop"]), default="keep", show_default=True)
@click.option("--check", is_flag=True, help="Check an erasure that is done, and erase what is found.")
@click.option("--unseen", is_flag=True, help="Also when USER was never here.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "for_programs", is_flag=True, help="The receipt as JSON.")
@with_configuration
def erase(loaded: Loaded, user: str, check: bool, yes: bool, for_programs: bool, **chosen: Any) -> None:
    """Erase USER for good, and print the receipt. What is gone does not come back."""
    path, config = f"/v1/erasures/{user}", loaded.config
    api = api_of(config)
    if check:
        answer = api.ask("POST", f"{path}/check", {})
    else:
        if not yes:
            click.confirm(
                f"Everything that is kept of {user} goes, and does not come back. Go on?", abort=True
            )
        asked = {"messages": chosen["messages"], "reports": chosen["reports"], "seen": not chosen["unseen"]}
        api.ask("PUT", path, asked)
        answer = ended(config, lambda: api.ask("GET", path, {}), "erasures")
    click.echo(json.dumps(answer) if for_programs else receipt(answer))


@click.command(
    epilog="""\b
Examples:
  chatd export alice alice.ndjson.gz

A line of the file is a row: {"table": "events", ...}. Only the owner of the file may open it."""
)
@click.argument("user")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@with_configuration
def export(loaded: Loaded, user: str, destination: Path) -> None:
    """Write all that is kept of USER into the file DEST, as compressed ndjson."""
    path, config = f"/v1/exports/{user}", loaded.config
    if destination.exists():
        raise Failure(f"{destination} exists. Give a new name")
    api = api_of(config)
    api.ask("PUT", path, {})
    answer = ended(config, lambda: api.ask("GET", path, {}), "exports")
    with new_private_file(destination) as file:
        try:
            if is_served(socket_path(config)):
                download(socket_path(config), f"{path}/file", file.buffer)
            else:
                with Path(stored_file(config, user)).open("rb") as stored:
                    shutil.copyfileobj(stored, file.buffer)
        except BaseException:
            destination.unlink()
            raise
    click.echo(f"Wrote {destination}: {answer['bytes']} bytes.")


def ended(config: Config, ask: Callable[[], Any], job: str) -> Any:
    """Wait for a job of the daemon, or do it here where none runs; return its answer when it is done."""
    while (answer := ask())["state"] != "done" and is_served(socket_path(config)):
        time.sleep(LOOK_S)
    if answer["state"] != "done":
        carry_out(config, job)
        answer = ask()
    if answer["state"] != "done":
        raise Failure("it is not done; the log above says why. It goes on when it is asked for again")
    return answer


def carry_out(config: Config, job: str) -> None:
    """Do what is due on a database that no daemon uses."""
    from chatd.cli.stored_api import with_app
    from chatd.server.app import App

    async def run(app: App) -> None:
        await getattr(app.persons, job).carry_out_due()

    with_app(config, run)


def stored_file(config: Config, user: str) -> str:
    from chatd.cli.stored_api import with_app
    from chatd.core.audit import SOCKET, Audit
    from chatd.server.app import App

    async def path(app: App) -> str:
        audit = Audit(SOCKET, "GET /v1/exports/{user}/file", user, "cli")
        return await app.persons.privacy(app.host.writes, app.hub).export_path(user, audit)

    return with_app(config, path)


def receipt(answer: Any) -> str:
    """Return a receipt as lines for people."""
    if answer["state"] != "done":
        return f"The erasure of {answer['user']} is under way."
    lines = [f"{answer['user']} is erased."]
    for place in answer["receipt"]:
        if place.get("erased"):
            lines.append(f"  {place['place']:<24} {place['erased']} {place['how']}")
        if place.get("kept"):
            day = time.strftime("%Y-%m-%d", time.gmtime(place["until"] / 1000))
            lines.append(f"  {place['place']:<24} {place['kept']} kept until {day}")
    if check := answer.get("check"):
        lines.append(f"The last check found {check['found']} rows that were left.")
    return "\n".join(lines)
