"""`chatd chat`: a conversation in the terminal."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from chatd.cli.exits import Exit, Failure
from chatd.cli.options import with_configuration
from chatd.config.addresses import split_address
from chatd.config.first_secret import secret_of, with_first_secret
from chatd.config.loading import Loaded
from chatd.config.model import Config, several

CONNECT_S = 5.0  # enough for three attempts
TOKEN_S = 3600  # seconds of a token made here; a new one is made when it ends

if TYPE_CHECKING:  # rich and the client take 0.2 s to import, too long for `chatd chat --help`
    from chatd.cli.chat.conversation import Conversation
    from chatd.cli.chat.screen import Screen
    from chatd.client import Change, ChangeStream, Client

GetToken = Callable[[], Awaitable[str]]


@click.command(
    epilog="""\b
Examples:
  chatd chat --as bob --with alice
  chatd chat --as alice --room g4fKz81QwXe2
  CHATD_TOKEN=... chatd chat --with alice --url wss://chat.example/v1/ws
  echo "The backup is done" | chatd chat --as ops --with alice

Type /help inside. Without --token it signs a token itself, with the secret of the server on this machine."""
)
@click.option("--as", "user", metavar="USER", help="Your user id; not needed with --token.")
@click.option("--with", "peer", metavar="USER", help="The user to chat with.")
@click.option("--room", metavar="ID", help="A room instead of one user.")
@click.option(
    "--url", envvar="CHATD_URL", metavar="URL", help="Address of the server; else the configured one."
)
@click.option(
    "--token", envvar="CHATD_TOKEN", metavar="TOKEN", help="Better in the environment: CHATD_TOKEN."
)
@with_configuration
def chat(loaded: Loaded, user: str | None, url: str | None, token: str | None, **place: str | None) -> None:
    """Chat in the terminal, or through pipes.

    Messages show their number (#17), the prompt shows the state of your last one (✓ stored, ✓✓ delivered,
    ✓✓ read) and who is typing. A lost connection is restored automatically.
    """
    peer, room = place["peer"], place["room"]
    if bool(peer) == bool(room):
        raise click.UsageError("give either --with USER or --room ID")
    if not token and not user:
        raise click.UsageError("give --as USER, or a token")
    get_token = _given(token) if token else _minted(loaded.config, user or "")
    # The conversation itself reports lost connections.
    logging.getLogger("chatd.client").setLevel(logging.ERROR)
    try:
        asyncio.run(_talk(url or url_of(loaded.config), get_token, peer, room))
    except KeyboardInterrupt:
        return


def url_of(config: Config) -> str:
    """Return the URL of the server with this configuration, as seen from this machine."""
    host, port = split_address(several(config.listen.address)[0])
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 recognised, not bound
    scheme = "wss" if config.listen.tls_cert else "ws"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1/ws"


def _given(token: str) -> GetToken:
    left = [token]

    async def get_token() -> str:
        from chatd.client import TokenRejected

        if not left:  # the only token was refused
            raise TokenRejected
        return left.pop()

    return get_token


def _minted(config: Config, user: str) -> GetToken:
    from chatd.auth.tokens import Tokens

    config = with_first_secret(config, create=False)
    secret_of(config)
    tokens = Tokens(config.auth, lambda kid: None)
    ttl_s = min(TOKEN_S, config.auth.token_lifetime_max_s)

    async def get_token() -> str:
        return tokens.mint(user, ttl_s, time.time())

    try:
        tokens.mint(user, ttl_s, time.time())
    except ValueError as error:
        raise click.UsageError(f"no token for {user!r}: {error}") from None
    return get_token


async def _talk(url: str, get_token: GetToken, peer: str | None, room: str | None) -> None:
    from chatd.cli.chat.conversation import Conversation
    from chatd.cli.chat.screen import standard_screen
    from chatd.client import ChatError, Client, Closed, Settings, Unreachable

    try:
        client = Client(url, get_token, settings=Settings(app="chatd chat"))
    except ValueError as error:
        raise click.UsageError(f"{error}. It looks like ws://127.0.0.1:8470/v1/ws") from None
    try:
        await client.connect(CONNECT_S)
        place = await client.direct(peer) if peer else client.room(room or "")
        if room:
            await place.refresh()
        screen = standard_screen()
        conversation = Conversation(client, place, screen)
        await _begin(client, conversation)
        await _converse(conversation, screen, client.changes())
    except (Unreachable, Closed) as error:
        from chatd.cli.chat.connecting import no_connection

        raise no_connection(url, error) from None
    except ChatError as error:
        raise Failure(f"not possible: {error}") from None
    finally:
        await client.close()


async def _begin(client: "Client", conversation: "Conversation") -> None:
    """Show the history, and messages that arrived while it was fetched."""
    from chatd.client import MessageAdded

    early: list[Change] = []
    unsubscribe = client.subscribe(early.append)
    await conversation.begin()
    unsubscribe()
    for change in early:
        if isinstance(change, MessageAdded):
            conversation.take(change)


async def _converse(conversation: "Conversation", screen: "Screen", changes: "ChangeStream") -> None:
    """Show changes and read lines concurrently, until one of them ends."""
    from chatd.client import Phase

    async def show() -> None:
        async for change in changes:
            conversation.take(change)
            if conversation.gone or getattr(change, "phase", None) is Phase.STOPPED:
                return

    async def type_lines() -> None:
        async for line in screen.lines():
            await conversation.enter(line)
            if conversation.quitting:
                break
        await conversation.wait_settled()

    showing, typing = asyncio.create_task(show()), asyncio.create_task(type_lines())
    try:
        await asyncio.wait((showing, typing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (showing, typing):
            task.cancel()
        await asyncio.gather(showing, typing, return_exceptions=True)
    for task in (showing, typing):
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error  # the output was closed, for example
    conversation.return_unsent()
    if conversation.unsent:
        raise Failure("not everything was sent: no connection", Exit.UNREACHABLE)
    if typing.cancelled():
        raise Failure("the server ended the conversation")
    if screen.is_script and conversation.complaints:
        raise Failure(f"{conversation.complaints} of the lines could not be carried out")
