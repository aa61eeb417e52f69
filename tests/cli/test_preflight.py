"""preflight.py: a busy port is named, with its owner."""

import os
import socket

import pytest

from chatd.cli.exits import Failure
from chatd.cli.preflight import owner_of, require_free
from chatd.config.model import Config, Listen


@pytest.fixture
def busy():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_free_ports_pass():
    require_free(Config(listen=Listen(address="127.0.0.1:0", ops_address="")))


def test_a_busy_port_says_who_has_it_and_what_to_do(busy):
    for listen in (
        Listen(address=f"127.0.0.1:{busy}", ops_address=""),
        Listen(address="127.0.0.1:0", ops_address=f"127.0.0.1:{busy}"),
    ):
        with pytest.raises(Failure) as caught:
            require_free(Config(listen=listen))
        assert f"port {busy} is in use" in caught.value.message
        assert f"(pid {os.getpid()})" in caught.value.message
        assert "--port N" in caught.value.message


def test_a_port_nobody_listens_on_has_no_owner():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert owner_of(held.getsockname()[1]) == ""


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(Failure, match=r"cannot listen on 192\.0\.2\.1"):
        require_free(Config(listen=Listen(address="192.0.2.1:8470", ops_address="")))
