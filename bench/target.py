"""Where a run goes: a daemon of our own or one at a URL, with the secret that signs the people's tokens."""

from __future__ import annotations

import argparse
import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench import tokens
from bench.codec import ENCODINGS, Encoding
from bench.frames import HandshakeError
from bench.phone import Address, Phone, connect
from bench.server import Daemon, Unreachable, own_daemon

HANDSHAKES_MAX = 16  # at a time: below `limits.unauthenticated_per_address`, 20
SECRET_VARIABLE = "CHATD_AUTH__SECRET"  # as the daemon reads it


class Target:
    """A daemon that answered, and how to reach it. `daemon` is there only when it is our own."""

    def __init__(self, url: str, secret: str, encoding: Encoding, daemon: Daemon | None) -> None:
        self.url = url
        self.encoding = encoding
        self.daemon = daemon
        self.secret = secret
        self._address = Address.of(url)
        self.handshakes = asyncio.Semaphore(HANDSHAKES_MAX)

    def token(self, user: str) -> str:
        """A token for one of the run's people."""
        return tokens.token(user, self.secret)

    async def dial(self) -> Phone:
        """A new connection that has not said hello. Raises OSError, TimeoutError, HandshakeError."""
        return await connect(self._address, self.encoding)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say where to and how."""
    parser.add_argument("--url", help="a running daemon, ws://host:port/v1/ws; without it one is started")
    parser.add_argument(
        "--secret-file", type=Path, help=f"its HS256 secret, with --url; default: ${SECRET_VARIABLE}"
    )
    add_encoding(parser)


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """How packets are encoded."""
    parser.add_argument("--encoding", choices=ENCODINGS, default="msgpack", help="the subprotocol")


@asynccontextmanager
async def open_target(options: argparse.Namespace) -> AsyncIterator[Target]:
    """The target of the options, answering. Raises Unreachable, or ValueError for options that do not fit."""
    if options.secret_file is not None and not options.url:
        raise ValueError("--secret-file is the secret of a daemon at --url: that is missing")
    if options.url:
        target = Target(options.url, _secret(options.secret_file), ENCODINGS[options.encoding], None)
        await _check(target)
        yield target
        return
    async with own_target(options.encoding) as target:
        yield target


@asynccontextmanager
async def own_target(encoding: str) -> AsyncIterator[Target]:
    """A new daemon of our own. Raises Unreachable."""
    async with own_daemon() as daemon:
        yield Target(daemon.url, daemon.secret, ENCODINGS[encoding], daemon)


def _secret(file: Path | None) -> str:
    secret = file.read_text().strip() if file is not None else os.environ.get(SECRET_VARIABLE, "")
    if not secret:
        raise ValueError(f"--url needs the daemon's HS256 secret: --secret-file or ${SECRET_VARIABLE}")
    return secret


async def _check(target: Target) -> None:
    try:
        phone = await target.dial()
    except (OSError, TimeoutError, HandshakeError, ssl.SSLError) as error:
        raise Unreachable(f"{target.url} does not answer: {str(error) or 'timed out'}") from error
    await phone.close()
