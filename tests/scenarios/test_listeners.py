"""The sockets a daemon listens on: one for clients, one on loopback for operators, one file for the host app."""

import os
import re
import socket
import stat
from pathlib import Path

import pytest

from chatd.config.model import Config, several
from chatd.server.daemon import Daemon
from tests.kit import http
from tests.kit.daemon import DaemonProcess, config_for
from tests.kit.ip_stacks import needs_ipv6

LISTENING = "0A"  # the state of a socket in /proc/net/tcp
OPERATORS = ("/livez", "/readyz", "/metrics")
ADMINISTRATION = ("/v1/users", "/v1/users/alice", "/v1/keys", "/v1/audit", "/v1/console/links")

linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the kernel does not tell its sockets")


def inodes_of(pid: int) -> set[str]:
    """The sockets a process holds."""
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}


def bound(table: str, inodes: set[str]) -> list[tuple[str, str, str]]:
    """(address, port, state) of those sockets in a table of the kernel."""
    path = Path(f"/proc/net/{table}")
    fields = [line.split() for line in path.read_text().splitlines()[1:]] if path.exists() else []
    return [(*row[1].split(":"), row[3]) for row in fields if row[9] in inodes]


@linux
async def test_a_daemon_listens_on_two_loopback_ports_and_one_file(server: DaemonProcess) -> None:
    inodes = inodes_of(server.pid)
    tcp = [(address, int(port, 16)) for address, port, state in bound("tcp", inodes) if state == LISTENING]
    loopback = socket.inet_aton("127.0.0.1")[::-1].hex().upper()
    assert {address for address, _ in tcp} == {loopback}
    assert {port for _, port in tcp} == {
        int(url.rpartition(":")[2].split("/")[0]) for url in (server.http_url, server.ops_url)
    }
    for table in ("tcp6", "udp", "udp6", "raw"):
        assert bound(table, inodes) == []
    named = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if "/" in line]
    (admin,) = [name for name in named if name.startswith(str(server.directory))]
    assert admin == str(server.directory / "store" / "chatd.sock")
    assert stat.S_IMODE(os.stat(admin).st_mode) & 0o007 == 0  # a group may be let in, nobody else
    assert stat.S_IMODE(os.stat(Path(admin).parent).st_mode) & 0o077 == 0


def test_by_default_both_ports_are_on_loopback() -> None:
    listen = Config().listen
    for (address,) in (several(listen.address), several(listen.ops_address)):
        assert address.startswith("127.0.0.1:")


@needs_ipv6
async def test_a_daemon_serves_all_its_addresses(tmp_path: Path) -> None:
    both = ("127.0.0.1:0", "[::1]:0")
    daemon = Daemon(config_for(tmp_path, listen={"address": both, "ops_address": both}))
    await daemon.start()
    try:
        *public, old, new = daemon.addresses[:-1]
        for address in public:
            assert (await http.request(f"http://{address}/v1/health")).body == b"chatd\n"
        for address in (old, new):
            assert (await http.request(f"http://{address}/livez")).status == 200
        assert [address.rpartition(":")[0] for address in public] == ["127.0.0.1", "[::1]"]
    finally:
        await daemon.stop()


async def test_operators_and_administration_have_sockets_of_their_own(server: DaemonProcess) -> None:
    for method in ("GET", "POST"):
        for path in (*OPERATORS, *ADMINISTRATION, "/", "/docs", "/openapi.json", "/debug", "/v1/revoke"):
            answer = await http.request(
                server.http_url + path, method, content={} if method == "POST" else None
            )
            assert answer.status == 404, path
        for path in ADMINISTRATION:
            answer = await http.request(
                server.ops_url + path, method, content={} if method == "POST" else None
            )
            assert answer.status in (401, 405), path
