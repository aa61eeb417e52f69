"""A real server for fault runs: one that is there, or a process that can be killed and started again."""

import asyncio
import hashlib
import hmac
import json
import os
import shlex
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from .codec import base64url

START_S = 60.0
"""Longest start: it takes a third of a second, on a busy machine more."""

TOKEN_S = 3600
POLL_S = 0.05


class DaemonError(Exception):
    """The server cannot be started, or does not answer."""


class Daemon:
    """A server at `url`. `command`: how it is started; None: it runs, and cannot be killed."""

    def __init__(
        self, url: str, secret: str, command: str | None = None, env: dict[str, str] | None = None
    ) -> None:
        self.url = url
        self._secret = secret
        self._command = command
        self._env = {**os.environ, **(env or {})}
        self._process: asyncio.subprocess.Process | None = None

    @classmethod
    def own(cls, directory: Path) -> "Daemon":
        """Return the server of this installation, on a free port, with its data in `directory`."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        secret = base64url(os.urandom(32))
        env = {
            "CHATD_LISTEN__ADDRESS": f"127.0.0.1:{port}",
            "CHATD_LISTEN__OPS_ADDRESS": "127.0.0.1:0",
            "CHATD_STORAGE__DIRECTORY": str(directory),
            "CHATD_AUTH__SECRET": secret,
            "CHATD_PEOPLE__ENABLED": "true",
            # Clients that are cut again and again would wait for minutes.
            "CHATD_RATES__ENABLED": "false",
            "CHATD_LOG__LEVEL": "error",
        }
        return cls(
            f"ws://127.0.0.1:{port}/v1/ws", secret, f"{shlex.quote(sys.executable)} -m chatd serve", env
        )

    @property
    def killable(self) -> bool:
        """Whether it can be killed."""
        return self._command is not None

    async def start(self) -> None:
        """Start it, when it is ours to start, and wait until it answers. Raises DaemonError."""
        if self._command is not None:
            self._process = await asyncio.create_subprocess_exec(
                *shlex.split(self._command), env=self._env, start_new_session=True
            )
        deadline = time.monotonic() + START_S
        while not await self._healthy():
            if self._process is not None and self._process.returncode is not None:
                raise DaemonError(f"{self._command} ended with {self._process.returncode}")
            if time.monotonic() > deadline:
                raise DaemonError(f"{self.url} does not answer")
            await asyncio.sleep(POLL_S)

    async def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            self._process = None

    def token(self, user: str) -> str:
        """Return a token of a user, signed with the shared secret (RFC 7515; protocol.md, "auth, token_expiring")."""
        now = int(time.time())
        claims = {"sub": user, "aud": "chatd", "iat": now, "exp": now + TOKEN_S}
        head = base64url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        signed = f"{head}.{base64url(json.dumps(claims).encode())}"
        digest = hmac.new(self._secret.encode(), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64url(digest)}"

    async def _healthy(self) -> bool:
        parts = urlsplit(self.url)
        secure = parts.scheme == "wss"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(host, port, ssl=True if secure else None)
                writer.write(
                    f"GET /v1/health HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
                )
                answer = await reader.read()
                writer.close()
        except (OSError, TimeoutError):
            return False
        return answer.endswith(b"chatd\n")
