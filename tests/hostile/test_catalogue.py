"""Every number of the catalogue is tested somewhere, and everything that is tested has a number."""

import ast
from pathlib import Path

import pytest

from tests.hostile.catalogue import CATALOGUE, ELSEWHERE, NOT_THERE
from tests.hostile.corpus import CASES, SCENARIOS, TIMED
from tests.hostile.documented import is_documented
from tests.kit.newcomer import ROOT

HERE = {one.number for one in (*CASES, *SCENARIOS, *TIMED)}
LAST = 166


def names_in(path: Path) -> set[str]:
    """Return the names of the tests in a file; those in classes with the class before them."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        functions = (one for one in inner if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
        names |= {f"{prefix}{function.name}" for function in functions}
    return names


def test_no_number_is_forgotten() -> None:
    assert sorted({*CATALOGUE, *NOT_THERE}) == list(range(1, LAST + 1))
    assert not set(CATALOGUE) & set(NOT_THERE)


def test_every_number_is_tried_here_or_elsewhere() -> None:
    assert HERE | set(ELSEWHERE) == set(CATALOGUE)


@pytest.mark.parametrize("number", ELSEWHERE)
def test_what_is_tried_elsewhere_is_there(number: int) -> None:
    for node in ELSEWHERE[number]:
        file, _, name = node.partition("::")
        assert (ROOT / file).exists(), node
        assert not name or name in names_in(ROOT / file), node


def test_every_outcome_is_a_documented_one() -> None:
    assert [case.id for case in CASES if not is_documented(case.outcome) and case.outcome != "waits"] == []


def test_no_case_stands_there_twice() -> None:
    ids = [one.id for one in (*CASES, *SCENARIOS, *TIMED)]
    assert sorted({id for id in ids if ids.count(id) > 1}) == []
