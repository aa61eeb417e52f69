"""docs/client.md and the public names say the same, and the example of `Client` runs."""

import asyncio
import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

import chatd.client
from chatd.client import Change, Client, MessageAdded, Room, Settings, Timing
from tests.kit.daemon import config_for, running_daemon
from tests.kit.tokens import token_for

TEXT = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
PACKAGE = Path(chatd.client.__file__).parent


# The third column of the table and the chapter "TypeScript" are compared in tests/web/test_sdk_docs.py.
PYTHON = re.sub(
    r"^(\| [^|]* \| [^|]* \|)[^|]*\|$",
    r"\1",
    re.sub(r"^## TypeScript.*?(?=^## )", "", TEXT, flags=re.M | re.S),
    flags=re.M,
)


def named(owner):
    return sorted(set(re.findall(rf"(?<![./_a-z]){owner}\.([a-z_]+)", PYTHON)) - {"py"})


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


def example(url, token):
    """The namespace of the example in the docstring of `Client`, with another server and a token of it."""
    _, code, _ = re.split(r"^```.*$", inspect.getdoc(Client), flags=re.M)
    for old, new in {
        "wss://chat.example/v1/ws": url,
        "a token of the host app": token,
        "asyncio.run(main())": "",
    }.items():
        assert old in code
        code = code.replace(old, new)
    names = {}
    exec(code, names)
    return names


async def test_the_example_of_a_client_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = asyncio.Queue()

    async def get_token():
        return token_for("bob")

    async with running_daemon(config_for(tmp_path)) as daemon, Client(daemon.url, get_token) as bob:
        changes = bob.changes()
        names = example(daemon.url, token_for("ann"))
        names["print"] = printed.put_nowait
        main = asyncio.create_task(names["main"]())
        async with asyncio.timeout(60.0):
            while not isinstance(change := await anext(changes), MessageAdded):
                pass
            assert change.message.text == "Hi"
            await bob.room(change.room).send("Hi yourself")
            while not isinstance(change := await printed.get(), MessageAdded):
                pass
            assert change.message.text == "Hi yourself"
        main.cancel()
        await asyncio.wait([main])
