"""Instructions as valgrind's callgrind counts them, and `bench/instructions.toml`, which has them as last written."""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
import mmap
import os
import platform
import re
import shutil
import sqlite3
import ssl
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

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
        then = self.counted_with
        changed = (name for name in sorted(then.keys() | here.keys()) if then.get(name) != here.get(name))
        sides = ((name, then.get(name, "nothing"), here.get(name, "nothing")) for name in changed)
        return "; ".join(f"{name} was {was}, is {now}" for name, was, now in sides) or None

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


# A processor does nothing here: four turns of a register that together are a whole one, and an exchange of a register
# with itself. valgrind takes it for a request, rdi pointing to its code and arguments (valgrind.h, AMD64).
REQUEST = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
ARGUMENTS = 6  # with the code
CALLGRIND = ord("C") << 24 | ord("T") << 16  # callgrind.h
ZERO_STATS, DUMP_STATS_AT, START = CALLGRIND + 1, CALLGRIND + 3, CALLGRIND + 4

CHECKOUT = Path(__file__).parents[2]
LABEL = re.compile(r"^desc: Trigger: Client Request: (.+)$", re.MULTILINE)
TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class Requests:
    """Requests of the program under valgrind. Anywhere else it does nothing."""

    def __init__(self) -> None:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(REQUEST)
        self._page = ctypes.c_char.from_buffer(page)  # holds on to it
        kind = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)
        self._ask = kind(ctypes.addressof(self._page))

    def start(self) -> None:
        """Count from here on; before it the program is five times as fast."""
        self._request(START)

    @contextmanager
    def counted(self, label: str) -> Iterator[None]:
        text = ctypes.create_string_buffer(label.encode())
        self._request(ZERO_STATS)
        yield
        self._request(DUMP_STATS_AT, ctypes.addressof(text))

    def _request(self, code: int, argument: int = 0) -> None:
        packed = (ctypes.c_uint64 * ARGUMENTS)(code, argument)
        self._ask(ctypes.addressof(packed))


def missing() -> str | None:
    if os.uname().machine != "x86_64":
        return f"the numbers are of x86_64, this is {os.uname().machine}"
    return None if shutil.which("valgrind") else "valgrind is missing: apt-get install valgrind"


def count(module: str) -> dict[str, list[int]]:
    """Instructions by label, in the order they were dumped. Raises ValueError where it cannot."""
    if reason := missing():
        raise ValueError(reason)
    with TemporaryDirectory(prefix="chatd-callgrind-") as directory:
        out = Path(directory, "out")
        tool = f"valgrind --quiet --tool=callgrind --instr-atstart=no --callgrind-out-file={out}".split()
        # Nothing of this process: names hashed alike have the same places in every dict.
        there = {"PATH": os.defpath, "TMPDIR": directory, "PYTHONHASHSEED": "0"}
        program = [sys.executable, "-m", module]
        # Leaves compiled modules: memory lies alike.
        subprocess.run(program, cwd=CHECKOUT, env=there, check=True)
        watched = [*tool, *program]
        ran = subprocess.run(watched, cwd=CHECKOUT, env=there, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise ValueError(f"{module} failed under valgrind:\n{ran.stdout}{ran.stderr}")
        return read(sorted(out.parent.glob("out.*"), key=lambda dump: int(dump.suffix[1:])))


def read(dumps: Iterable[Path]) -> dict[str, list[int]]:
    counted = defaultdict(list)
    for dump in dumps:
        text = dump.read_text(errors="replace")
        label, total = LABEL.search(text), TOTAL.search(text)
        if label and total:
            counted[label[1]].append(int(total[1]))
    return dict(counted)
