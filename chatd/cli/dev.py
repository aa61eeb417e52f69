"""`chatd dev`: a development server, which shows in one second that it works."""

import asyncio
import contextlib
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatd import __version__
from chatd.cli.accounts import Accounts
from chatd.cli.exits import Failure
from chatd.cli.preflight import require_free
from chatd.config.first_secret import make_private, vapid_path, with_origin, with_own_secret
from chatd.config.loading import Loaded, load
from chatd.config.model import Config
from chatd.media.packages import what_is_off
from chatd.push.settings import missing_packages
from chatd.search.packages import INSTALL as INSTALL_SEARCH
from chatd.search.packages import is_installed as search_is_installed

if TYPE_CHECKING:
    from chatd.server.console import ConsoleSources
    from chatd.server.daemon import Daemon

# Password by user. They are public, so a development server listens on loopback only.
DEMO_USERS = {"alice": "alice-password", "bob": "bob-password", "carol": "carol-password"}
# The others are strangers to both, so that what a stranger meets can be tried.
FRIENDS = ("alice", "bob")
DIRECTORY = "./chatd-data"
PORT = 8470
# Values that differ from `chatd serve`, unless the environment sets them. Log lines at info would hide the banner; the
# development server of a web page may have any port.
DEFAULTS = {
    "CHATD_LOG__LEVEL": "warning",
    "CHATD_WEB__ENABLED": "true",
    "CHATD_PEOPLE__ENABLED": "true",
    "CHATD_EVENTS__ENABLED": "true",
    "CHATD_MODERATION__ENABLED": "true",
    "CHATD_BOTS__ENABLED": "true",
    "CHATD_MEDIA__ENABLED": "true",
    "CHATD_CHANNELS__ENABLED": "true",
    "CHATD_CHANNELS__CREATE": "users",
    "CHATD_DISCOVERY__ENABLED": "true",
    "CHATD_DISCOVERY__MEMBERS_MIN": "1",
    "CHATD_LISTEN__ORIGINS": ",".join(
        f"{scheme}://{host}:*" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1", "[::1]")
    ),
}
# Push services want to know whom to write to; nobody is behind a development server.
VAPID_SUBJECT = "mailto:chatd-dev@example.org"
LINK_BYTES = 16  # 128 bits: nobody guesses them
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@click.command(
    epilog="""\b
Examples:
  chatd dev                 serve until Ctrl-C
  chatd dev --once          start, self-test, stop: exit code 0 or 1
  chatd dev --port 0        on any free port

The data stay in ./chatd-data; delete the directory to start afresh. Settings can come from the environment
(CHATD_LOG__LEVEL=debug), but no configuration file is read. Web pages on loopback may connect; the log names others
that are refused, with the setting that admits them. The links that log in as the demo users are good until it stops."""
)
@click.option("--once", is_flag=True, help="Stop after the self-test.")
@click.option(
    "--port",
    type=click.IntRange(0, 65533),
    default=PORT,
    show_default=True,
    help="Operators and files have the next two; 0: free ones.",
)
@click.option("--data", default=DIRECTORY, show_default=True, metavar="DIR", help="Data directory.")
def dev(once: bool, port: int, data: str) -> None:
    """Try chatd: a daemon with demo users delivers a first message.

    Listens on loopback only: the passwords of the demo users are public.
    """
    from chatd.cli.starting import start_explained
    from chatd.storage.sqlite.directory import Directory

    loaded = dev_settings(port, data)
    require_free(loaded.config)
    loaded = with_origin(loaded, with_own_secret(loaded.config, create=True))
    make_vapid_key(loaded.config)
    with start_explained():
        is_new = not Directory(data).has_database()
        add_demo_users(loaded.config)
        _run(loaded, once=once, is_new=is_new)


def dev_settings(port: int, data: str) -> Loaded:
    """Return the configuration of a development server: defaults and environment, on loopback."""
    flags = [
        ("listen.address", f"127.0.0.1:{port}", "--port"),
        ("listen.ops_address", f"127.0.0.1:{port + 1 if port else 0}", "--port"),
        ("media.address", f"127.0.0.1:{port + 2 if port else 0}", "--port"),
        ("storage.directory", data, "--data"),
    ]
    defaults = (
        DEFAULTS | push_defaults(data) | ({"CHATD_SEARCH__ENABLED": "true"} if search_is_installed() else {})
    )
    loaded = load(None, {**defaults, **os.environ}, flags)
    own = {f"env {name}" for name in defaults if name not in os.environ}
    origins = {key: "chatd dev" if origin in own else origin for key, origin in loaded.origins.items()}
    return Loaded(loaded.config, origins)


def push_defaults(data: str) -> dict[str, str]:
    """Return the settings with which browsers are sent notifications, where the packages for it are installed."""
    if missing_packages():
        return {}
    app = {"platform": "web", "key_file": str(vapid_path(data))}
    return {
        "CHATD_PUSH__ENABLED": "true",
        "CHATD_PUSH__APPS": json.dumps([app]),
        "CHATD_PUSH__VAPID_SUBJECT": VAPID_SUBJECT,
    }


def make_vapid_key(config: Config) -> None:
    """Make the key of Web Push in the data directory at the first start, when it is the one to use."""
    path = vapid_path(config.storage.directory)
    if config.push.enabled and any(app.key_file == str(path) for app in config.push.apps):
        from chatd.push.key_files import new_vapid_key

        make_private(path, new_vapid_key, "push.apps")


def add_demo_users(config: Config) -> None:
    """Add those of DEMO_USERS that have no account yet."""
    from chatd.auth.passwords import Passwords
    from chatd.cli.stored_api import StoredApi

    accounts = Accounts(StoredApi(config, create=True))
    known = {line.user for line in accounts.all() if line.password}
    passwords = Passwords()
    try:
        for user, password in DEMO_USERS.items():
            if user not in known:
                accounts.put(user, user.capitalize(), asyncio.run(passwords.hash(password)))
    finally:
        passwords.close()


@dataclass(frozen=True, slots=True)
class DevInstance:
    """A running development server, for the banner and the hints."""

    config: Config
    port: int
    ops_port: int
    media_url: str
    is_new: bool
    links: Mapping[str, str] = field(default_factory=dict, repr=False)  # user by code

    @property
    def page(self) -> str:
        """The address of the web client."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/ws"

    @property
    def data(self) -> str:
        """The options with which other commands find its data."""
        directory = self.config.storage.directory
        return f" --data {directory}" if directory != DIRECTORY else ""

    @property
    def options(self) -> str:
        """The options with which other commands find this server."""
        return (f" --url {self.url}" if self.port != PORT else "") + self.data


def _run(loaded: Loaded, *, once: bool, is_new: bool) -> None:
    from chatd.server.event_loop import event_loop
    from chatd.server.runner import console_sources
    from chatd.telemetry.logs import logging_to

    sources = console_sources(loaded)
    with (
        logging_to(sys.stderr, loaded.config.log, sources.log),
        asyncio.Runner(loop_factory=event_loop) as runner,
    ):
        runner.run(_serve(loaded.config, sources, once=once, is_new=is_new))


async def _serve(config: Config, sources: "ConsoleSources", *, once: bool, is_new: bool) -> None:
    from chatd.server.daemon import Daemon

    links = {secrets.token_urlsafe(LINK_BYTES): user for user in DEMO_USERS}
    daemon = Daemon(config, login_links=links)
    daemon.adopt(sources)
    await daemon.start()
    try:
        hear = await _befriend(daemon)
        instance = DevInstance(
            config, daemon.public_port, daemon.ops_port, daemon.app.context.media.url, is_new, links
        )
        click.echo(_banner(instance))
        await _self_test(instance, hear_signals=hear)
        if once:
            return
        with _listening_to_signals() as stopping:  # before the hints, whose reader may press Ctrl-C
            click.echo(_hints(instance))
            await stopping.wait()
        click.echo("Stopping.")
    finally:
        await daemon.stop()


async def _befriend(daemon: "Daemon") -> bool:
    """Make FRIENDS friends, unless they have or had something to do with each other.

    Return whether each is shown the signals of the other: strangers, as after an erasure, are not.
    """
    from chatd.core.contacts import State
    from chatd.core.friends import Befriend

    user, other = FRIENDS
    if not daemon.config.people.enabled:
        return True
    ties = await daemon.app.store.contacts([(user, other), (other, user)])
    if not ties:
        await daemon.app.writer.submit_and_wait(user, Befriend(other))
    return all(tie.state == State.FRIEND and not tie.blocked for tie in ties)


async def _self_test(instance: DevInstance, *, hear_signals: bool) -> None:
    from chatd.auth.tokens import Tokens
    from chatd.cli.selftest import self_test
    from chatd.client import ChatError, Closed

    tokens = Tokens(instance.config.auth, lambda kid: None)
    sender, receiver = FRIENDS

    def token_of(user: str) -> str:
        # Both have one clock, so this token is younger than any revocation: without it, a start within seconds of
        # `chatd erase alice` would wait until clocks cannot differ so much.
        now_s = time.time()
        return tokens.mint(user, 3600, now_s, generation=int(now_s * 1000))

    try:
        seen = await self_test(instance.url, token_of, sender, receiver, hear_signals=hear_signals)
    except (TimeoutError, OSError, ChatError, Closed) as error:
        raise Failure(f"self-test: {sender} -> {receiver} failed: {error!r}") from None
    click.echo(f"  self-test    {sender} -> {receiver}: {seen}   OK")


@contextlib.contextmanager
def _listening_to_signals() -> Iterator[asyncio.Event]:
    """Give an event that SIGTERM or Ctrl-C sets within the block."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def _banner(instance: DevInstance) -> str:
    new = " (new)" if instance.is_new else ""
    users = " or ".join(f"{user} / {password}" for user, password in DEMO_USERS.items())
    warning = click.style("INSECURE: public passwords, loopback only", bold=True, fg="yellow")
    return "\n".join(
        (
            f"chatd {__version__} · development mode · {warning}",
            f"  data         {instance.config.storage.directory}{new}",
            f"  socket       {instance.url}   subprotocols chatd.v1.msgpack, chatd.v1.json",
            f"  log in       POST http://127.0.0.1:{instance.port}/v1/login   {users}",
            f"  operations   http://127.0.0.1:{instance.ops_port}/readyz and /metrics",
            *_media_lines(instance),
            *([] if instance.config.search.enabled else [f"  search       off: {INSTALL_SEARCH}"]),
        )
    )


def _media_lines(instance: DevInstance) -> list[str]:
    """Return where files go, and what is off; nothing when media are switched off."""
    if not instance.media_url:
        return []
    lost = what_is_off()
    return [f"  files        {instance.media_url}{f'   {lost}' if lost else ''}"]


def _hints(instance: DevInstance) -> str:
    path = program_path()
    return f"""{_pages(instance)}
Next, in other terminals:
  {path}chatd chat --as bob --with alice{instance.options}
      chat in the terminal; a second one as alice shows both sides
  {path}chatd token alice{instance.data}
      a token for your own client: protocol.md says how to use it
  {path}python -m chatd.client.example {instance.url} "$({path}chatd token bob{instance.data})" alice
      a whole chat program in 25 lines of Python
{_push_hint(instance, path)}  {path}chatd console --role admin --open{instance.data}
      the console of operators in the browser: figures, people, rooms, reports, keys, settings, log

Ctrl-C stops the server."""


def _push_hint(instance: DevInstance, path: str) -> str:
    """Return how to try push; nothing when it is switched off."""
    if not instance.config.push.enabled:
        return ""
    return f"""  {path}chatd push test alice{instance.data}
      a notification for a browser of Alice that allows them in the settings; push why tells why one did not come
"""


def _pages(instance: DevInstance) -> str:
    """Return the address of the web client, with a link for each demo user; nothing when it is switched off.

    The code of a link is in the fragment, which browsers send to nobody, and good until the server stops.
    """
    if not instance.config.web.enabled:
        return ""
    links = "\n".join(f"  as {user:<8} {instance.page}#login={code}" for code, user in instance.links.items())
    return f"""
Chat in a browser: open {instance.page}
{links}
      each logs one window in; two windows can be two people{_friends(instance)}
"""


def _friends(instance: DevInstance) -> str:
    if not instance.config.people.enabled:
        return ""
    return f". {' and '.join(user.capitalize() for user in FRIENDS)} are friends, Carol is a stranger to both"


def program_path() -> str:
    """Return the path with which a shell finds `chatd`: nothing, or a directory such as .venv/bin/."""
    directory = Path(sys.executable).parent
    found = shutil.which("chatd")
    if found is not None and Path(found).parent == directory:
        return ""
    near = os.path.relpath(directory)
    return shlex.quote(str(directory) if near.startswith("..") else near) + "/"
