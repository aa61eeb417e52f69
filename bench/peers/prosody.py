"""Prosody as a peer: how it is configured and started; what is said to it stands in xmpp.py."""

from __future__ import annotations

from pathlib import Path

from bench.peers.xmpp import HOST, ROOMS

_CONFIGURATION = """
run_as_root = true
daemonize = false
pidfile = "{directory}/prosody.pid"
data_path = "{directory}"
log = {{ warn = "*console" }}
plugin_paths = {{ "{directory}" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports, s2s_ports, https_ports = {{}}, {{}}, {{}}
http_ports = {{ {port} }}
consider_websocket_secure = true
modules_enabled = {{ "saslauth", "websocket" }}
modules_disabled = {{ "s2s", "offline" }}
VirtualHost "{host}"
  authentication = "anonymous"
Component "{rooms}" "muc"
  modules_enabled = {{ "quiet" }}
  muc_room_locking = false
"""
# A thousand presences for each who joins are a million; other chats do not tell them, so they are left out here, too.
_QUIET = """
module:hook("muc-room-pre-create", function (event)
  event.room._data.presence_broadcast = {visitor = false, participant = false, moderator = false};
end);
"""


def arguments(directory: Path, port: int) -> tuple[str, ...]:
    """Writes the configuration; what the program is started with."""
    (directory / "mod_quiet.lua").write_text(_QUIET)
    file = directory / "prosody.cfg.lua"
    file.write_text(_CONFIGURATION.format(directory=directory, port=port, host=HOST, rooms=ROOMS))
    return ("--config", str(file), "-F")
