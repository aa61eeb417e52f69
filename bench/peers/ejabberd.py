"""ejabberd as a peer: how it is configured and started; what is said to it stands in xmpp.py.

Its own `ejabberdctl` changes the user, and leaves a port mapper behind: the runtime is started without it.
"""

from __future__ import annotations

from pathlib import Path

from bench.peers.xmpp import HOST, PATH, ROOMS

_LIBRARIES = "/usr/lib"  # where Debian has it: below the name of the architecture

# A thousand presences for each who joins are a million; other chats do not tell them, so they are left out here, too.
_CONFIGURATION = """
hosts: [{host}]
loglevel: warning
listen:
  - port: {port}
    ip: 127.0.0.1
    module: ejabberd_http
    request_handlers: {{{path}: ejabberd_http_ws}}
auth_method: [anonymous]
anonymous_protocol: sasl_anon
modules:
  mod_muc:
    host: {rooms}
    max_users: 100000
    default_room_options: {{max_users: 100000, presence_broadcast: []}}
"""


def arguments(directory: Path, port: int) -> tuple[str, ...]:
    """Writes the configuration; what the Erlang runtime is started with."""
    file = directory / "ejabberd.yml"
    file.write_text(_CONFIGURATION.format(port=port, path=PATH, host=HOST, rooms=ROOMS))
    environment = {
        "ERL_LIBS": str(_libraries()),
        "EJABBERD_CONFIG_PATH": str(file),
        "EJABBERD_LOG_PATH": str(directory / "ejabberd.log"),
        "HOME": str(directory),
    }
    variables = (word for name, value in environment.items() for word in ("-env", name, value))
    database = str(directory / "mnesia")
    one_core = ("+S", "1:1")  # schedulers, as many as it gets cores
    return (*one_core, "-noinput", *variables, "-mnesia", "dir", f'"{database}"', "-s", "ejabberd")


def _libraries() -> Path:
    """The folder that has `ejabberd-VERSION/ebin`; the runtime complains where there is none."""
    found = sorted(Path(_LIBRARIES).glob("*/ejabberd-*/ebin"))
    return found[-1].parents[1] if found else Path(_LIBRARIES)
