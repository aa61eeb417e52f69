"""The daemon that a run talks to: our own or one at a URL, with the secret that signs the users' tokens."""

import argparse
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench import codec
from bench.client.dialogue import Address
from bench.client.phone import Phone, connect
from bench.codec import ENCODINGS, Encoding, Packet
from bench.frames import HandshakeError
from bench.server import Daemon, Unreachable, own_daemon

SECRET_VARIABLE = "CHATD_AUTH__SECRET"  # as the daemon reads it


@dataclass(frozen=True)
class Endpoint:
    """A daemon that answered, and how to reach it. `daemon` is there only when it is our own."""

    url: str
    secret: str
    encoding: Encoding
    daemon: Daemon | None

    async def dial(self) -> Phone:
        """A new connection that has not said hello. Raises OSError, TimeoutError, HandshakeError."""
        return await connect(Address.of(self.url), self.encoding)

    async def enter(self, user: str, device: str) -> Phone:
        """A connection whose hello was answered. Raises what `dial` raises, and Refused."""
        phone = await self.dial()
        await self.hello(phone, user, device)
        return phone

    async def hello(self, phone: Phone, user: str, device: str) -> Packet:
        """Say hello on a new connection, without a cursor. Raises Refused."""
        token = codec.token(user, self.secret)
        device = device.ljust(22, "-")
        return await phone.request({"type": "hello", "version": 1, "token": token, "device": device})


@asynccontextmanager
async def open_endpoint(options: argparse.Namespace) -> AsyncIterator[Endpoint]:
    """The daemon of the options, answering. Raises Unreachable, or ValueError for options that do not fit."""
    if options.secret_file is not None and not options.url:
        raise ValueError("--secret-file is the secret of a daemon at --url: that is missing")
    if not options.url:
        async with own_endpoint(options.encoding) as there:
            yield there
        return
    file = options.secret_file
    secret = file.read_text().strip() if file is not None else os.environ.get(SECRET_VARIABLE, "")
    if not secret:
        raise ValueError(f"--url needs the daemon's HS256 secret: --secret-file or ${SECRET_VARIABLE}")
    there = Endpoint(options.url, secret, ENCODINGS[options.encoding], None)
    try:
        phone = await there.dial()
    except (OSError, TimeoutError, HandshakeError, ssl.SSLError) as error:
        raise Unreachable(f"{there.url} does not answer: {str(error) or 'timed out'}") from error
    await phone.close()
    yield there


@asynccontextmanager
async def own_endpoint(encoding: str = "msgpack") -> AsyncIterator[Endpoint]:
    """A new daemon of our own. Raises Unreachable."""
    async with own_daemon() as daemon:
        yield Endpoint(daemon.url, daemon.secret, ENCODINGS[encoding], daemon)
