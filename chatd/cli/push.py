"""`chatd push`: notifications from a shell: a test, why one did not come, a brake, and the key of browsers."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from chatd.cli.admin_socket import ask, require_served
from chatd.cli.exits import Failure
from chatd.cli.hook import STYLES
from chatd.cli.options import with_configuration
from chatd.config.file_permissions import new_private_file
from chatd.config.loading import Loaded
from chatd.config.push import Platform

PLATFORMS: tuple[Platform, ...] = ("apns", "fcm", "web", "gateway")
SNIPPET = """\
[push]
enabled = true
vapid_subject = "mailto:you@example.org"

[[push.apps]]
platform = "web"
key_file = "{path}"
"""


@click.group(
    epilog="""\b
Examples:
  chatd push test alice                   sends a test to every device of Alice, and shows what came of it
  chatd push test alice --dry-run         the same, but nothing is sent
  chatd push why alice                    the decisions of the last day, and what would happen now
  chatd push why alice --room ROOM        about one room
  chatd push why alice --rules            rule by rule
  chatd push pause                        the apps, and which of them send
  chatd push pause apns                   holds all of Apple's back; --off goes on
  chatd push vapid --new vapid.pem        makes the key that browsers ask for

docs/push.md says how each push service is set up, and what each outcome means."""
)
def push() -> None:
    """Push notifications: test, why, pause, vapid."""


@push.command()
@click.argument("user")
@click.option("--device", metavar="DEVICE", default="", help="One device; without it all of them.")
@click.option("--dry-run", is_flag=True, help="Send nothing: only look whether it would be sent.")
@click.option("--json", "for_programs", is_flag=True, help="As JSON.")
@with_configuration
def test(loaded: Loaded, user: str, device: str, dry_run: bool, for_programs: bool) -> None:
    """Send a test notification to the devices of USER, and show what their push services answered."""
    from chatd.cli.push_lines import SENT, line_of_test, width_of

    asked = {"user": user, "dry_run": dry_run} | ({"device": device} if device else {})
    found = _asked(loaded, "POST", "/v1/push/test", asked)["devices"]
    if for_programs:
        click.echo(json.dumps(found))
    else:
        width = width_of(found)
        _show(line_of_test(one, width) for one in found)
    if not found:
        raise Failure(f"no device of {user} is registered: an app does it with devices.push, at each start")
    if not any(one["outcome"] in SENT for one in found):
        raise Failure("nothing was sent")


@push.command()
@click.argument("user")
@click.option("--room", metavar="ROOM", help="About one room.")
@click.option("--seq", type=click.IntRange(1), metavar="SEQ", help="About one message of --room.")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="The newest decisions."
)
@click.option("--rules", is_flag=True, help="All rules, with those that do not fit.")
@click.option("--json", "for_programs", is_flag=True, help="As JSON.")
@with_configuration
def why(loaded: Loaded, user: str, room: str | None, seq: int | None, limit: int, **shown: bool) -> None:
    """Say what became of the notifications of USER in the last day, and what would happen to one now."""
    from chatd.cli.push_lines import decision_line, now_lines

    if seq is not None and room is None:
        raise click.UsageError("--seq needs --room.")
    given = {"user": user, "room": room, "seq": seq, "limit": limit}
    query = {name: value for name, value in given.items() if value is not None}
    found = _asked(loaded, "GET", "/v1/push/decisions", query)
    if shown["for_programs"]:
        click.echo(json.dumps(found))
        return
    today = time.strftime("%Y-%m-%d")
    about = "this message" if seq is not None else "a message in this room" if room else "a message"
    if found["decisions"]:
        _show([(("In the last day, the newest first:", "strong"),)])
        _show(decision_line(one, today) for one in found["decisions"])
    else:
        _show([(("Nothing was decided in the last day.", "strong"),)])
    _show([((f"\nNow, {about} would go this way:", "strong"),)])
    _show(now_lines(found["now"], found["badge"], rules=shown["rules"]))


@push.command()
@click.argument("platform", type=click.Choice(PLATFORMS), required=False)
@click.option("--off", is_flag=True, help="Go on.")
@with_configuration
def pause(loaded: Loaded, platform: Platform | None, off: bool) -> None:
    """Hold back what would be sent to PLATFORM until --off, or until the daemon ends; without PLATFORM show the apps.

    What is held back for longer than push.stale_s is not sent any more.
    """
    from chatd.cli.push_lines import app_line, width_of

    if platform is None:
        if off:
            raise click.UsageError("Name a platform.")
        apps = _asked(loaded, "GET", "/v1/push", {})["apps"]
    else:
        apps = _asked(loaded, "POST", "/v1/push/pause", {"platform": platform, "on": not off})["apps"]
    width = width_of(apps)
    _show(app_line(one, width) for one in apps)


@push.command()
@click.option("--new", "new", metavar="FILE", help="Make a key in FILE; never overwrites.")
@with_configuration
def vapid(loaded: Loaded, new: str | None) -> None:
    """Print the public key of web push, which browsers are given by `hello`; or make a key.

    Whoever subscribed with a key has to subscribe anew when it is changed, so keep it with your backups.
    """
    from chatd.push.key_files import new_vapid_key
    from chatd.push.settings import vapid_public

    if new is None:
        public = vapid_public(loaded.config)
        if not public:
            raise Failure("push.apps has no app of web. Make a key with: chatd push vapid --new FILE")
        click.echo(public)
        return
    try:
        with new_private_file(Path(new)) as file:
            file.write(new_vapid_key())
    except OSError as error:
        raise Failure(f"{new} cannot be written: {error.strerror}") from None
    click.echo(
        f"Wrote {new}. For the configuration of chatd:\n\n{SNIPPET.format(path=Path(new).resolve())}",
        nl=False,
    )


def _asked(loaded: Loaded, method: str, path: str, content: dict[str, Any]) -> Any:
    served = require_served(loaded.config)
    if method == "GET":
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in content.items())
        return ask(served, method, f"{path}?{query}" if query else path)
    return ask(served, method, path, content)


def _show(lines: Iterable[Any]) -> None:
    """Print lines in colours, where the terminal has some."""
    from rich.console import Console
    from rich.text import Text

    out = Console(highlight=False, soft_wrap=True)
    for line in lines:
        out.print(Text.assemble(*((text, STYLES[style]) for text, style in line if text)))
