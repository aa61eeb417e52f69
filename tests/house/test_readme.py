"""The README as a newcomer follows it: every command is run, every program too, every output compared."""

import re
from itertools import pairwise

import pytest

from chatd.cli.main import COMMANDS
from tests.kit.newcomer import ROOT, Block, Newcomer, blocks, links, loosened, recipe

README = ROOT / "README.md"
BLOCKS = blocks(README)

# Lines that are not simply run. What the terminal chat is told is what the output below it shows.
MAKE_TEST = "make test"
MAKE_RUN = "make run"
TYPED = {".venv/bin/chatd chat --as bob --with alice": "Hi Alice\n"}


@pytest.fixture
def newcomer(tmp_path_factory):
    # A short name: the path of a Unix socket has at most 107 bytes.
    somebody = Newcomer(tmp_path_factory.mktemp("r"))
    yield somebody
    somebody.leave()


def follow(newcomer: Newcomer, block: Block) -> str:
    """Do what a block of shell says, line by line; everything it printed."""
    output = ""
    for line in block.lines:
        if line == MAKE_TEST:
            assert recipe("test").startswith(".venv/bin/pytest ")
        elif line == MAKE_RUN:
            output += newcomer.make_run()
        else:
            output += newcomer.run(line, TYPED.get(line, ""))
    return output


def test_everything_works_as_it_is_written(newcomer):
    output = ""
    for block in BLOCKS:
        if block.language == "sh":
            output = follow(newcomer, block)
        elif block.language == "python":
            newcomer.save(block.lines[0].removeprefix("# "), block.text)
        elif block.language == "text":
            printed = {loosened(line) for line in output.splitlines()}
            missing = [line for line in block.lines if loosened(line) not in printed]
            assert not missing, f"line {block.line}: not printed: {missing}\nbut:\n{output}"


def test_every_block_is_of_a_kind_that_is_tried():
    assert {block.language for block in BLOCKS} <= {"sh", "python", "text"}


def test_every_program_is_saved_and_run():
    commands = "\n".join(block.text for block in BLOCKS if block.language == "sh")
    for block in BLOCKS:
        if block.language == "python":
            name = re.fullmatch(r"# (\w+\.py)", block.lines[0])
            assert name, f"line {block.line}: the first line of a program is its name"
            assert f"python {name[1]}" in commands


def test_every_output_follows_the_commands_that_print_it():
    for before, block in pairwise(BLOCKS):
        if block.language == "text":
            assert before.language == "sh", f"line {block.line}"


def test_the_programs_are_short():
    for block in BLOCKS:
        if block.language == "python":
            assert len(block.lines) < 30, f"line {block.line}"


def test_commands_in_sentences_exist():
    named = set(re.findall(r"`chatd ([a-z]+)", README.read_text()))
    assert named
    assert named <= set(COMMANDS)


def test_links_lead_somewhere():
    missing = [str(path) for path in links(README) if not path.exists()]
    assert not missing


def test_it_does_not_promise_what_nobody_can():
    text = README.read_text().lower()
    for words in ("exactly once", "exactly-once", "zero downtime", "unlimited", "military"):
        assert words not in text
