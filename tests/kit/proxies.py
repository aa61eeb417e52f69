"""nginx and Caddy in front of a daemon, with the snippets of the documents, where they are installed."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.kit.daemon import START_S

NGINX = shutil.which("nginx", path=os.defpath + ":/usr/sbin:/usr/local/sbin")
CADDY = shutil.which("caddy")
_HTTP_SECTION = """
daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
events {{ worker_connections 64; }}
http {{ access_log off; {temporary} {snippet} }}
"""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@asynccontextmanager
async def nginx(port: int, directory: Path, snippet: str) -> AsyncIterator[None]:
    """Run nginx with this content of its section `http`, which listens on `port`, around the block."""
    temporary = " ".join(f"{name}_temp_path {directory}/{name};" for name in _TEMPORARY)
    conf = directory / "nginx.conf"
    conf.write_text(_HTTP_SECTION.format(directory=directory, temporary=temporary, snippet=snippet))
    async with _running(port, str(NGINX), "-p", str(directory), "-c", str(conf)):
        yield


@asynccontextmanager
async def caddy(port: int, directory: Path, snippet: str) -> AsyncIterator[None]:
    """Run Caddy with these sites, one of which listens on `port`, around the block."""
    if await _is_old():
        snippet = re.sub(r"^\s*stream_.*\n", "", snippet, flags=re.MULTILINE)
    conf = directory / "Caddyfile"
    conf.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + snippet)
    async with _running(port, str(CADDY), "run", "--adapter", "caddyfile", "--config", str(conf)):
        yield


@asynccontextmanager
async def _running(port: int, *command: str) -> AsyncIterator[None]:
    """Run a program that listens on `port`, until the block ends."""
    running = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(START_S):
            while not await _listens(port):
                if running.returncode is not None and running.stderr is not None:
                    raise AssertionError((await running.stderr.read()).decode())
                await asyncio.sleep(0.02)
        yield
    finally:
        if running.returncode is None:
            running.terminate()
        await running.communicate()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _is_old() -> bool:
    """Return whether this Caddy is before 2.7, which brought the `stream_` settings."""
    asked = await asyncio.create_subprocess_exec(str(CADDY), "version", stdout=asyncio.subprocess.PIPE)
    said, _ = await asked.communicate()
    major, minor = re.findall(r"\d+", said.decode())[:2]
    return (int(major), int(minor)) < (2, 7)
