"""`bench/instructions.toml`: what each part cost when it was last written down, and what it was counted with."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sqlite3
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).parents[1] / "instructions.toml"
RISE_MAX = 0.03  # memory lies differently from run to run, which is up to one in a hundred
LIBRARIES = ("aiosqlite", "msgspec", "pyjwt", "uvloop")  # on the hot path

HEAD = """\
# Instructions of each part of the hot path. Written by: python -m bench instructions --write
# A test fails when one rises by more than 3 % and this file is not written anew in the same commit.
"""


@dataclass(frozen=True)
class Numbers:
    """Instructions by part, and the machine and versions they were counted with."""

    counted_with: Mapping[str, str]
    instructions: Mapping[str, int]

    def save(self, path: Path) -> None:
        tables = (("counted_with", self.counted_with), ("instructions", self.instructions))
        lines = [HEAD]
        for name, table in tables:
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""]
        path.write_text("\n".join(lines[:-1]) + "\n")

    @classmethod
    def load(cls, path: Path) -> Numbers:
        content = tomllib.loads(path.read_text())
        return cls(content["counted_with"], content["instructions"])

    def incomparable(self, here: Mapping[str, str]) -> str | None:
        return (
            "; ".join(
                f"{name} was {self.counted_with.get(name, 'nothing')}, is {here.get(name, 'nothing')}"
                for name in sorted(self.counted_with.keys() | here.keys())
                if self.counted_with.get(name) != here.get(name)
            )
            or None
        )

    def rises(self, counted: Mapping[str, int]) -> dict[str, str]:
        """The parts of `counted` that cost more than RISE_MAX above what is written, or are not written at all."""
        found = {}
        for name, now in counted.items():
            before = self.instructions.get(name)
            if before is None:
                found[name] = f"{now:,}, and not written down"
            elif now > before * (1 + RISE_MAX):
                found[name] = f"{now:,} instead of {before:,}, {now / before - 1:+.1%}"
        return found


def each(counted: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Instructions of one call of each part, from the least of so many and of twice as many: the rest cancels.

    The first round warmed up.
    """
    least: dict[str, dict[int, int]] = {}
    for label, counts in counted.items():
        name, times = label.split()
        least.setdefault(name, {})[int(times)] = min(counts[1:])
    return {
        name: round((max(counts.values()) - min(counts.values())) / min(counts))
        for name, counts in least.items()
    }


def here() -> dict[str, str]:
    """All of this machine that changes a count though nobody changed the daemon. valgrind has to be there."""
    version = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout
    features = Path("/proc/cpuinfo").read_text().split()
    return {
        "processor": f"{os.uname().machine} {'with' if 'avx2' in features else 'without'} AVX2",
        "python": sys.version,
        "sqlite": sqlite3.sqlite_version,
        "openssl": ssl.OPENSSL_VERSION,
        "libc": " ".join(platform.libc_ver()),
        "valgrind": version.strip(),
        **{name: importlib.metadata.version(name) for name in LIBRARIES},
    }
