"""The API of the host for commands: over the admin socket of a running daemon, else on its database."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from chatd.cli.admin_socket import ask, is_served, socket_path, upload
from chatd.config.model import Config


class HostApi(Protocol):
    """The API of one server, whether it runs or not. Each call raises Failure when it is refused."""

    def ask(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        """Return the answer, from JSON. `content`: the query of a GET, or the body."""

    def upload(self, method: str, path: str, body: bytes) -> Iterator[Any]:
        """Yield the answer for each line of `body`, from JSON, or the one for all."""


class ServedApi:
    """The API of a running daemon, over its admin socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        if method == "GET":
            return ask(self._path, method, f"{path}?{urlencode(content)}")
        return ask(self._path, method, path, content)

    def upload(self, method: str, path: str, body: bytes) -> Iterator[Any]:
        return upload(self._path, method, path, body)


def api_of(config: Config, *, create: bool = False) -> HostApi:
    """Return the API of the server with this configuration.

    `create`: make a database where there is none. Else a call is a Failure then.
    """
    path = socket_path(config)
    if is_served(path):
        return ServedApi(path)
    from chatd.cli.stored_api import StoredApi

    return StoredApi(config, create=create)
