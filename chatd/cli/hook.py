"""`chatd hook`: webhooks from a shell: a receiver in the terminal, the state of endpoints, and what to do about it."""

import os
import time
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from chatd.cli.admin_socket import ask, require_served
from chatd.cli.exits import Failure
from chatd.cli.options import Duration, with_configuration
from chatd.config.loading import Loaded

PORT = 9000
SECRET_FILE = "chatd-hook.secret"  # noqa: S105 - a name, in the working directory
KEY_BYTES = 32
SNIPPET = """\
[events]
enabled = true

[[hooks.endpoints]]
name = "terminal"
url = "{url}"
secret_file = "{path}"
"""


@click.group(
    epilog="""\b
Examples:
  chatd hook listen                              shows what a receiver of webhooks gets
  chatd hook show                                the endpoints: state, lag, last failure
  chatd hook show backend                        and what it refused
  chatd hook replay backend --since 2h           sends the last two hours again
  chatd hook enable backend                      after it was disabled

docs/webhooks.md says how an endpoint is configured, and when it is disabled."""
)
def hook() -> None:
    """Webhooks: listen, show, replay, enable, retry, discard."""


@hook.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--secret-file",
    "path",
    default=SECRET_FILE,
    show_default=True,
    help="The secret of the endpoint; made where there is none.",
)
@click.option(
    "--answer", type=click.IntRange(200, 599), default=204, show_default=True, help="The status to answer."
)
@click.option("--reject", default="", metavar="TEXT", help="As a before-hook: reject what contains TEXT.")
@click.option("--json", "for_programs", is_flag=True, help="As JSON lines: the entries, and nothing else.")
def listen(port: int, host: str, path: str, answer: int, reject: str, for_programs: bool) -> None:
    """Receive webhooks in the terminal: verify each delivery, and show what is in it.

    It answers before-hooks as well, and passes every item unless --reject says otherwise.
    """
    from rich.console import Console
    from rich.text import Text

    from chatd.cli.hook_receiver import Receiver, Settings
    from chatd.egress.signing import secrets_in

    is_new = make_secret(Path(path))
    settings = Settings(secrets_in(path), answer, reject, for_programs)
    out = Console(highlight=False, soft_wrap=True)

    def show(line: Any) -> None:
        out.print(Text.assemble(*((text, STYLES[style]) for text, style in line if text)))

    try:
        receiver = Receiver((host, port), settings, show, click.echo)
    except OSError as error:
        raise Failure(f"cannot listen on {host}:{port}: {error.strerror}. Choose another --port") from None
    with receiver:
        url = f"http://{host}:{receiver.server_address[1]}/"
        if not for_programs:
            show(
                (
                    (f"Listening on {url}", "strong"),
                    (f"  secret {'made' if is_new else 'read'}: {path}", "faint"),
                )
            )
            show((("For the configuration of chatd:", "faint"),))
            show(((SNIPPET.format(url=url, path=Path(path).resolve()), "kind"),))
        try:
            receiver.serve_forever()
        except KeyboardInterrupt:
            click.echo()


STYLES = {
    "": "",
    "strong": "bold",
    "faint": "dim",
    "ok": "green",
    "bad": "bold red",
    "kind": "cyan",
    "note": "yellow",
    "other": "bold green",
}


def make_secret(path: Path) -> bool:
    """Write a new secret for an endpoint where there is no file; return whether it did."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}") from None
    with open(descriptor, "w") as file:
        file.write(f"whsec_{b64encode(os.urandom(KEY_BYTES)).decode()}\n")
    return True


@hook.command()
@click.argument("name", required=False)
@with_configuration
def show(loaded: Loaded, name: str | None) -> None:
    """Show the endpoints of the running daemon, or one with the entries that it refused."""
    from rich.console import Console

    path, out = require_served(loaded.config), Console(highlight=False)
    if name is None:
        hooks = ask(path, "GET", "/v1/hooks")["hooks"]
        if not hooks:
            raise Failure("there are no endpoints. See hooks.endpoints in docs/webhooks.md")
    else:
        answer = ask(path, "GET", f"/v1/hooks/{name}")
        hooks, parked = [answer["hook"]], answer["parked"]
    out.print(endpoints_table(hooks))
    if name is not None and parked:
        out.print(parked_table(parked))


@hook.command()
@click.argument("name")
@click.option(
    "--after", metavar="CURSOR", help='A cursor, or the id of an entry; "latest" skips all that waits.'
)
@click.option("--since", type=Duration(), help="What happened in the last 30m, 12h, 2d.")
@with_configuration
def replay(loaded: Loaded, name: str, after: str | None, since: int | None) -> None:
    """Go on elsewhere in the feed: send again what was delivered, or skip what was not."""
    if (after is None) == (since is None):
        raise click.UsageError("Give --after or --since.")
    content = {"after": after} if since is None else {"since": (int(time.time()) - since) * 1000}
    asked(loaded, "POST", f"/v1/hooks/{name}/replay", content)
    click.echo(f"{name} goes on from there.")


@hook.command()
@click.argument("name")
@with_configuration
def enable(loaded: Loaded, name: str) -> None:
    """Deliver again to an endpoint that was disabled, or at once to one that waits."""
    asked(loaded, "POST", f"/v1/hooks/{name}/enable", {})
    click.echo(f"{name} is enabled.")


@hook.command()
@click.argument("name")
@click.argument("entry")
@with_configuration
def retry(loaded: Loaded, name: str, entry: str) -> None:
    """Send an entry again that the endpoint NAME refused; it is forgotten when it is accepted."""
    outcome = asked(loaded, "POST", f"/v1/hooks/{name}/parked/{entry}/retry", {})
    if not outcome["accepted"]:
        raise Failure(f"refused again: {outcome.get('status', '')} {outcome.get('text', '')}".rstrip())
    click.echo(f"{name} accepted it.")


@hook.command()
@click.argument("name")
@click.argument("entry")
@with_configuration
def discard(loaded: Loaded, name: str, entry: str) -> None:
    """Give up an entry that the endpoint NAME refused."""
    asked(loaded, "DELETE", f"/v1/hooks/{name}/parked/{entry}", {})
    click.echo("Given up.")


def asked(loaded: Loaded, method: str, route: str, content: Mapping[str, Any]) -> Any:
    return ask(require_served(loaded.config), method, route, content)


def endpoints_table(hooks: list[dict[str, Any]]) -> Any:
    """Return the endpoints as a table."""
    from rich.table import Table
    from rich.text import Text

    table = Table("Endpoint", "State", "Lag", "Delivered", "Parked", "Last failure", box=None, pad_edge=False)
    styles = {"up": "green", "ramping": "green", "disabled": "bold red"}
    for one in hooks:
        failure = one.get("failure", {})
        why = (
            f"{ago(failure['time'])}: {failure.get('status', '')} {failure.get('text', '')}"
            if failure
            else ""
        )
        state = one["state"] + (
            f", again in {one['retry_after'] / 1000:.0f} s" if "retry_after" in one else ""
        )
        table.add_row(
            one["name"],
            Text(state, style=styles.get(one["state"], "yellow")),
            f"{one.get('lag', 0) / 1000:.0f} s",
            ago(one["delivered_at"]) if "delivered_at" in one else "never",
            str(one.get("parked", 0)),
            Text(cleaned(why)),
        )
    return table


def parked_table(parked: list[dict[str, Any]]) -> Any:
    """Return entries that were refused as a table."""
    from rich.table import Table
    from rich.text import Text

    table = Table("Parked", "Since", "Status", "Answer", box=None, pad_edge=False)
    for one in parked:
        status = str(one["status"]) if "status" in one else "none"
        table.add_row(one["id"], ago(one["time"]), status, Text(cleaned(one.get("text", ""))))
    return table


def cleaned(text: str) -> str:
    from chatd.cli.chat.wording import clean

    return " ".join(clean(text).split())


def ago(time_ms: int) -> str:
    """Return how long ago a time is, in its largest unit."""
    seconds = max(0, int(time.time() - time_ms / 1000))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
