"""`chatd serve`: starts that must be refused, each in words and with the right exit code."""

import os
import socket

SECRET = "0123456789abcdef0123456789abcdef"


def refused(result, code, *words):
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_a_broken_configuration_is_exit_code_3(shell, tmp_path):
    (tmp_path / "chatd.toml").write_text("[limits]\npgae = 5\n")
    refused(shell("serve", "--config", "chatd.toml"), 3, "chatd.toml:2", "Did you mean limits.page?")


def test_a_broken_key_file_is_exit_code_3(shell):
    refused(shell("serve", "--set", "auth.jwks_file=missing"), 3, "missing cannot be read")


def test_a_busy_port_is_named_before_anything_is_made(shell, tmp_path):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        address = f"127.0.0.1:{held.getsockname()[1]}"
        refused(shell("serve", "--set", f"listen.address={address}"), 1, "is in use by", "listen.address")
    assert os.listdir(tmp_path) == []


def test_a_foreign_database_is_exit_code_1(shell, tmp_path):
    (tmp_path / "chatd-data").mkdir()
    (tmp_path / "chatd-data" / "chatd.sqlite").write_bytes(b"x" * 4096)
    free = ("--set", "listen.address=127.0.0.1:0", "--set", "listen.ops_address=")
    refused(shell("serve", *free, CHATD_AUTH__SECRET=SECRET), 1, "not a database of chatd")


def test_the_directory_of_a_running_server_is_refused(server):
    free = ("--set", "listen.address=127.0.0.1:0", "--set", "listen.ops_address=")
    refused(server.chatd("serve", *free), 1, "uses this directory")
