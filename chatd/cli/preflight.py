"""Checks before a start: key files, certificates, addresses in use."""

import errno
import ssl
from collections.abc import Mapping
from pathlib import Path

from chatd.cli.exits import Failure
from chatd.config.addresses import split_address
from chatd.config.files import require_private
from chatd.config.model import Config, several
from chatd.config.problems import ConfigError, Problem
from chatd.config.reloadable import replaced
from chatd.http.sockets import ListenError, bound_sockets, shown_host
from chatd.push.settings import push_problems
from chatd.server.systemd import is_activated
from chatd.webhooks.settings import hook_problems


def file_problems(config: Config) -> list[Problem]:
    """Return the problems of the files of a configuration: keys, certificates, secrets of hooks and of push."""
    return [
        *_key_problems(config),
        *_certificate_problems(config),
        *hook_problems(config),
        *push_problems(config),
    ]


def require_free(config: Config) -> None:
    """Raise Failure when an address is in use, with the process that has it where the system tells.

    The public addresses are not checked when the service manager opened the sockets for this process.
    """
    public = () if is_activated() else several(config.listen.address)
    listen = config.listen
    own = {
        "address": public,
        "ops_address": several(listen.ops_address),
        "api_address": several(listen.api_address),
    }
    for key, addresses in own.items():
        for address in addresses:
            _require_free(f"listen.{key}", *split_address(address))
    if config.media.enabled:
        _require_free("media.address", *split_address(config.media.address))


def _require_free(key: str, host: str, port: int) -> None:
    try:
        for bound in bound_sockets(f"{shown_host(host)}:{port}"):  # as the daemon binds
            bound.close()
    except ListenError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise Failure(_taken(key, host, port, error.__cause__)) from None


def _taken(key: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        owner = owner_of(port)
        by = f" by {owner}" if owner else ""
        return (
            f"port {port} is in use{by}. Stop it, or choose another port: "
            f"--port N (dev) or --set {key}={shown_host(host)}:N"
        )
    if error.errno == errno.EACCES:
        return f"port {port} is not allowed for this user. Choose one above 1023."
    return f"cannot listen on {shown_host(host)}:{port}: {error.strerror or error}. Change {key}."


def owner_of(port: int) -> str:
    """Return name and pid of the process that listens on a local TCP port, if this user may see it; else ""."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return ""
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            held = str(entry.readlink())
        except OSError:  # the process ended, or belongs to another user
            continue
        if held in sockets:
            pid = entry.parts[2]
            name = Path("/proc", pid, "comm").read_text().strip()
            return f"{name} (pid {pid})"
    return ""


def _listening(port: int) -> list[str]:
    """Return the inodes of sockets that listen on `port`, from /proc/net/tcp, see proc(5)."""
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            local, _, state, *rest = row.split()[1:]
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                inodes.append(rest[5])
    return inodes


def _key_problems(config: Config) -> list[Problem]:
    # The library cryptography takes a while to import.
    from chatd.auth.keys import BadKey, configured_keys

    parts: list[Mapping[str, object]] = [{"auth.keys": ()}]
    parts += ({"auth.jwks_file": "", "auth.keys": (key,)} for key in config.auth.keys)
    found = []
    for part in parts:
        try:
            configured_keys(replaced(config, part).auth)
        except BadKey as error:
            found.append(Problem("", str(error), "Change auth.keys or auth.jwks_file."))
    return found


def _certificate_problems(config: Config) -> list[Problem]:
    listen = config.listen
    if not listen.tls_cert:
        return []
    try:
        require_private(listen.tls_key)
        # Without `password` OpenSSL would ask for one on the terminal, which a daemon does not have.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(listen.tls_cert, listen.tls_key, password=lambda: "")
    except ConfigError as error:
        return list(error.problems)
    except OSError as error:  # ssl.SSLError is one
        what = f"{listen.tls_cert} with {listen.tls_key} cannot be used: {error.strerror or error}"
        return [Problem("", what, "Both must be PEM, without password, and belong together.")]
    return []
