"""valgrind's callgrind: counts instructions of a program, where and when the program asks for it."""

import ctypes
import mmap
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

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
