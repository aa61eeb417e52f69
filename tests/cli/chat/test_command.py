"""`chatd chat` against a running server, through pipes."""

import contextlib
import os
import shlex
import socket
import ssl
import subprocess
import sys
import threading
from subprocess import PIPE

import jwt
import pytest

from bench.machine import free_ports
from chatd.cli.chat.command import url_of
from chatd.cli.chat.connecting import no_connection
from chatd.client import Closed
from chatd.config.model import Config, Listen
from tests.cli.conftest import Server
from tests.kit.certificates import write_certificate


def chat(server, user, *arguments, typed=""):
    return server.chatd("chat", "--as", user, "--url", server.url, *arguments, input=typed)


def test_what_one_writes_the_other_reads(server):
    sent = chat(server, "carol", "--with", "dave", typed="Hello Dave\nHow are you?\n")
    assert sent.returncode == 0, sent.stderr
    assert "carol: Hello Dave" in sent.stdout
    received = chat(server, "dave", "--with", "carol")
    *lines, note = received.stdout.splitlines()
    assert [line.partition("#")[2] for line in lines] == ["2 carol: Hello Dave", "3 carol: How are you?"]
    assert note == "-- carol wrote to you and is no friend of yours: /accept, /decline, or answer"


def befriend(server, one, other):
    """Make two users friends, who may do in their room what strangers may not."""
    for user, peer in ((one, other), (other, one)):
        assert chat(server, user, "--with", peer, typed=f"/friend {peer}\n").returncode == 0


def test_a_file_is_sent_named_and_saved(server, tmp_path):
    befriend(server, "fay", "gus")
    (tmp_path / "notes.bin").write_bytes(bytes(range(256)) * 1200)
    sent = chat(server, "fay", "--with", "gus", typed=f"/send {tmp_path}/notes.bin My notes\n")
    assert sent.returncode == 0, sent.stderr
    (tmp_path / "saved").mkdir()
    saved = chat(server, "gus", "--with", "fay", typed=f"/save {tmp_path}/saved\n")
    assert saved.returncode == 0, saved.stderr
    assert "fay: My notes [file notes.bin 307 KB]" in saved.stdout
    assert (tmp_path / "saved" / "notes.bin").read_bytes() == bytes(range(256)) * 1200


def test_messages_can_be_edited_recalled_and_reacted_to(server):
    befriend(server, "erin", "frank")
    chat(server, "erin", "--with", "frank", typed="One\nTwo\n/edit #2 Uno\n/recall #3\n")
    received = chat(server, "frank", "--with", "erin", typed="/react #2 🎉\n")
    assert "#2 erin: Uno (edited)" in received.stdout
    assert "#3 erin: message recalled" in received.stdout
    assert "#2 🎉" in chat(server, "erin", "--with", "frank").stdout.replace("erin: Uno (edited)  ", "")


def test_no_escape_sequence_reaches_a_pipe(server):
    chat(server, "grace", "--with", "heidi", typed="\x1b[2Jboo\x07\n")
    received = chat(server, "heidi", "--with", "grace")
    assert "grace: ?[2Jboo?" in received.stdout
    assert "\x1b" not in received.stdout


def test_a_token_is_enough(server):
    token = server.chatd("token", "ivan").stdout.strip()
    result = server.chatd("chat", "--with", "judy", "--url", server.url, "--token", token, input="By token\n")
    assert result.returncode == 0, result.stderr
    assert "ivan: By token" in result.stdout


def test_a_refused_token_is_told(server):
    result = server.chatd("chat", "--with", "judy", "--url", server.url, "--token", "nonsense", input="")
    assert result.returncode == 1
    assert "token_invalid" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_room_one_is_not_in_is_told(server):
    result = chat(server, "mallory", "--room", "g00000000000")
    assert result.returncode == 1
    assert "not possible: not_" in result.stderr


def test_what_is_refused_reaches_stderr_and_the_exit_code(server):
    befriend(server, "niaj", "olivia")
    result = chat(server, "niaj", "--with", "olivia", typed="One\n/fly\n/edit #999 x\n")
    assert result.returncode == 1
    assert "niaj: One" in result.stdout
    complaints = result.stderr.splitlines()
    assert complaints[0] == "chatd: there is no command /fly; see /help"
    assert complaints[1].startswith("chatd: not done: not_found")
    assert complaints[2] == "chatd: 2 of the lines could not be carried out"


def raw(server, *arguments, typed, environment=None, close=()):
    """`chatd chat` fed with bytes, with descriptors `close` closed."""
    command = shlex.join([sys.executable, "-m", "chatd", "chat", "--url", server.url, *arguments])
    closed = " ".join(f"{number}>&-" for number in close)
    return subprocess.run(
        ["sh", "-c", f"{command} {closed}"], input=typed, capture_output=True, timeout=240,
        cwd=server.directory, env={**os.environ, **(environment or {})},
    )  # fmt: skip


def test_a_locale_without_emoji_shows_question_marks(server):
    chat(server, "peggy", "--with", "quinn", typed="👋 Grüße\n")
    latin = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    result = raw(server, "--as", "quinn", "--with", "peggy", typed=b"", environment=latin)
    assert result.returncode == 0, result.stderr
    assert "peggy: ? Grüße".encode("latin-1") in result.stdout


def test_bytes_that_are_no_text_cost_their_line_only(server):
    result = raw(server, "--as", "rupert", "--with", "sybil", typed=b"One\nTw\xff\nThree\n")
    assert result.returncode == 1
    assert b"chatd: not sent, because it is not valid text: Tw?" in result.stderr
    assert [line.split(": ")[1] for line in result.stdout.decode().splitlines()] == ["One", "Three"]


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_a_closed_descriptor_ends_nothing(server, descriptor):
    result = raw(server, "--as", "trent", "--with", "uma", typed=b"Hello\n", close=[descriptor])
    assert (result.returncode, result.stderr) == (0, b"")


def test_with_the_server_gone_it_ends_and_returns_what_was_not_sent(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("s"))
    command = [sys.executable, "-m", "chatd", "chat", "--as", "alice", "--with", "bob", "--url", server.url]
    program = subprocess.Popen(
        command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True, cwd=server.directory
    )  # fmt: skip
    assert "alice" in program.stdout.readline()  # the greeting of the self-test
    server.process.kill()
    server.process.wait()
    server.process.stdout.close()
    _, complaints = program.communicate("Too late\n", timeout=240)
    assert program.returncode == 4
    assert complaints.splitlines() == [
        "chatd: not sent: Too late",
        "chatd: not everything was sent: no connection",
    ]


@pytest.fixture(scope="module")
def tls_port(tmp_path_factory):
    """The port of a server that speaks TLS, and nothing within it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(write_certificate(tmp_path_factory.mktemp("c") / "server.pem")["tls_cert"])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_shake_hands, args=(listening, context), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _shake_hands(listening, context):
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()


def test_why_there_is_no_connection_is_told(server, tls_port):
    (free,) = free_ports(1)
    place = server.url.removeprefix("ws://").partition("/")[0]
    why = {
        f"ws://127.0.0.1:{free}/v1/ws": "no server answers",
        f"ws://{place}/chat": "it answered HTTP 404: there is no chat at that path; it usually is /v1/ws",
        f"wss://{place}/v1/ws": "that port has no TLS: try ws://",
        f"ws://127.0.0.1:{tls_port}/v1/ws": "that port has no plain HTTP: try wss://",
        f"wss://127.0.0.1:{tls_port}/v1/ws": "its certificate is not trusted here",
        "ws://nowhere.invalid/v1/ws": "there is no host named nowhere.invalid",
    }
    running = {
        url: subprocess.Popen(
            [sys.executable, "-m", "chatd", "chat", "--as", "a", "--with", "b", "--url", url],
            stdin=subprocess.DEVNULL, stdout=PIPE, stderr=PIPE, text=True, cwd=server.directory,
        )
        for url in why
    }  # fmt: skip
    said = {
        url: (program.communicate(timeout=240)[1], program.returncode) for url, program in running.items()
    }
    for url, reason in why.items():
        text, code = said[url]
        assert text.startswith(f"chatd: no connection to {url}: {reason}"), text
        assert code == 4


def test_a_ban_is_told_with_its_end():
    assert str(no_connection("", Closed(4202, "banned"))) == "the moderators keep you out"
    assert "keep you out, until 20" in str(no_connection("", Closed(4202, "banned", 86400.0)))


def test_an_expired_token_is_told(server):
    secret = (server.directory / "chatd-data" / "secret").read_bytes().strip()
    token = jwt.encode(
        {"sub": "ivan", "aud": "chatd", "iat": 1_000_000_000, "exp": 1_000_003_600}, secret, "HS256"
    )
    result = server.chatd("chat", "--with", "judy", "--url", server.url, "--token", token, input="")
    assert result.returncode == 1
    assert "the token has expired" in result.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:8470", "127.0.0.1:8470", "ws://", "ws://h:99999/v1/ws"])
def test_what_is_no_address_is_wrong_usage(server, url):
    result = server.chatd("chat", "--as", "a", "--with", "b", "--url", url, input="")
    assert result.returncode == 2
    assert "ws://127.0.0.1:8470/v1/ws" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--as", "alice"],
        ["--as", "alice", "--with", "bob", "--room", "g00000000000"],
        ["--with", "bob"],
    ],
)
def test_who_and_whom_must_be_said(run, arguments):
    assert run("chat", *arguments).exit_code == 2


def test_a_malformed_user_is_wrong_usage(server):
    assert chat(server, "two words", "--with", "bob").returncode == 2


def test_without_a_secret_it_says_how_to_get_one(run):
    result = run("chat", "--as", "alice", "--with", "bob")
    assert result.exit_code == 3
    assert "chatd dev" in result.output


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Listen(), "ws://127.0.0.1:8470/v1/ws"),
        (Listen(address="0.0.0.0:9000"), "ws://127.0.0.1:9000/v1/ws"),
        (Listen(address="[::]:9000"), "ws://[::1]:9000/v1/ws"),
        (Listen(address=("0.0.0.0:9000", "[::]:9000")), "ws://127.0.0.1:9000/v1/ws"),
        (Listen(address="chat.example:443", tls_cert="c", tls_key="k"), "wss://chat.example:443/v1/ws"),
    ],
)
def test_the_configured_server_is_found(listen, url):
    assert url_of(Config(listen=listen)) == url
