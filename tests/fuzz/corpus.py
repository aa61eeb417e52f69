"""The inputs that are kept: a text file for each target, an input a line, escaped so that it can be read."""

from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent / "corpus"
# The size of an input that is kept: larger ones are in the tables of tests/hostile.
INPUT_BYTES_MAX = 2048


def kept(target: str) -> list[bytes]:
    """Return the inputs of a target, in the order of the file."""
    lines = (HERE / f"{target}.txt").read_text("ascii").splitlines()
    return [line.encode("ascii").decode("unicode_escape").encode("latin-1") for line in lines]


def keep(target: str, inputs: Iterable[bytes]) -> int:
    """Replace the inputs of a target, short ones first; return how many were kept."""
    chosen = sorted({one for one in inputs if len(one) <= INPUT_BYTES_MAX}, key=lambda one: (len(one), one))
    lines = [one.decode("latin-1").encode("unicode_escape").decode("ascii") for one in chosen]
    (HERE / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines), "ascii")
    return len(lines)


def lay_out(target: str, directory: Path) -> None:
    """Write every kept input into a file of its own, as a fuzzer reads them."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(kept(target)):
        (directory / f"kept-{number:04}").write_bytes(one)


def read_in(directory: Path) -> list[bytes]:
    """Return the inputs that a fuzzer left in a directory."""
    return [path.read_bytes() for path in directory.iterdir() if path.is_file()]
