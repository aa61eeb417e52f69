"""The promises: each stands in docs/promises.md with tests and breaks that exist, and the README repeats five."""

import ast
import re
from functools import cache

import pytest

from tests.kit.newcomer import ROOT
from tests.simulation.canaries import CANARIES

PROMISES = 46

CHAPTERS = re.findall(
    r"^### (G\d+) (.+?)\n\n(.+?)\n\n- Refuted by: (.+?)\n- Broken on purpose: (.+?)(?=\n\n###|\n*\Z)",
    (ROOT / "docs" / "promises.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


def test_every_promise_has_its_chapter() -> None:
    numbers = range(1, PROMISES + 1)
    assert [chapter[0] for chapter in CHAPTERS] == [f"G{number}" for number in numbers]


def test_the_readme_repeats_five_word_for_word() -> None:
    rows = re.findall(
        r"^\| \*\*(G\d+)\*\* ([^|]+?) \| ([^|]+?) \|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert len(rows) == 5
    assert set(rows) <= {(number, name, " ".join(text.split())) for number, name, text, _, _ in CHAPTERS}


@pytest.mark.parametrize(("number", "refuted", "broken"), [(n, r, b) for n, _, _, r, b in CHAPTERS])
def test_what_can_refute_a_promise_exists(number: str, refuted: str, broken: str) -> None:
    assert named_tests(refuted)
    assert named_tests(broken) or named_canaries(broken)
    for path, name in [*named_tests(refuted), *named_tests(broken)]:
        assert name in functions(path), f"{path}::{name}"
    assert set(named_canaries(broken)) <= set(CANARIES)


def test_what_holds_an_attacker_exists() -> None:
    held = named_tests((ROOT / "SECURITY.md").read_text())
    assert len(held) > 10
    for path, name in held:
        assert name in functions(path), f"{path}::{name}"


def named_tests(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


def named_canaries(text: str) -> list[str]:
    return re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text)


@cache
def functions(path: str) -> frozenset[str]:
    """The functions of a test file by name; none of a file that is not there."""
    file = ROOT / path
    tree = ast.parse(file.read_text() if file.exists() else "")
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
