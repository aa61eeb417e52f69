"""The systemd units of docs/operations.md: as strict as they say, and in step with the settings."""

import configparser
import re
import shutil
import subprocess

import pytest

from chatd.config.memory import memory_of, shown
from chatd.config.model import Config
from chatd.server.descriptors import needed
from tests.kit.newcomer import ROOT, blocks

EXPOSURE_MAX = 2.0  # of 10: a Python service without any of it has 9.6
SYSTEMD = shutil.which("systemd-analyze")


def unit(name: str) -> str:
    """The text of the unit that stands below its path in the document."""
    document = ROOT / "docs" / "operations.md"
    lines = document.read_text().splitlines()
    for block in blocks(document):
        if block.language == "ini" and any(name in line for line in lines[block.line - 4 : block.line - 1]):
            return block.text
    raise AssertionError(f"no unit {name}")


class Settings(configparser.RawConfigParser):
    """A unit as sections of settings, their names as written."""

    def __init__(self, text: str) -> None:
        super().__init__(strict=False, delimiters=("=",))
        self.read_string(text)

    def optionxform(self, optionstr: str) -> str:
        return optionstr


SERVICE = unit("chatd.service")


@pytest.mark.skipif(SYSTEMD is None, reason="there is no systemd-analyze here")
def test_the_service_is_as_locked_up_as_promised(tmp_path):
    (tmp_path / "chatd.service").write_text(SERVICE)
    command = [SYSTEMD, "security", "--offline=yes", "--no-pager", str(tmp_path / "chatd.service")]
    rated = subprocess.run(command, capture_output=True, text=True, timeout=240)
    if "unrecognized option" in rated.stderr:
        pytest.skip("this systemd-analyze does not know --offline")
    found = re.search(r"Overall exposure level for chatd\.service: ([0-9.]+)", rated.stdout)
    assert found is not None, rated.stdout + rated.stderr
    assert float(found[1]) <= EXPOSURE_MAX, rated.stdout
    stated = re.search(r"rates the unit ([0-9.]+)", (ROOT / "docs" / "operations.md").read_text())
    assert stated is not None
    assert float(found[1]) <= float(stated[1])


def test_the_service_has_the_files_and_the_time_that_the_defaults_need():
    service, config = Settings(SERVICE)["Service"], Config()
    assert int(service["LimitNOFILE"]) >= needed(config.limits.connections)
    drain = config.drain
    assert int(service["TimeoutStopSec"]) > drain.pre_stop_s + drain.window_s + drain.deadline_s
    assert service["LimitCORE"] == "0"


def test_the_service_has_the_memory_that_the_defaults_come_to():
    limit = Settings(SERVICE)["Service"]["MemoryMax"]
    assert limit.endswith("G")
    assert int(limit[:-1]) << 30 > memory_of(Config()).usual


def test_the_document_says_what_the_defaults_come_to():
    text, memory = (ROOT / "docs" / "operations.md").read_text(), memory_of(Config())
    assert f"that is {shown(memory.usual)} for 100,000" in text
    assert f"{shown(memory.worst)} at most for one" in text


def test_the_service_is_reloaded_by_the_signal_that_is_heard():
    reloads = re.findall(r"^ExecReload=(.*)$", SERVICE, re.MULTILINE)
    assert reloads == [
        "/usr/local/bin/chatd config check --quiet --config /etc/chatd/chatd.toml",
        "/bin/kill -HUP $MAINPID",
    ]


def test_the_socket_is_where_the_daemon_would_listen():
    opened, listen = Settings(unit("chatd.socket"))["Socket"], Config().listen
    assert (opened["ListenStream"], int(opened["Backlog"])) == (listen.address, listen.backlog)
