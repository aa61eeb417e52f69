"""docs/client.md, the README of the TypeScript client and its public names say the same."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SDK = ROOT / "web" / "sdk"
DOCUMENT = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
README = (SDK / "README.md").read_text(encoding="utf-8")
COLUMN = "\n".join(re.findall(r"^\| [^|]* \| [^|]* \|([^|]*)\|$", DOCUMENT, re.M))
CLASSES = {"client": ("client.ts", "people.ts"), "room": ("rooms.ts",)}


@pytest.mark.parametrize("owner", CLASSES)
def test_what_is_said_of_it_exists(owner):
    source = "".join((SDK / "src" / file).read_text(encoding="utf-8") for file in CLASSES[owner])
    named = set(re.findall(rf"(?<![./_a-z]){owner}\.([a-zA-Z]+)", COLUMN + README)) - {"ts"}
    defined = set(re.findall(r"^  (?:get |async )?\*?(\w+)[(<]", source, re.M))
    defined |= set(re.findall(r"^  async \*(\w+)\(", source, re.M))
    assert named - defined == set()
    assert len(named) > 10


def test_the_example_shown_is_the_one_that_runs():
    program = (SDK / "example.mjs").read_text(encoding="utf-8").split("\n", 3)[3]
    assert f"```js\n{program}```" in DOCUMENT


@pytest.mark.parametrize("name", ["example_push.mjs", "example_worker.js"])
def test_the_examples_of_notifications_are_those_that_run(name):
    program = (SDK / name).read_text(encoding="utf-8")
    assert f"```js\n{program}```" in (ROOT / "docs" / "push-web.md").read_text(encoding="utf-8")
    assert len(program.splitlines()) < 25


def test_every_change_is_listed():
    kinds = set(
        re.findall(r'kind: "(\w+)"', (SDK / "src" / "core" / "changes.ts").read_text(encoding="utf-8"))
    )
    assert kinds - set(re.findall(r"`(\w+)`", README)) == set()


def test_every_entry_is_described():
    entries = re.findall(r'^    "\./(\w+)":', (SDK / "package.json").read_text(encoding="utf-8"), re.M)
    assert {f"@chatd/client/{entry}" for entry in entries} <= set(re.findall(r"@chatd/client/\w+", README))
