"""File systems for one test, small or read-only, where the tests run as root."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def mount(*arguments: str) -> bool:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@contextmanager
def mounted(place: Path, options: str) -> Iterator[Path]:
    """Mount a file system in memory with these options around the block; skips the test where that is not allowed."""
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", options, "tmpfs", str(place)):
        pytest.skip("only root may mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    """Change the options of a mounted file system."""
    assert mount("-o", f"remount,{options}", str(place))
