"""docs/client.md and the public names say the same."""

import re
from pathlib import Path
from typing import get_args

import pytest

import chatd.client
from chatd.client import Change, Client, Room, Settings, Timing

TEXT = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
PACKAGE = Path(chatd.client.__file__).parent


def named(owner):
    return sorted(set(re.findall(rf"(?<![./_a-z]){owner}\.([a-z_]+)", TEXT)) - {"py"})


@pytest.mark.parametrize("name", named("client"))
def test_what_the_document_says_of_a_client_exists(name):
    assert hasattr(Client, name)


@pytest.mark.parametrize("name", named("room"))
def test_what_the_document_says_of_a_room_exists(name):
    assert hasattr(Room, name)


@pytest.mark.parametrize("kind", [Settings, Timing])
def test_the_settings_it_names_exist(kind):
    used = re.findall(rf"\b{kind.__name__}\(([^)]*)\)", TEXT)
    for name in re.findall(r"(\w+)=", " ".join(used)):
        assert name in kind.__dataclass_fields__


def test_every_module_is_described():
    modules = {path.name for path in PACKAGE.rglob("*.py")} - {"__init__.py"}
    assert modules - set(re.findall(r"[a-z_]+\.py", TEXT)) == set()


def test_every_change_is_public():
    assert {kind.__name__ for kind in get_args(Change)} <= set(chatd.client.__all__)


def test_all_public_names_exist():
    assert all(hasattr(chatd.client, name) for name in chatd.client.__all__)
