import os
import socket
import sys

import pytest

from chatd.http.sockets import (
    AddressInUse,
    ListenError,
    bound_sockets,
    remove_unix,
    shown_address,
    split_address,
)
from tests.kit.ip_stacks import needs_ipv6


@pytest.mark.parametrize(
    ("address", "split"),
    [
        ("127.0.0.1:8470", ("127.0.0.1", 8470)),
        ("[::1]:0", ("::1", 0)),
        ("chat.example:443", ("chat.example", 443)),
        (":8470", ("", 8470)),
    ],
)
def test_addresses_are_split(address, split):
    assert split_address(address) == split


@pytest.mark.parametrize("address", ["", "8470", "localhost", "a:", "a:http", "::1:80", "a:65536", "a:-1"])
def test_what_is_no_address_says_what_is_expected(address):
    with pytest.raises(ListenError, match="HOST:PORT"):
        split_address(address)


def test_a_free_port_is_taken_and_shown():
    [bound] = bound_sockets("127.0.0.1:0")
    with bound:
        host, port = split_address(shown_address(bound))
        assert host == "127.0.0.1"
        assert port > 0


def test_a_busy_port_is_an_error_of_its_own():
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(AddressInUse, match=f"{address} is in use"):
            bound_sockets(address)


@needs_ipv6
def test_both_stacks_share_a_port_which_is_all_or_nothing():
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        [bound] = bound_sockets(f"[::]:{port}")
        bound.close()
        with pytest.raises(AddressInUse, match=f"0.0.0.0:{port}"):
            bound_sockets(f"[::]:{port}", f"0.0.0.0:{port}")
    for bound in bound_sockets(f"[::]:{port}", f"0.0.0.0:{port}"):
        bound.close()


def test_a_name_nobody_knows_is_an_error():
    with pytest.raises(ListenError, match="cannot resolve"):
        bound_sockets("no-such-host.invalid:80")


def test_an_address_of_another_machine_is_an_error():
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:8470"):
        bound_sockets("192.0.2.1:8470")


def test_a_unix_socket_is_made_shown_and_removed(tmp_path):
    path = tmp_path / "chatd.sock"
    [bound] = bound_sockets(f"unix:{path}")
    with bound:
        assert shown_address(bound) == f"unix:{path}"
        assert path.stat().st_mode & 0o777 == 0o660
        remove_unix(bound)
    assert not path.exists()


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux makes a socket with the mode it is told before"
)
def test_a_unix_socket_is_never_open_to_more_than_its_group(tmp_path, monkeypatch):
    path, modes, before = tmp_path / "chatd.sock", [], os.umask(0)
    monkeypatch.setattr(os, "chmod", lambda *_: modes.append(path.stat().st_mode & 0o777))
    bound_sockets(f"unix:{path}")[0].close()
    os.umask(before)
    assert modes == [0o660]


def test_a_unix_socket_left_by_a_killed_daemon_is_replaced(tmp_path):
    address = f"unix:{tmp_path}/chatd.sock"
    bound_sockets(address)[0].close()
    [bound] = bound_sockets(address)
    bound.close()


def test_a_unix_socket_in_use_is_left_alone(tmp_path):
    address = f"unix:{tmp_path}/chatd.sock"
    [bound] = bound_sockets(address)
    with bound:
        bound.listen()
        with pytest.raises(AddressInUse):
            bound_sockets(address)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "chatd.sock"
    path.write_text("precious")
    with pytest.raises(ListenError):
        bound_sockets(f"unix:{path}")
    assert path.read_text() == "precious"


def test_a_directory_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(ListenError, match="No such file"):
        bound_sockets(f"unix:{tmp_path}/missing/chatd.sock")
