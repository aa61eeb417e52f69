"""Servers of files beside the daemon: nginx, and a loop in C that takes uploads; each a program of its own."""

import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from bench.peers.table import EXEC, found
from bench.server import Daemon, own_program

NGINX = found("nginx")
# One that finds the SHA-256 of OpenSSL.
COMPILER = (found("cc") or found("gcc") or found("clang")) if Path("/usr/include/openssl").exists() else None
RECEIVER = Path(__file__).parents[1] / "baselines" / "receive.c"
CONFIGURED = """daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
 client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
 server {{ listen 127.0.0.1:{port}; root .; }} }}
"""


@asynccontextmanager
async def servers(contents: Mapping[str, bytes]) -> AsyncIterator[dict[str, Daemon]]:
    """Start those that can be had: `nginx`, which serves these files, `recv`, and `kept`, which keeps each."""
    async with AsyncExitStack() as stack:
        wanted = {"nginx": partial(_nginx, contents)} if NGINX is not None else {}
        if COMPILER is not None:
            wanted |= {name: partial(_receiver, keep) for name, keep in (("recv", "0"), ("kept", "1"))}
        yield {
            name: await stack.enter_async_context(own_program(way, {}, "/")) for name, way in wanted.items()
        }


def _nginx(contents: Mapping[str, bytes], directory: Path, port: int) -> Sequence[str]:
    (directory / "nginx.conf").write_text(CONFIGURED.format(port=port))
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return ("-c", EXEC, str(NGINX), "-e", "stderr", "-p", str(directory), "-c", "nginx.conf")


def _receiver(keep: str, directory: Path, port: int) -> Sequence[str]:
    program = directory / "receive"
    subprocess.run([str(COMPILER), "-O2", "-o", str(program), str(RECEIVER), "-lcrypto"], check=True)
    return ("-c", EXEC, str(program), str(port), str(directory), keep)
