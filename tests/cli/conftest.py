"""Running commands: in this process for speed, or as a shell would."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatd.cli.main import main

SECRET = "0123456789abcdef0123456789abcdef"

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own working directory and no CHATD_ variables."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("CHATD_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Invoke `chatd ARGUMENTS`; `input` is stdin, other names are the environment."""

    def invoke(*arguments: str, input: str | None = None, **environment: str) -> Result:
        return CliRunner().invoke(main, arguments, input=input, env=environment)

    return invoke


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m chatd ARGUMENTS` as a process of its own."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "chatd", *arguments],
            capture_output=True, text=True, timeout=60, cwd=tmp_path, env={**os.environ, **environment},
        )  # fmt: skip

    return call
