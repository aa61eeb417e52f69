"""The errors of a start of the daemon, as texts and exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager

from chatd.auth.keys import BadKey
from chatd.cli.exits import Exit, Failure
from chatd.http.sockets import ListenError
from chatd.storage.sqlite.errors import StoreError


@contextmanager
def start_explained() -> Iterator[None]:
    """Turn a refused start into a Failure; anything else is a defect and keeps its traceback."""
    try:
        yield
    except BadKey as error:
        raise Failure(str(error), Exit.CONFIG) from None
    except StoreError as error:
        raise Failure(str(error), Exit.CONFIG if error.kind == "unsafe" else Exit.FAILURE) from None
    except ListenError as error:
        raise Failure(str(error)) from None
