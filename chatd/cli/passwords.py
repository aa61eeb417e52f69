"""The input of passwords: at a prompt, from a file or from stdin, never from the command line."""

import asyncio
import sys

import click

from chatd.cli.exits import Failure
from chatd.config.files import read_secret

password_option = click.option(
    "--password-file", metavar="FILE", help="File with the password, private to you; - reads stdin."
)


def hashed(path: str | None) -> str:
    """Return the hash of a password from the file `path`, from stdin ("-") or typed twice; Failure if unusable."""
    from chatd.auth.passwords import Passwords
    from chatd.protocol.errors import Refused

    passwords = Passwords()
    try:
        return asyncio.run(passwords.hash(_password(path)))
    except Refused as error:
        raise Failure(error.message) from None
    finally:
        passwords.close()


def _password(path: str | None) -> str:
    if path == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if path is not None:
        return read_secret(path).reveal()
    if not sys.stdin.isatty():
        raise click.UsageError("no terminal to ask for a password: use --password-file FILE, or - for stdin")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt="Again")
    return typed
