"""The programs of docs/backend.md that sign a token, each run as it stands."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from chatd.auth.tokens import Tokens
from chatd.config.model import Auth
from chatd.config.secret import Secret
from tests.kit.newcomer import ROOT, blocks

SECRET = "0123456789abcdef0123456789abcdef"
PROGRAMS = {block.language: block for block in blocks(ROOT / "docs" / "backend.md")}


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_documented_program_signs_a_token_that_is_taken(language, tmp_path):
    block = PROGRAMS[language]
    named = re.search(r"(\w+\.\w+): (.+)$", block.lines[0])
    assert named, f"line {block.line}: the first line says the file and how to run it"
    command = named[2].split()
    command[0] = sys.executable if command[0] == "python3" else shutil.which(command[0])
    if command[0] is None:
        pytest.skip(f"{named[2].split()[0]} is not installed")
    (tmp_path / named[1]).write_text(block.text)
    caches = {"GOCACHE": str(tmp_path / "cache"), "GOFLAGS": "-mod=mod"}
    made = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, timeout=240,
        env={**os.environ, **caches, "CHAT_SECRET": SECRET},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    claims = Tokens(Auth(secret=Secret(SECRET)), {}.get).verify(made.stdout.strip(), time.time())
    assert claims.user == "u42"
