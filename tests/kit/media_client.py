"""Files over HTTP, as an app without a library sends and fetches them (protocol.md "Media")."""

import asyncio
from base64 import b64encode
from typing import Any

from tests.kit import http
from tests.kit.client import fresh_key

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"


class MediaClient:
    """The files of one user. `url`: as hello says; `token`: theirs, or a key of the API."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._bearer = {"Authorization": f"Bearer {token}"}

    async def begin(self, length: int | None, kind: str = "file", **metadata: str) -> http.Answer:
        """Begin an upload, whose length is told later where it is None."""
        fields = {"key": fresh_key(), "kind": kind} | metadata
        words = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in fields.items())
        said = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        return await self._ask("POST", "/v1/files", **said, **{"Upload-Metadata": words})

    async def append(self, file: str, data: bytes, offset: int = 0, **other: str) -> http.Answer:
        headers = {"Upload-Offset": str(offset), "Content-Type": BYTES, **other}
        return await self._ask("PATCH", f"/v1/files/{file}", data, **headers)

    async def head(self, file: str) -> http.Answer:
        return await self._ask("HEAD", f"/v1/files/{file}")

    async def drop(self, file: str) -> http.Answer:
        return await self._ask("DELETE", f"/v1/files/{file}")

    async def upload(self, data: bytes, kind: str = "file", **metadata: str) -> str:
        """Upload a file; return its id when it is ready."""
        begun = await self.begin(len(data), kind, **metadata)
        assert begun.status == 201, begun
        file = begun.headers["location"].rpartition("/")[2]
        await self.end(file, data)
        return file

    async def end(self, file: str, data: bytes, offset: int = 0, **other: str) -> None:
        """Append the rest of a file; return when it is ready, which on a busy machine is after the answer."""
        told = await self.append(file, data, offset, **other)
        assert told.status == 204, told
        while told.headers.get("chatd-file") == "inspecting":
            await asyncio.sleep(0.05)
            told = await self.head(file)
        assert told.headers.get("chatd-file") == "ready", told

    async def fetch(self, path: str, **headers: str) -> http.Answer:
        """Fetch what is behind /v1/media/."""
        return await self._ask("GET", f"/v1/media/{path}", **headers)

    async def _ask(self, method: str, path: str, content: Any = None, **headers: str) -> http.Answer:
        own = {**self._bearer, **(TUS if path.startswith("/v1/files") else {}), **headers}
        return await http.request(self.url + path, method, content=content, headers=own)


def attached(file: str, mime: str = "text/plain", **keys: Any) -> dict[str, Any]:
    """Return the body of a message with one file."""
    return {"attachments": [{"url": f"media:{file}", "mime": mime, **keys}]}
