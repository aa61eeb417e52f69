"""The dependencies: few, each with its reason and a lower bound, and one matching lock for deployments."""

import re
import tomllib
from importlib.metadata import requires, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.kit.newcomer import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
EXTRAS = PROJECT["project"]["optional-dependencies"]
OPTIONAL = [Requirement(line) for lines in EXTRAS.values() for line in lines]
BUILD = [Requirement(line) for line in PROJECT["build-system"]["requires"]]
LOCK = (ROOT / "docs" / "requirements.txt").read_text()
REASON_CHARACTERS_MIN = 20  # shorter ones say nothing

names = pytest.mark.parametrize


def locked() -> dict[str, tuple[Version, list[str]]]:
    """Version and hashes of everything in the lock, by canonical name."""
    found = {}
    text = re.sub(r"^\s*#.*\n", "", LOCK, flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        wanted, *rest = line.split(" --hash=sha256:")
        requirement = Requirement(wanted)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        hashes = [one.strip() for one in rest if re.fullmatch(r"[0-9a-f]{64}", one.strip())]
        found[canonicalize_name(requirement.name)] = (Version(pin.version), hashes)
    return found


LOCKED = locked()


@names("wanted", [*RUNTIME, *BUILD], ids=str)
def test_the_lock_holds_what_pyproject_asks_for(wanted):
    pinned, _ = LOCKED[canonicalize_name(wanted.name)]
    assert wanted.specifier.contains(pinned), "run: make lock"


def test_the_lock_holds_what_those_depend_on():
    """As far as it can be seen here: the requirements of the packages of this environment."""
    for name in LOCKED:
        if canonicalize_name(name) in {canonicalize_name(one.name) for one in BUILD}:
            continue
        try:
            below = [Requirement(line) for line in requires(name) or ()]
        except ModuleNotFoundError:  # only needed to build
            continue
        needed = [one for one in below if one.marker is None or one.marker.evaluate({"extra": ""})]
        assert {canonicalize_name(one.name) for one in needed} <= set(LOCKED), name


def test_every_line_of_the_lock_is_hashed():
    assert len(LOCKED) > len(RUNTIME)
    assert [
        name for name, (_, hashes) in LOCKED.items() if len(set(hashes)) != len(hashes) or not hashes
    ] == []


def test_the_lock_names_no_place_to_download_from():
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", LOCK)


@names("wanted", [*RUNTIME, *OPTIONAL], ids=str)
def test_what_is_installed_is_not_older_than_its_floor(wanted):
    try:
        installed = version(wanted.name)
    except ModuleNotFoundError:
        pytest.skip(f"{wanted.name} is an extra that is not installed")
    assert wanted.specifier.contains(installed)


@names("wanted", [*RUNTIME, *OPTIONAL], ids=str)
def test_every_dependency_has_a_floor_and_a_reason(wanted):
    assert any(one.operator == ">=" for one in wanted.specifier)
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    named = [one for one in lines if re.match(rf'\s+"{re.escape(wanted.name)}[\[><;]', one)]
    assert named
    for line in named:
        _, mark, reason = line.partition("# ")
        assert mark, f"{wanted.name} has no reason"
        assert len(reason) >= REASON_CHARACTERS_MIN
