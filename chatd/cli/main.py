"""The `chatd` command: its groups, imported only when used, so that `chatd --help` is immediate."""

import difflib
import os
import sys
from importlib import import_module
from typing import Any

import click

from chatd import __version__
from chatd.cli.exits import EXITS_HELP, Exit, Failure
from chatd.cli.streams import complete_streams, give_up_output, is_unwritable
from chatd.config.problems import ConfigError

# Each command's place (module:name) and its line in the help, in the order of the help.
COMMANDS: dict[str, tuple[str, str]] = {
    "dev": ("chatd.cli.dev:dev", "Try chatd: a daemon with demo users delivers a first message."),
    "serve": ("chatd.cli.serve:serve", "Run the daemon (also what bare `chatd` does)."),
    "chat": ("chatd.cli.chat.command:chat", "Chat in the terminal."),
    "token": ("chatd.cli.token:token", "Print a token for a user."),
    "user": ("chatd.cli.user:user", "Accounts: add, list, disable, passwd; ban, mute, limit."),
    "key": ("chatd.cli.key:key", "Keys of the API for the back end: create, list, rotate, delete."),
    "report": ("chatd.cli.report:report", "Reports of users: list, show, act, close."),
    "people": ("chatd.cli.people:people", "The graph of the host app: import, digest, explain."),
    "import": ("chatd.cli.importing:import_file", "Bring the rooms and messages of another chat here."),
    "erase": ("chatd.cli.erase:erase", "Erase a person: all that is kept of them goes, with a receipt."),
    "export": ("chatd.cli.erase:export", "Write all that is kept of a person into a file."),
    "hook": ("chatd.cli.hook:hook", "Webhooks: listen, show, replay, enable."),
    "push": ("chatd.cli.push:push", "Push notifications: test, why, pause, vapid."),
    "media": ("chatd.cli.media:media", "Files of users: check, usage."),
    "rotate": ("chatd.cli.media:rotate", "Other keys of the daemon's own: links."),
    "console": ("chatd.cli.console:console", "A link to the console: figures, people, rooms, reports, log."),
    "config": ("chatd.cli.config:config", "Configuration: init, check, show, doc."),
    "backup": ("chatd.cli.backup:backup", "Copy the database while the daemon runs."),
    "restore": ("chatd.cli.backup:restore", "Put a backup in place of the database."),
    "check": ("chatd.cli.check:check", "Check the data directory: problems and remedies."),
    "conformance": (
        "chatd.cli.conformance:conformance",
        "Prove that a client obeys the protocol: run, faults, record.",
    ),
    "compact": ("chatd.cli.compact:compact", "The database as small as it can be."),
    "migrate": ("chatd.cli.migrate:migrate", "The database schema: status, up."),
}
DEFAULT = "serve"

EXAMPLES = f"""\b
Examples:
  chatd dev                       a server, three users and a message in one second
  chatd chat --as bob --with alice
  chatd config init > chatd.toml  the settings to decide on, explained
  chatd serve --config chatd.toml

{EXITS_HELP}"""


class Commands(click.Group):
    """The group of all COMMANDS; a ConfigError or a failed output of any of them becomes an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        complete_streams()
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if not is_unwritable(error):
                raise
            give_up_output()
            Failure(f"standard output cannot be written: {error.strerror}").show()
            sys.exit(Exit.FAILURE)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # `chatd` and `chatd --config FILE` mean serve; the options of the group itself do not.
        own = {name for option in self.get_params(ctx) for name in option.opts}
        if not args or (args[0].startswith("-") and args[0] not in own):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and (near := difflib.get_close_matches(args[0], COMMANDS, n=1)):
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {near[0]}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise Failure(str(error), Exit.CONFIG) from None


@click.group(cls=Commands, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="chatd %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """chatd: a real-time chat server. One command, one SQLite file, one WebSocket per phone."""
    if os.environ.get("NO_COLOR"):  # no-color.org: any value but the empty one
        ctx.color = False
