"""`chatd report`: reports of users and filters, and what is done about them, from a shell."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import click

from chatd.cli.host_api import HostApi, api_of
from chatd.cli.options import Duration, with_configuration
from chatd.cli.restraint import end_of
from chatd.config.loading import Loaded

STATES = ("open", "claimed", "closed")
DOES = ("recall", "ban", "mute", "limit", "warn")
PAGE = 200


@click.group(
    epilog="""\b
Examples:
  chatd report list
  chatd report show r1842
  chatd report act r1842 recall
  chatd report act r1842 mute --for 7d --reason fraud
  chatd report close r1842 --note "asked for cards"

They work while the daemon runs (through its admin socket) and while it does not. docs/moderation.md has the rest."""
)
def report() -> None:
    """Reports of users: list, show, act, close."""


def _checked_name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"r[1-9][0-9]{0,14}", value):
        raise click.BadParameter(f"{value!r} is no name of a report, which is r and a number: r1842")
    return value


name_argument = click.argument("name", metavar="REPORT", callback=_checked_name)


@report.command(name="list")
@click.option("--state", type=click.Choice(STATES), default="open", show_default=True)
@click.option("--json", "for_programs", is_flag=True, help="As JSON lines.")
@with_configuration
def listed(loaded: Loaded, state: str, for_programs: bool) -> None:
    """List reports: first those on whom most users have reported something; closed ones from the newest on."""
    api, query = api_of(loaded.config), {"state": state, "limit": PAGE}
    while True:
        page = api.ask("GET", "/v1/reports", query)
        for row in page["reports"]:
            click.echo(json.dumps(row) if for_programs else line_of(row))
        if "more" not in page:
            return
        query["more"] = page["more"]


@report.command()
@name_argument
@click.option("--json", "for_programs", is_flag=True, help="As JSON.")
@with_configuration
def show(loaded: Loaded, name: str, for_programs: bool) -> None:
    """Show a report with its evidence and what was done. That somebody looked is in the audit."""
    found = api_of(loaded.config).ask("GET", f"/v1/reports/{name}", {})
    if for_programs:
        click.echo(json.dumps(found))
        return
    click.echo(line_of(found))
    for label in ("text", "note"):
        if found.get(label):
            click.echo(f"  {label}: {printable(found[label])}")
    evidence = found["evidence"]
    for label in ("name", "title"):
        if evidence.get(label):
            click.echo(f"  {label} then: {printable(evidence[label])}")
    for event in evidence.get("messages", ()):
        mark = ">" if event["seq"] == found.get("seq") else " "
        text = event.get("body", {}).get("text", "(no text)")
        click.echo(f"{mark} {event['seq']:>6} {event.get('user', ''):<16} {printable(text)}")
    for done in found.get("actions", ()):
        click.echo(f"  done: {done['do']} by {done['by']} at {day(done['time'])}")


@report.command()
@name_argument
@click.argument("do", type=click.Choice(DOES))
@click.option("--user", metavar="USER", help="Another one than was reported; not with recall.")
@click.option("--for", "lasts_s", type=Duration(), help="How long: 1h, 7d; without it, until it is lifted.")
@click.option("--reason", default="", help="A word for moderators.")
@click.option("--text", help="What a warning says.")
@with_configuration
def act(
    loaded: Loaded, name: str, do: str, user: str | None, lasts_s: int | None, reason: str, text: str | None
) -> None:
    """Carry out an action about REPORT, which stays open."""
    action: dict[str, Any] = {"do": do} | ({"user": user} if user else {})
    if do == "warn":
        if not text:
            raise click.UsageError("a warning takes --text")
        action["body"] = {"text": text}
    elif do != "recall":
        action |= {"until": end_of(lasts_s), "reason": reason}
    change(api_of(loaded.config), name, actions=[action])
    click.echo(f"{name}: {do} is done.")


@report.command()
@name_argument
@click.option("--note", help="A note for moderators.")
@with_configuration
def close(loaded: Loaded, name: str, note: str | None) -> None:
    """Close REPORT."""
    change(api_of(loaded.config), name, state="closed", **({"note": note} if note else {}))
    click.echo(f"{name} is closed.")


def change(api: HostApi, name: str, **content: Any) -> Any:
    return api.ask("PATCH", f"/v1/reports/{name}", content)


def line_of(row: dict[str, Any]) -> str:
    about = f"user {row['user']}" if row.get("user") else f"room {row['room']}"
    place = f", message {row['seq']} of {row['room']}" if row.get("seq") else ""
    by = row.get("reporter") or f"filter {row.get('filter', '')}"
    return (
        f"{row['report']:<8} {row['state']:<8} {day(row['time'])} {row.get('reason', ''):<10} "
        f"{about}{place}, by {by} ({row['reporters']} in all)"
    )


def day(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d %H:%M}"


def printable(text: str) -> str:
    """Return a text from outside in one line, without control characters, which would affect the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
