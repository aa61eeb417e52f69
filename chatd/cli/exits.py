"""The exit codes of all commands, and the exception that carries them."""

from enum import IntEnum

import click


class Exit(IntEnum):
    """Exit codes; scripts may rely on them."""

    OK = 0
    FAILURE = 1  # the action failed
    USAGE = 2  # the command line is wrong (click's own number)
    CONFIG = 3  # the configuration is wrong; restarting will not help
    UNREACHABLE = 4  # no server answers at that address


EXITS_HELP = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 wrong configuration, 4 server unreachable."


class Failure(click.ClickException):
    """The end of a command: the text goes to stderr, the code to the shell."""

    def __init__(self, text: str, code: Exit = Exit.FAILURE) -> None:
        super().__init__(text)
        self.code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override] # click reads it as an attribute of the class
        return self.code

    def show(self, file: object = None) -> None:
        for line in self.message.splitlines():
            click.echo(f"chatd: {line}", err=True)
