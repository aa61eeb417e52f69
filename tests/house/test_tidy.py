"""Sizes, names and the mirror of the tree. A number here may be lowered; raising one needs a reason in the table."""

import ast
import re

import pytest

from tests.kit.sources import body_lines, parameters, sources

LINES = 400  # of a product file; the median is below 150
TEST_LINES = 600  # a file of tests is a list: read in parts
BODY_LINES = 60
PARAMETERS = 7  # with self
COLUMNS = 120  # code is wrapped at 110; a sentence may stand out a little

BANNED = {"util", "utils", "helper", "helpers", "manager", "misc", "common"}  # whole words of a name
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# Words that say that something is not finished, in pieces so that this file does not find itself.
UNFINISHED = re.compile(rf"\b({'TO'}DO|FIX{'ME'}|XX{'X'}|NotImplemented{'Error'})\b")

TYPED = ("tests/kit", "tests/simulation")  # tools of the tests, held to the rules of the product
PRODUCT = sources("chatd", "bench", *TYPED)
TESTS = tuple(source for source in sources("tests") if not source.name.startswith(TYPED))
EVERYTHING = (*PRODUCT, *TESTS)
REEXPORTS = dict.fromkeys(("chatd/client/__init__.py", "chatd/host/__init__.py"), "a public library")
TESTED_ELSEWHERE = {
    "changes": "types",
    "pushes": "types, which tests/client/core/test_packets.py compares with protocol.md",
    "timing": "numbers",
    "room_steps": "types",
    "sync_query": "types",
    "imports": "tests/commands/test_imports.py, on a real store",
    "past_messages": "tests/commands/test_imports.py, on a real store",
    "emoji": "tests/protocol/test_emoji.py holds both sides to the same table",
}
MANY_PARAMETERS = {"say": "tests/kit/history_builder.py: the keys of a message, by name"}


def offenders(found):
    """The files of which something is left to say, with what it is."""
    return {source.name: left for source, left in found if left}


def test_files_are_short():
    assert [source.name for source in PRODUCT if len(source.lines) > LINES] == []
    assert [source.name for source in TESTS if len(source.lines) > TEST_LINES] == []


def test_functions_are_short():
    def long(source):
        return [function.name for function in source.functions() if body_lines(function) > BODY_LINES]

    assert offenders((source, long(source)) for source in EVERYTHING) == {}


def test_functions_take_few_parameters():
    def greedy(source):
        many = [function.name for function in source.functions() if parameters(function) > PARAMETERS]
        return [name for name in many if name not in MANY_PARAMETERS]

    assert offenders((source, greedy(source)) for source in PRODUCT) == {}


def test_lines_are_short():
    def wide(source):
        lines = [line.split("  # noqa")[0] for line in source.lines]
        return [number for number, line in enumerate(lines, 1) if len(line) > COLUMNS]

    assert offenders((source, wide(source)) for source in PRODUCT) == {}


def test_names_say_what_a_thing_is():
    def vague(source):
        names = [source.path.stem, *(node.name for node in source.classes())]
        return [name for name in names if BANNED & {word.lower() for word in WORDS.findall(name)}]

    assert offenders((source, vague(source)) for source in EVERYTHING) == {}


def test_nothing_is_left_unfinished():
    def left(source):
        return [line.strip() for line in source.lines if UNFINISHED.search(line)]

    assert offenders((source, left(source)) for source in EVERYTHING) == {}


def test_every_module_says_what_lives_in_it():
    assert [source.name for source in PRODUCT if not ast.get_docstring(source.tree)] == []


def test_packages_hold_a_docstring_and_no_code():
    packages = [source for source in PRODUCT if source.path.name == "__init__.py"]

    def code(source):
        statements = [ast.unparse(node).split(" = ")[0] for node in source.tree.body if not is_text(node)]
        return [statement for statement in statements if statement != "__version__"]

    assert set(offenders((source, code(source)) for source in packages)) == set(REEXPORTS)


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_tests_of_the_inside_wait_for_nothing_by_the_clock():
    """`sleep(0)` gives way to others; a longer one hopes."""
    inside = ("tests/core", "tests/commands", "tests/writer", "tests/jobs", "tests/house", "tests/protocol")
    hoping = re.compile(r"(?<!def )\bsleep\((?!0\))")
    assert [s.name for s in TESTS if s.name.startswith(inside) and hoping.search(s.text)] == []


def test_tests_of_pages_look_until_it_is_so():
    """A page changes when the answer comes, not when a button was pressed: `expect` of tests/kit/browser.py waits."""
    once = re.compile(
        r"assert (not )?await .*\.(count|inner_text|text_content|input_value|is_\w+)\(\)( ==|,|$)", re.M
    )
    found = [
        (s.name, look[0]) for s in TESTS if s.name.startswith("tests/web") for look in once.finditer(s.text)
    ]
    assert found == []


def test_tests_have_no_packages():
    assert [source.name for source in TESTS if source.path.name == "__init__.py"] == []


def test_a_test_file_has_the_name_of_its_subject_or_says_what_it_is_about():
    """tests/storage holds the tests of storage/sqlite, tests/contracts those of every store."""
    subjects = {
        source.name.replace("/sqlite/", "/") for source in PRODUCT if source.name.startswith("chatd/")
    }
    layers = {name.rpartition("/")[0] for name in subjects}
    for source in TESTS:
        subject = source.name.replace("tests/", "chatd/", 1).replace("/test_", "/")
        if subject.rpartition("/")[0] in layers and subject not in subjects:
            assert ast.get_docstring(source.tree) or source.path.name == "conftest.py", source.name


@pytest.mark.parametrize("core", ["core", "client/core"])
def test_every_file_of_core_has_its_tests(core):
    tested = {source.path.stem for source in TESTS if source.name.startswith(f"tests/{core}/")}
    needed = {source.path.stem for source in sources(f"chatd/{core}")} - {"__init__", *TESTED_ELSEWHERE}
    assert {f"test_{name}" for name in needed} <= tested
