"""The fences of an inspector: what a process that was taken over by hostile bytes would try, tried."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatd.media.inspect import system_calls
from chatd.media.inspect.fences import missing_fences
from tests.kit.newcomer import ROOT

pytestmark = pytest.mark.skipif(missing_fences() != (), reason=f"without {' and '.join(missing_fences())}")

KEPT = {"read what it has", "write what it has", "speak", "a thread"}
REFUSED_OTHERWISE = {"memory": "MemoryError", "more memory": "ValueError", "a long file": "OSError"}


def attempts(directory, *without):
    """What came of each attempt of a process that lacks these fences."""
    (directory / "present").touch()
    command = [sys.executable, str(Path(__file__).with_name("taken_over.py")), *without]
    ran = subprocess.run(
        command, cwd=directory, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["missing"] == list(without)
    assert (directory / "present").exists()
    return said["came"]


def test_a_decoder_that_was_taken_over_reaches_nothing(tmp_path):
    came = attempts(tmp_path)
    assert len(came) > 30
    assert {name for name, what in came.items() if what == "done"} == KEPT
    expected = dict.fromkeys(came.keys() - KEPT, "PermissionError") | REFUSED_OTHERWISE
    assert {name: what for name, what in came.items() if name not in KEPT} == expected
    assert list(tmp_path.iterdir()) == [tmp_path / "present"]


@pytest.mark.parametrize("without", ["landlock", "seccomp"])
def test_each_fence_alone_keeps_files_closed(tmp_path, without):
    came = attempts(tmp_path, without)
    assert {came[name] for name in ("open", "list", "reopen", "own memory")} == {"PermissionError"}


def test_without_fences_files_are_open(tmp_path):
    """The attempts can succeed, so that they fail says something."""
    came = attempts(tmp_path, "landlock", "seccomp")
    tried = ("open", "list", "reopen", "tcp", "unix", "pair", "memfd", "new code", "socket in a thread")
    assert {came[name] for name in tried} == {"done"}


def test_a_file_that_uses_up_the_processor_ends_the_process():
    code = "from chatd.media.inspect.fences import limit_processor\nlimit_processor(0)\nwhile True: pass"
    ran = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, timeout=250)
    assert ran.returncode in (-signal.SIGXCPU, -signal.SIGKILL)


ORPHAN = """
import subprocess, sys, time
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, "-c", sys.stdin.read(), "child"]).wait()
else:
    from chatd.media.inspect.fences import raise_fences
    raise_fences()
    print(os_getpid(), flush=True)
    time.sleep(600)
"""


def test_it_ends_when_nobody_is_left_who_ends_it():
    child = "from os import getpid as os_getpid\n" + ORPHAN
    parent = subprocess.Popen(
        [sys.executable, "-c", child],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    with parent:
        parent.stdin.write(child)
        parent.stdin.close()
        orphan = Path("/proc") / parent.stdout.readline().strip()
        assert orphan.exists()
        parent.kill()
        # The end of its output: both processes are gone.
        assert parent.stdout.read() == ""


@pytest.mark.parametrize(
    ("header", "column"), [("x86_64-linux-gnu/asm/unistd_64.h", 0), ("asm-generic/unistd.h", 1)]
)
def test_the_numbers_are_those_of_the_kernel(header, column):
    path = Path("/usr/include") / header
    if not path.exists():
        pytest.skip(f"there is no {path}")
    text = re.sub(r"3264_fstatat", "_newfstatat", path.read_text())
    found = dict(re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", text, re.MULTILINE))
    named = {name.lower(): value for name, value in vars(system_calls).items() if name.isupper()}
    named["prlimit64"] = named.pop("prlimit")
    del named["architectures"]
    calls = named.pop("allowed") | named
    assert {name: numbers[column] for name, numbers in calls.items()} == {
        name: int(found.get(name, -1)) for name in calls
    }
