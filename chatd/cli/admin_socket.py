"""The admin socket of a running daemon, as commands use it."""

import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, BinaryIO

from chatd.cli.exits import Exit, Failure
from chatd.config.model import Config

ANSWER_S = 30.0  # a daemon under load answers in one second; nobody waits longer at a prompt


def socket_path(config: Config) -> Path:
    """Return the path of the admin socket of the server with this configuration."""
    return Path(config.storage.directory) / "chatd.sock"


def is_served(path: Path) -> bool:
    """Whether a daemon listens on this socket, which this user may open."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def ask(path: Path, method: str, route: str, content: Mapping[str, Any] | None = None) -> Any:
    """Return the answer of the daemon, from JSON; Failure when it refuses, or does not answer."""
    connection = UnixConnection(path)
    try:
        connection.request(method, route, None if content is None else json.dumps(content))
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as error:
        raise Failure(f"the daemon did not answer on {path}: {error}") from None
    finally:
        connection.close()
    if response.status != 200:
        raise Failure(answer.get("detail") or answer.get("title", "refused"))
    return answer


def upload(path: Path, method: str, route: str, body: bytes) -> Iterator[Any]:
    """Yield the answer for each line of `body`, from JSON; Failure when the daemon refuses, or does not answer."""
    connection = UnixConnection(path)
    try:
        connection.request(method, route, body)
        response = connection.getresponse()
        if response.status != 200:
            answer = json.loads(response.read())
            raise Failure(answer.get("detail") or answer.get("title", "refused"))
        yield from map(json.loads, response)
    except (OSError, HTTPException, ValueError) as error:
        raise Failure(f"the daemon did not answer on {path}: {error}") from None
    finally:
        connection.close()


def download(path: Path, route: str, file: BinaryIO) -> None:
    """Write the file that a route sends into `file`; Failure when the daemon refuses, or does not answer."""
    connection = UnixConnection(path)
    try:
        connection.request("GET", route)
        response = connection.getresponse()
        if response.status != 200:
            answer = json.loads(response.read())
            raise Failure(answer.get("detail") or answer.get("title", "refused"))
        shutil.copyfileobj(response, file)
    except (OSError, HTTPException, ValueError) as error:
        raise Failure(f"the daemon did not answer on {path}: {error}") from None
    finally:
        connection.close()


def require_served(config: Config) -> Path:
    """Return the path of the admin socket; Failure when no daemon answers there."""
    path = socket_path(config)
    if not is_served(path):
        raise Failure(
            f"no daemon answers on {path}. Start it, or name its --config or --data", Exit.UNREACHABLE
        )
    return path


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
