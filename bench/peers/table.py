"""Other servers beside the daemon: how each is spoken to, configured and started, and what it does not do."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import options, outcome
from bench.client.subscriber import payload
from bench.engine.record import Script
from bench.engine.relay import Protocol, Relay, RelayPlan
from bench.engine.run_state import Pacing
from bench.engine.workers import Plan
from bench.outcome import Played
from bench.server import Endpoint, own_program
from bench.wire import BINARY, ENCODINGS

SAID_BYTES = 300  # as much as the daemon's push of one message has
HOST, ROOMS = "localhost", "rooms.localhost"  # what an XMPP server is configured to be
XMPP_PATH = "/xmpp-websocket"

_LINE_END = b"\r\n"
_SOCKET_IO_PATH = "/socket.io/?EIO=4&transport=websocket"
_ROOM = f"room@{ROOMS}"
_OPEN = f"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{HOST}' version='1.0'/>".encode()
_AUTH = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>"
_BIND = (
    b"<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
)
_JOIN = (
    "<presence xmlns='jabber:client' to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'>"
    "<history maxstanzas='0'/></x></presence>"
)
_SAY = "<message xmlns='jabber:client' to='{room}' type='groupchat' id='{id}'><body>{body}</body></message>"


def message_end(content: bytes, at: int) -> int:
    r"""Where the line of NATS at `at` ends, with its payload; beyond the content while it is not whole.

    >>> message_end(b"PING\r\nMSG room 1 5\r\nhello\r\n", 0), message_end(b"PING\r\nMSG room 1 5\r\nhello\r\n", 6)
    (6, 27)
    """
    line_end = content.find(_LINE_END, at)
    if line_end < 0:
        return len(content) + 1
    if not content.startswith(b"MSG ", at):
        return line_end + 2
    return line_end + 2 + int(content[content.rindex(b" ", at, line_end) : line_end]) + 2


def line_end(content: bytes, at: int) -> int:
    r"""Where the line at `at` ends; beyond the content while it is not whole.

    >>> line_end(b"one\ntwo\n", 4), line_end(b"one\ntw", 4)
    (8, 7)
    """
    return (content.find(b"\n", at) + 1) or len(content) + 1


def _published(said: bytes, number: int) -> bytes:
    return b"PUB room %d\r\n%b\r\n" % (SAID_BYTES, said.ljust(SAID_BYTES, b"."))


def _after_line(frame: bytes) -> bytes:
    return frame[frame.index(_LINE_END) + 2 :]


def _event(said: bytes, number: int) -> bytes:
    return b'42["say","%b"]' % said.ljust(SAID_BYTES, b".")


def _argument(frame: bytes) -> bytes:
    return payload(frame).removeprefix(b'42["said","')


def _stanza(said: bytes, number: int) -> bytes:
    return _SAY.format(room=_ROOM, id=number, body=said.decode()).encode()


def _body(frame: bytes) -> bytes:
    return frame.partition(b"<body>")[2].partition(b"</body>")[0]


def _own_address(stanza: bytes) -> bytes:
    return stanza.partition(b"<jid>")[2].partition(b"</jid>")[0]


def _joining(awaited: bytes, stanza: bytes) -> bytes:
    """Bound to an address: join the room under its first part."""
    nick = _own_address(stanza).decode().partition("@")[0]
    return _JOIN.format(room=_ROOM, nick=nick).encode()


def _without_recipient(stanza: bytes, bound: bytes) -> bytes | None:
    """A message of the room as a line of the stream. Every stanza names its recipient: that is taken out."""
    if not (stanza.startswith(b"<message") and b"<body>" in stanza):
        return None
    return stanza.replace(_own_address(bound), b"") + b"\n"


def _trigger(said: bytes, number: int) -> bytes:
    return b"A"


# NATS keeps the order of each connection only. All sends in flight go over one, so that all subscribers receive the
# same bytes and can be held to them; it is also what NATS is quickest at. Its answer to PING tells that all is taken.
NATS = Protocol(
    _published,
    _after_line,
    raw=True,
    opening=b'CONNECT {"verbose":false,"pedantic":false,"echo":false}\r\nSUB room 1\r\nPING\r\n',
    steps=((b"PONG\r\n", b""),),
    frame_end=message_end,
    begins=b"MSG ",
    answers={b"PING": b"PONG\r\n"},
    complaint=b"-ERR",
)
# Engine.IO 4 and Socket.IO 5: open, ping, pong, connect, event are 0, 2, 3, 40, 42.
SOCKET_IO = Protocol(
    _event,
    _argument,
    subprotocol="",
    path=f"{_SOCKET_IO_PATH}&listens=1",
    author_path=_SOCKET_IO_PATH,
    steps=((b"0", b"40"), (b"40", b"")),
    begins=b"42",
    answers={b"2": b"3"},
)
# XMPP: anonymous people in one group chat (XEP-0045) over WebSocket (RFC 7395). The presence with the status 110
# (XEP-0045, 15.6.2) is one's own, and the last of those who are there.
XMPP = Protocol(
    _stanza,
    _body,
    subprotocol="xmpp",
    opening=_OPEN,
    steps=((b"features", _AUTH), (b"<success", _OPEN), (b"features", _BIND), (b"<jid>", None), (b"110", b"")),
    frame_end=line_end,
    greets=_joining,
    reads=_without_recipient,
)
# The floors: one prebuilt frame for everybody, whoever asks for it. The first greets: the kernel connects earlier.
PUSH = Protocol(_trigger, _body, raw=True, steps=((b"+", b""),), opcode=BINARY, prebuilt=True)
BROADCAST = Protocol(_trigger, _body, opcode=BINARY, prebuilt=True)


SOCKET_IO_SERVER = Path(__file__).with_name("socketio.js")
LIBRARIES = Path("/usr/lib")  # where Debian has ejabberd: below the name of the architecture
_SBIN = ("/usr/sbin", "/usr/local/sbin")  # where packages put servers, and the path of a user does not look
EXEC = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"  # Python programs are started
_ASK_S = 20.0  # for a package manager to say where its modules are
_XMPP_DOES_NOT = (
    "store a message before it is shown, acknowledge it otherwise than by its echo, "
    "number it; replay is XEP-0313"
)


@dataclass(frozen=True)
class Peer:
    """One server. `install` is how to get it on Debian.

    `name` must be on the path, and `module`, of node, installed. `files` are written into its directory, and `start`
    are its arguments; both have {directory}, {port} and {libraries} filled in.
    """

    title: str
    install: str
    does_not: str
    name: str
    protocol: Protocol
    start: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    path: str = "/"
    module: str = ""
    runtime: str = ""  # started in its place, where it is no more than a wrapper

    @property
    def present(self) -> bool:
        return found(self.name) is not None and (not self.module or _has_module(self.module))

    def arguments(self, directory: Path, port: int) -> Sequence[str]:
        # The folder that has `ejabberd-VERSION/ebin`; the runtime complains where there is none.
        libraries = [ebin.parents[1] for ebin in sorted(LIBRARIES.glob("*/ejabberd-*/ebin"))] or [LIBRARIES]
        places = {"directory": str(directory), "port": str(port), "libraries": str(libraries[-1])}
        for name, content in self.files.items():
            (directory / name).write_text(_filled(content, places))
        binary = found(self.runtime or self.name)
        assert binary is not None
        return ("-c", EXEC, binary, *(_filled(word, places) for word in self.start))

    async def play(self, script: Script, pacing: Pacing, members: int, senders: int) -> Played:
        """A fan-out on a server of its own. Raises Unreachable."""
        environment = {name: value() for name, value in self.environment.items()}
        async with own_program(self.arguments, environment, self.path) as program:
            there = Endpoint(program.url, "", ENCODINGS["json"], program)
            crowd = RelayPlan(members, senders, self.protocol)
            plan = Plan(Relay, options.access(there, members), script, pacing, crowd)
            return await outcome.play(f"peer {self.name}", plan, there)


def found(program: str) -> str | None:
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *_SBIN)))


def node_modules() -> str:
    """Where node finds modules: those of the working directory, and those installed for everybody."""
    npm, everybody = found("npm"), ""
    if npm is not None:
        asked = [npm, "root", "-g"]
        told = subprocess.run(asked, capture_output=True, text=True, timeout=_ASK_S, check=False)
        everybody = told.stdout.strip()
    places = (os.environ.get("NODE_PATH"), str(Path("node_modules").absolute()), everybody)
    return os.pathsep.join(filter(None, places))


def _has_module(module: str) -> bool:
    node = found("node")
    assert node is not None
    environment = {**os.environ, "NODE_PATH": node_modules()}
    asked = [node, "-e", f"require.resolve('{module}')"]
    ran = subprocess.run(asked, env=environment, capture_output=True, timeout=_ASK_S, check=False)
    return ran.returncode == 0


def _filled(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace(f"{{{name}}}", value)
    return text


# A thousand presences for each who joins are a million; other chats do not tell them, so they are left out of both.
_PROSODY = f"""
run_as_root = true
daemonize = false
pidfile = "{{directory}}/prosody.pid"
data_path = "{{directory}}"
log = {{ warn = "*console" }}
plugin_paths = {{ "{{directory}}" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports, s2s_ports, https_ports = {{}}, {{}}, {{}}
http_ports = {{ {{port}} }}
consider_websocket_secure = true
modules_enabled = {{ "saslauth", "websocket" }}
modules_disabled = {{ "s2s", "offline" }}
VirtualHost "{HOST}"
  authentication = "anonymous"
Component "{ROOMS}" "muc"
  modules_enabled = {{ "quiet" }}
  muc_room_locking = false
"""
_PROSODY_QUIET = """
module:hook("muc-room-pre-create", function (event)
  event.room._data.presence_broadcast = {visitor = false, participant = false, moderator = false};
end);
"""
_EJABBERD = f"""
hosts: [{HOST}]
loglevel: warning
listen:
  - port: {{port}}
    ip: 127.0.0.1
    module: ejabberd_http
    request_handlers: {{{XMPP_PATH}: ejabberd_http_ws}}
auth_method: [anonymous]
anonymous_protocol: sasl_anon
modules:
  mod_muc:
    host: {ROOMS}
    max_users: 100000
    default_room_options: {{max_users: 100000, presence_broadcast: []}}
"""
# One scheduler: as many as it gets cores. Its own `ejabberdctl` changes the user, and leaves a port mapper behind.
_EJABBERD_START = """+S 1:1 -noinput -env ERL_LIBS {libraries} -env EJABBERD_CONFIG_PATH {directory}/ejabberd.yml
-env EJABBERD_LOG_PATH {directory}/ejabberd.log -env HOME {directory} -mnesia dir "{directory}/mnesia" -s ejabberd"""

PEERS: dict[str, Peer] = {
    "nats-server": Peer(
        "nats-server, its own protocol",
        "apt-get install nats-server",
        "store, acknowledge, number or replay messages, order those of several senders, know members",
        "nats-server",
        NATS,
        ("-a", "127.0.0.1", "-p", "{port}"),
    ),
    "socket.io": Peer(
        "Socket.IO on node, an event to a room",
        "apt-get install nodejs npm, npm install socket.io (in the working directory, or -g)",
        "store, number or replay messages, know members; acknowledge before anybody has it, unless asked",
        "node",
        SOCKET_IO,
        (str(SOCKET_IO_SERVER),),
        environment={"PORT": lambda: "{port}", "NODE_PATH": node_modules},
        module="socket.io",
    ),
    "prosody": Peer(
        "Prosody, group chat over WebSocket",
        "apt-get install prosody",
        _XMPP_DOES_NOT,
        "prosody",
        XMPP,
        ("--config", "{directory}/prosody.cfg.lua", "-F"),
        {"prosody.cfg.lua": _PROSODY, "mod_quiet.lua": _PROSODY_QUIET},
        path=XMPP_PATH,
    ),
    "ejabberd": Peer(
        "ejabberd, group chat over WebSocket",
        "apt-get install ejabberd",
        _XMPP_DOES_NOT,
        "ejabberdctl",
        XMPP,
        _EJABBERD_START.split(),
        {"ejabberd.yml": _EJABBERD},
        path=XMPP_PATH,
        runtime="erl",
    ),
}
