"""Commands as others start them: with streams that are closed, full, or of an old encoding."""

import signal
import socket
import subprocess
import sys
import time

import pytest

START_S = 120.0  # a start takes half a second


def answers(path):
    """Whether a process listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def waits(condition, process):
    """Return when `condition` holds; fail when the process ends before."""
    deadline = time.monotonic() + START_S
    while not condition():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def program(command):
    return ["sh", "-c", f"exec {sys.executable} -m chatd {command}"]


@pytest.mark.parametrize("closed", ["<&- 2>&-", "<&- >&- 2>&-"])
def test_a_daemon_without_streams_serves_and_ends_in_order(elsewhere, closed):
    command = f"serve --set listen.address=127.0.0.1:0 --set listen.ops_address= {closed}"
    with subprocess.Popen(program(command), stdout=subprocess.DEVNULL) as daemon:
        waits(lambda: answers(elsewhere / "chatd-data" / "chatd.sock"), daemon)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(START_S) == 0


def test_a_development_server_without_an_input_ends_in_order(elsewhere):
    said = elsewhere / "said"
    with subprocess.Popen(program("dev --port 0 <&- >said 2>&1")) as server:
        waits(lambda: said.exists() and "Ctrl-C stops" in said.read_text(), server)
        server.send_signal(signal.SIGTERM)
        assert server.wait(START_S) == 0, said.read_text()


@pytest.mark.parametrize("command", ["config show", "--help"])
def test_output_that_cannot_be_written_is_said_and_is_exit_code_1(command):
    ended = subprocess.run(program(f"{command} >/dev/full"), capture_output=True, text=True, timeout=240)
    says = "chatd: standard output cannot be written: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, says)


def test_letters_an_encoding_lacks_are_shown_as_escapes(run, shell):
    run("user", "add", "zoe", "--name", "Zoe 👋", "--password-file", "-", input="a password\n")
    listed = shell("user", "list", PYTHONIOENCODING="latin-1")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.endswith("Zoe \\U0001f44b\n")
