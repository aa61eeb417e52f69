"""The contract of an engine: where whole files lie (docs/media.md)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Objects(Protocol):
    """Stored bytes by name. A name is given once, and its bytes never change."""

    async def prepare(self) -> None:
        """Make ready what the engine needs. Raises OSError."""

    async def put(self, name: str, source: Path, digest: bytes = b"") -> None:
        """Return when the file is an object, whatever happens from now on; `source` is gone. Raises OSError.

        `digest`: its SHA-256 where that is known.
        """

    async def size(self, name: str) -> int | None:
        """Return its bytes, None where there is none of this name. Raises OSError."""

    async def digest(self, name: str) -> bytes:
        """Return its SHA-256. Raises OSError."""

    async def delete(self, names: Sequence[str]) -> None:
        """Return when these are gone for good, which they are not while a backup is made. Raises OSError."""
