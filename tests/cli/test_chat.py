"""`chatd chat` against a running server, through pipes."""

import pytest

from bench.ports import free_ports
from chatd.cli.chat import url_of
from chatd.config import Config, Listen


def chat(server, user, *arguments, typed=""):
    return server.chatd("chat", "--as", user, "--url", server.url, *arguments, input=typed)


def test_what_one_writes_the_other_reads(server):
    sent = chat(server, "carol", "--with", "dave", typed="Hello Dave\nHow are you?\n")
    assert sent.returncode == 0, sent.stderr
    assert "carol: Hello Dave" in sent.stdout
    received = chat(server, "dave", "--with", "carol")
    lines = [line.partition("#")[2] for line in received.stdout.splitlines()]
    assert lines == ["2 carol: Hello Dave", "3 carol: How are you?"]


def test_messages_can_be_edited_recalled_and_reacted_to(server):
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


def test_nobody_there_is_exit_code_4(server):
    (port,) = free_ports(1)
    result = server.chatd(
        "chat", "--as", "a", "--with", "b", "--url", f"ws://127.0.0.1:{port}/v1/ws", input=""
    )
    assert result.returncode == 4
    assert "nobody answers" in result.stderr


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
