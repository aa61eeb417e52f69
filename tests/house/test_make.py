"""The two commands where something is missing: the text that a newcomer reads, and the steps that are not repeated."""

import os
import shutil
import subprocess

import pytest

from tests.kit.newcomer import ROOT

# How a Python answers that is too old, or that came without the module venv.
TOO_OLD = 'case "$2" in *version_info*) exit 1;; esac\necho "Python 3.9.18"\n'
WITHOUT_VENV = 'case "$2" in *ensurepip*) exit 1;; esac\n'


@pytest.fixture
def checkout(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(directory, *arguments):
    return subprocess.run(
        ["make", *arguments],
        cwd=directory,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=240,
    )


def python(directory, script):
    path = directory / "python"
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return f"PYTHON={path}"


@pytest.mark.parametrize("target", ["run", "test", "check"])
def test_no_python_says_what_to_install(checkout, target):
    made = make(checkout, target, "PYTHON=no-such-python")
    assert made.returncode != 0
    assert "chatd needs Python 3.11 or newer, and there is no no-such-python" in made.stderr
    assert "apt install python3 python3-venv" in made.stderr


def test_a_python_too_old_is_named_with_the_way_out(checkout):
    made = make(checkout, "run", python(checkout, TOO_OLD))
    assert made.returncode != 0
    assert "Python 3.9.18" in made.stderr
    assert "make run PYTHON=" in made.stderr


def test_a_python_without_venv_says_what_to_install(checkout):
    made = make(checkout, "run", python(checkout, WITHOUT_VENV))
    assert made.returncode != 0
    assert "apt install python3-venv" in made.stderr
    assert not (checkout / ".venv").exists()


def test_nothing_is_installed_twice_until_pyproject_changes(checkout):
    stamp = checkout / ".venv" / "installed"
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").touch()
    stamp.touch()
    assert "pip" not in make(checkout, "--dry-run", "run").stdout
    later = stamp.stat().st_mtime + 10
    os.utime(checkout / "pyproject.toml", (later, later))
    assert "pip install" in make(checkout, "--dry-run", "run").stdout


def test_arguments_reach_the_server(checkout):
    made = make(checkout, "--dry-run", "-o", ".venv/installed", "run", "ARGS=--port 9000")
    assert made.stdout.strip() == ".venv/bin/chatd dev --port 9000"


def test_ci_runs_check_and_test(checkout):
    gate = ROOT / ".ci" / "run"
    assert os.access(gate, os.X_OK)
    assert "for target in check test; do" in gate.read_text()


@pytest.mark.parametrize("outcomes", [("false", "true"), ("true", "false")])
def test_ci_fails_when_either_fails(checkout, outcomes):
    (checkout / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci")
    checked, tested = outcomes
    (checkout / "Makefile").write_text(f"check:\n\t@{checked}\ntest:\n\t@{tested}\n")
    gate = subprocess.run([checkout / ".ci" / "run"], capture_output=True, timeout=240)
    assert gate.returncode == 1
