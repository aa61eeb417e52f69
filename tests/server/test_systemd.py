import os
import socket
import subprocess
import sys

import pytest

from chatd.server.systemd import (
    READY,
    STOPPING,
    inherited_sockets,
    is_activated,
    notify,
    reloading,
    status,
    watchdog_interval_s,
)


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        yield listening


def test_states_are_one_datagram(manager):
    environment = {"NOTIFY_SOCKET": manager.getsockname()}
    assert notify(READY, status("listens\non 8470"), environment=environment)
    assert manager.recv(1000) == b"READY=1\nSTATUS=listens on 8470"


def test_a_reload_says_when_it_began(manager):
    assert notify(reloading(12.5), environment={"NOTIFY_SOCKET": manager.getsockname()})
    assert manager.recv(1000) == b"RELOADING=1\nMONOTONIC_USEC=12500000"


@pytest.mark.parametrize(
    ("count", "pid", "activated"), [("1", "", True), ("0", "", False), ("x", "", False), ("1", "1", False)]
)
def test_sockets_are_ours_when_they_are_for_this_process(count, pid, activated):
    environment = {"LISTEN_FDS": count, "LISTEN_PID": pid or str(os.getpid())}
    assert is_activated(environment) is activated


def test_an_abstract_socket_is_reached():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0chatd-test-{os.getpid()}")
        assert notify(STOPPING, environment={"NOTIFY_SOCKET": f"@chatd-test-{os.getpid()}"})
        assert listening.recv(1000) == b"STOPPING=1"


@pytest.mark.parametrize("path", ["", "relative", "/nowhere/notify", "vsock:2:1234", "/" + "x" * 200])
def test_without_a_manager_nothing_happens(path):
    assert not notify(READY, environment={"NOTIFY_SOCKET": path})
    assert not notify(READY, environment={})


@pytest.mark.parametrize(
    ("environment", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked(environment, interval_s):
    assert watchdog_interval_s(environment) == interval_s


@pytest.mark.parametrize(
    "environment",
    [{}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "x", "LISTEN_PID": str(os.getpid())}],
)
def test_sockets_for_somebody_else_are_left_alone(environment):
    assert inherited_sockets(environment) == {}
    assert environment == {}


CHILD = """
import os
from chatd.server.systemd import inherited_sockets
environment = {"LISTEN_FDS": "2", "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": "public:ops"}
sockets = inherited_sockets(environment)
for name, [one] in sockets.items():
    print(name, one.getsockname()[1], one.get_inheritable())
print(environment, inherited_sockets(environment))
"""


def test_inherited_sockets_are_named_and_taken_once():
    with socket.create_server(("127.0.0.1", 0)) as public, socket.create_server(("127.0.0.1", 0)) as ops:
        shell = f"exec 3<&{public.fileno()} 4<&{ops.fileno()}; exec {sys.executable} -c '{CHILD}'"
        done = subprocess.run(
            ["bash", "-c", shell],
            pass_fds=(public.fileno(), ops.fileno()),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == [
            f"public {public.getsockname()[1]} False",
            f"ops {ops.getsockname()[1]} False",
            "{} {}",
        ]
