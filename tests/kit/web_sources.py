"""The sources of the pages for browsers, their digest, and a build of them where Node is installed."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.kit.newcomer import ROOT

WEB = ROOT / "web"
# What the build does not read: tests and documents.
_NO_SOURCE = re.compile(r"(^|/)test/|\.md$")
BUILD_S = 240.0  # it takes less than a second


def contents() -> dict[str, bytes]:
    """Return all sources by name, as the build reads them; nothing where git does not know them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."],
        cwd=WEB, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode != 0:
        return {}
    names = {name for name in listed.stdout.split("\0") if name and not _NO_SOURCE.search(name)}
    return {name: (WEB / name).read_bytes() for name in names if (WEB / name).is_file()}


def digest_of(sources: Mapping[str, bytes]) -> str:
    """Return the digest of sources as the build computes it."""
    lines = (f"{hashlib.sha256(sources[name]).hexdigest()}  {name}\n" for name in sorted(sources))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def why_not_built() -> str | None:
    """Return the reason why the sources cannot be built here; None when they can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node is not installed"
    if not (WEB / "node_modules" / "esbuild").is_dir():
        return "the packages of web/ are not installed: make web"
    return None


def node() -> str:
    """Return the path of Node."""
    return shutil.which("node") or "node"


def build(directory: Path) -> Path:
    """Build the pages into a directory and return it; AssertionError with what the build said when it fails."""
    built = subprocess.run(
        [node(), "build.mjs", str(directory)], cwd=WEB, capture_output=True, text=True, timeout=BUILD_S
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return directory
