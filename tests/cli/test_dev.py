"""`chatd dev`: the first second of a new user."""

import http.client
import json
import os
import re
import socket
import stat
import subprocess
from urllib.parse import urlsplit

import jwt
import pytest

from chatd import __version__
from chatd.cli import dev
from tests.kit.sources import sources

DEV = "chatd/cli/dev.py"


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The output of `chatd dev --once` on an empty directory, and the directory."""
    import subprocess
    import sys

    directory = tmp_path_factory.mktemp("d")
    command = [sys.executable, "-m", "chatd", "dev", "--once", "--port", "0"]
    return subprocess.run(command, capture_output=True, text=True, cwd=directory, timeout=240), directory


def test_once_delivers_a_message_and_exits_with_0(first):
    result, _ = first
    assert result.returncode == 0, result.stderr
    assert re.search(
        r"self-test +alice -> bob: stored in [0-9.]+ ms, delivered in [0-9.]+ ms \(seq 2\) +OK", result.stdout
    )
    assert result.stdout.startswith(f"chatd {__version__} · development mode · INSECURE")


def test_the_banner_says_where_and_who(first):
    result, _ = first
    assert re.search(r"ws://127\.0\.0\.1:[1-9][0-9]*/v1/ws", result.stdout)
    assert "alice / alice-password or bob / bob-password" in result.stdout
    assert "./chatd-data (new)" in result.stdout


def test_its_data_are_private(first):
    _, directory = first
    for name in (".", "secret", "vapid.pem", "chatd.sqlite"):
        mode = (directory / "chatd-data" / name).stat().st_mode
        assert stat.S_IMODE(mode) & 0o077 == 0, name


def test_the_secret_is_not_printed(first):
    result, directory = first
    secret = (directory / "chatd-data" / "secret").read_text().strip()
    assert secret not in result.stdout + result.stderr


def test_later_starts_find_the_first_message_and_leave_nothing(first, shell):
    _, directory = first
    for _ in range(2):
        result = shell("dev", "--once", "--port", "0", "--data", str(directory / "chatd-data"))
        assert result.returncode == 0, result.stderr
        assert "(new)" not in result.stdout
        assert re.search(r"message 2 is still there, a typing signal came in [0-9.]+ ms +OK", result.stdout)


def test_a_start_right_after_an_erasure_is_tested_too(shell, tmp_path):
    for command in (
        ("dev", "--once", "--port", "0", "--data", str(tmp_path / "d")),
        ("erase", "--yes", "--data", str(tmp_path / "d"), "alice"),
        ("dev", "--once", "--port", "0", "--data", str(tmp_path / "d")),
    ):
        result = shell(*command)
        assert result.returncode == 0, result.stderr
    assert re.search(r"self-test +alice -> bob: .* OK", result.stdout)


def test_a_busy_port_says_whose_it_is(shell):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        result = shell("dev", "--once", "--port", str(port))
    assert result.returncode == 1
    assert f"port {port} is in use by" in result.stderr
    assert "--port N" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("port", ["-1", "65535", "70000", "http"])
def test_impossible_ports_are_wrong_usage(run, port):
    assert run("dev", "--port", port).exit_code == 2


def test_a_directory_that_cannot_be_used_is_said(shell, tmp_path):
    (tmp_path / "file").write_text("")
    result = shell("dev", "--once", "--port", "0", "--data", "file/data")
    assert result.returncode == 3
    assert "Traceback" not in result.stderr


def test_a_second_server_on_the_same_data_is_refused(server):
    result = server.chatd("dev", "--once", "--port", "0")
    assert result.returncode == 1
    assert f"the chatd with pid {server.process.pid} uses this directory" in result.stderr


def test_the_hints_work_as_they_are_printed(server):
    hint = re.search(r"chatd (chat --as bob --with alice --url \S+)", server.output)
    assert hint is not None
    result = server.chatd(*hint[1].split(), input="It works\n")
    assert result.returncode == 0, result.stderr
    assert re.search(r"#[0-9]+ bob: It works", result.stdout)
    assert server.chatd("token", "alice").stdout.count(".") == 2


def test_the_hints_can_be_pasted_into_a_shell(server):
    hint = re.search(r"^ +(\S*chatd token alice.*)$", server.output, re.MULTILINE)
    assert hint is not None
    pasted = subprocess.run(
        hint[1], shell=True, cwd=server.directory, env={"PATH": os.defpath}, capture_output=True, text=True
    )
    assert pasted.returncode == 0, pasted.stderr
    assert pasted.stdout.count(".") == 2


def logged_in(server, link):
    """The user a link logs in as, as the page asks for it; None when it is refused."""
    page, _, code = link.partition("#login=")
    url = urlsplit(page)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=240)
    content = json.dumps({"link": code})
    connection.request(
        "POST", "/v1/login", content, {"Content-Type": "application/json", "Origin": page[:-1]}
    )
    try:
        answer = connection.getresponse()
        token = json.load(answer).get("token")
    finally:
        connection.close()
    return jwt.decode(token, options={"verify_signature": False})["sub"] if token else None


def links_of(server):
    return dict(
        re.findall(r"^ +as (\w+) +(http://127\.0\.0\.1:[0-9]+/#login=\S{22})$", server.output, re.MULTILINE)
    )


def test_it_prints_where_to_chat_and_a_link_for_each_demo_user(server):
    assert re.search(r"open http://127\.0\.0\.1:[0-9]+/$", server.output, re.MULTILINE)
    links = links_of(server)
    assert list(links) == ["alice", "bob", "carol"]
    assert {user: logged_in(server, link) for user, link in links.items()} == {user: user for user in links}
    assert logged_in(server, links["alice"][:-1] + "~") is None


def test_links_are_others_at_each_start(server, tmp_path_factory):
    from tests.cli.conftest import Server

    other = Server(tmp_path_factory.mktemp("o"))
    try:
        mine, theirs = links_of(server), links_of(other)
        codes = [link.partition("#")[2] for link in (*mine.values(), *theirs.values())]
        assert len(set(codes)) == 6
    finally:
        other.stop()


def test_without_the_web_client_there_are_no_links(tmp_path_factory, monkeypatch):
    from tests.cli.conftest import Server

    monkeypatch.setenv("CHATD_WEB__ENABLED", "false")
    running = Server(tmp_path_factory.mktemp("w"))
    running.stop()
    assert "#login=" not in running.output


def test_the_server_of_an_operator_prints_no_links(first):
    """Nor does a development server that stops after its self-test."""
    result, _ = first
    assert "#login=" not in result.stdout
    assert not [source.name for source in sources("chatd") if "#login=" in source.text and source.name != DEV]


def test_it_serves_until_it_is_told_to_stop(tmp_path_factory):
    from tests.cli.conftest import Server

    running = Server(tmp_path_factory.mktemp("s"))
    assert running.stop() == 0
    assert running.output.endswith("Stopping.\n")


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1", "https://[::1]:8443"])
def test_web_pages_on_loopback_may_connect(server, origin):
    assert upgraded(server, origin) == 101


def test_a_refused_web_page_is_named_with_the_setting_that_admits_it(server):
    assert upgraded(server, "http://192.168.1.20:3000") == 403
    server.wait_says("CHATD_LISTEN__ORIGINS=http://192.168.1.20:3000")


def upgraded(server, origin):
    """The status a browser gets that opens the socket for a page of `origin`."""
    url = urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=240)
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "chatd.v1.json",
    }
    connection.request("GET", url.path, headers={**headers, "Origin": origin})
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_push_is_on_for_browsers_where_its_packages_are(monkeypatch, tmp_path):
    push = dev.dev_settings(0, str(tmp_path)).config.push
    assert (push.enabled, [app.platform for app in push.apps]) == (True, ["web"])
    monkeypatch.setenv("CHATD_PUSH__ENABLED", "false")
    off = dev.dev_settings(0, str(tmp_path))
    dev.make_vapid_key(off.config)
    assert not off.config.push.enabled
    assert not (tmp_path / "vapid.pem").exists()
    monkeypatch.delenv("CHATD_PUSH__ENABLED")
    monkeypatch.setattr(dev, "missing_packages", lambda: ["h2"])
    assert not dev.dev_settings(0, str(tmp_path)).config.push.enabled
