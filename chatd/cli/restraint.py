"""`chatd user ban`, `mute`, `limit` and `free`: restrictions of users from a shell."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from chatd.cli.host_api import api_of
from chatd.cli.options import Duration, with_configuration
from chatd.config.loading import Loaded

FOR_EVER = 1  # in place of a time

# An argument or an option, as click has it.
Decorator = Callable[[Any], Any]

# What each does, in the past tense and in the help.
RESTRAINS = {
    "ban": ("Banned", "Keep USER out: connections end, and hello is refused. They stay in their rooms."),
    "mute": ("Muted", "Keep USER from writing. They can read, take back and leave."),
    "limit": ("Limited", "Let USER write one message in 10 s, and begin no conversation."),
}


def end_of(lasts_s: int | None) -> int:
    """Return the end of what lasts so many seconds from now, for ever without a number; Unix milliseconds."""
    return FOR_EVER if lasts_s is None else int((time.time() + lasts_s) * 1000)


def add_restraints(group: click.Group, user: Decorator, unseen: Decorator) -> None:
    """Add the commands to `chatd user`. `user`, `unseen`: the argument and the option that they share with others."""
    for what, (done, help_text) in RESTRAINS.items():
        group.add_command(restraint(what, done, help_text, user, unseen))
    group.command(name="free")(user(with_configuration(free)))


def restraint(
    what: str,
    done: str,
    help_text: str,
    user: Decorator,
    unseen: Decorator,
) -> click.Command:
    def restrain(loaded: Loaded, name: str, lasts_s: int | None, reason: str, unseen: bool) -> None:
        content = {"what": what, "until": end_of(lasts_s), "reason": reason, "seen": not unseen}
        api_of(loaded.config).ask("PUT", f"/v1/users/{quote(name)}/restriction", content)
        click.echo(f"{done} {name}. Undo with: chatd user free {name}")

    lasts = click.option("--for", "lasts_s", type=Duration(), help="1h, 7d; without it, until it is lifted.")
    why = click.option("--reason", default="", help="A word for moderators.")
    return click.command(name=what, help=help_text)(user(lasts(why(unseen(with_configuration(restrain))))))


def free(loaded: Loaded, name: str) -> None:
    """Lift what restricts USER."""
    api_of(loaded.config).ask("DELETE", f"/v1/users/{quote(name)}/restriction", {})
    click.echo(f"{name} is not restricted.")
