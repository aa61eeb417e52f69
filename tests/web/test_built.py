"""The built files are the sources: G-W4, the bounds of their sizes, and their place in the package."""

import gzip
import hashlib
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from chatd.web.assets import MANIFEST, STATIC, manifest_in, read_built
from tests.kit import web_sources
from tests.kit.newcomer import ROOT

FIRST_LOAD_BYTES_MAX = 60 * 1024  # compressed: two seconds of a slow phone
ELEMENT_BYTES_MAX = 3 * 1024

needs_node = pytest.mark.skipif(
    web_sources.why_not_built() is not None, reason=str(web_sources.why_not_built())
)


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_the_files_are_those_of_the_manifest() -> None:
    check_files(contents(STATIC))


def check_files(found: dict[str, bytes]) -> None:
    digests = {
        name: hashlib.sha256(content).hexdigest() for name, content in found.items() if name != MANIFEST
    }
    assert differing(digests, manifest_in(STATIC).files) == set()


def differing(some: Mapping[str, object], others: Mapping[str, object]) -> set[str]:
    """Return the names of what differs: of whole dicts pytest describes each byte where CI is set, which takes long."""
    return {name for name, _ in some.items() ^ others.items()}


def test_the_manifest_is_of_the_sources() -> None:
    check_sources(web_sources.contents())


def check_sources(found: dict[str, bytes]) -> None:
    if not found:
        pytest.skip("the sources are in no git repository")
    assert manifest_in(STATIC).sources == web_sources.digest_of(found), "run: make web"


def test_a_changed_byte_in_either_is_found_out() -> None:
    for read, check in ((contents(STATIC), check_files), (web_sources.contents(), check_sources)):
        # Each look is at all files: one of each kind is enough.
        for name in {Path(name).suffix: name for name in sorted(read) if name != MANIFEST}.values():
            with pytest.raises(AssertionError):
                check({**read, name: read[name][:-1] + b"?"})
        with pytest.raises(AssertionError):
            check({**read, "another.js": b""})


@needs_node
def test_the_same_sources_give_the_same_bytes(built: Path) -> None:
    assert differing(contents(built), contents(STATIC)) == set(), "run: make web"


@needs_node
def test_a_build_that_fails_leaves_the_last_one(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path / "static")
    before = contents(tmp_path / "static")
    environment = {"PATH": str(tmp_path)}
    failed = subprocess.run(
        [web_sources.node(), "build.mjs", str(tmp_path / "static")],
        cwd=web_sources.WEB, env=environment, capture_output=True, timeout=web_sources.BUILD_S,
    )  # fmt: skip
    assert failed.returncode != 0  # there is no git to list the sources
    assert differing(contents(tmp_path / "static"), before) == set()


def compressed(content: bytes) -> int:
    return len(gzip.compress(content, 9, mtime=0))


@pytest.mark.parametrize("folder", ["app", "console"])
def test_the_first_load_is_small(folder: str) -> None:
    """The page, and what it names: its script, all that is imported with it, and its style."""
    files = read_built(folder, STATIC).files
    page = files["index.html"]
    named = re.findall(rb'(?:src|href)="([\w./-]+\.(?:js|css))"', page)
    assert len(named) > 1
    sizes = {name.decode(): compressed(files[name.decode()]) for name in named}
    assert sum(sizes.values()) + compressed(page) <= FIRST_LOAD_BYTES_MAX, sizes


def test_the_element_is_small_and_loads_nothing_with_itself() -> None:
    element = read_built("app", STATIC).files["embed.js"]
    assert compressed(element) <= ELEMENT_BYTES_MAX
    assert re.search(rb'import\s*["{]|from\s*"', element) is None


@needs_node
def test_private_names_are_short(built: Path) -> None:
    """The SDK names private properties `_name`; a key of packets or of the storage that began so would be lost."""
    scripts = {path.name: path.read_text() for path in (built / "app").glob("*.js")}
    found = {name: re.findall(r"\._[a-z]\w+", script) for name, script in scripts.items()}
    assert {name for name, names in found.items() if names} == set()
    sources = [*(web_sources.WEB / "sdk/src").rglob("*.ts"), *(web_sources.WEB / "app/src").rglob("*.ts*")]
    declared = {
        f"{path.name}: {key}"
        for path in sources
        for interface in re.findall(r"\binterface \w+[^{]*\{(.*?)^\}", path.read_text(), re.M | re.S)
        for key in re.findall(r"\b(_[a-z]\w*)\??:", interface)
    }
    assert declared == set()


def test_nothing_in_a_page_is_inline() -> None:
    for name in ("index.html", "embed.html"):
        page = read_built("app", STATIC).files[name].decode()
        assert re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", page) is None


def test_no_page_names_a_foreign_host() -> None:
    """Namespaces of XML are names that nobody asks for; a map is opened by whoever presses a place."""
    known = {"http://www.w3.org", "https://www.openstreetmap.org"}
    for folder in ("app", "console"):
        for name, content in read_built(folder, STATIC).files.items():
            found = (
                set(re.findall(rb"https?://[a-zA-Z0-9.-]+", content)) if not name.endswith(".png") else set()
            )
            assert {host.decode() for host in found} <= known, name


def test_the_worker_stores_the_files_of_its_version() -> None:
    built = read_built("app", STATIC)
    worker = built.files["sw.js"].decode()
    assert built.version in worker
    assert f'content="{built.version}"'.encode() in built.files["index.html"]
    for name in built.files:
        if name not in ("index.html", "embed.html", "embed.js", "sw.js"):
            assert f'"{name}"' in worker, name


def test_they_are_in_the_package() -> None:
    """All of chatd/ is, but for what git ignores."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["chatd"]}
    names = [f"chatd/web/static/{name}" for name in (MANIFEST, *manifest_in(STATIC).files)]
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *names], cwd=ROOT, capture_output=True, text=True
    )
    assert ignored.stdout == ""
