"""The scenarios of the kit: each file is one, in its language, says what it proves, and in a sentence what that is."""

from pathlib import Path

import pytest

from chatd.conformance.script import HERE, SUFFIX, load, load_fragments, parse

FRAGMENTS = load_fragments()
FILES = sorted(file for file in HERE.rglob(f"*{SUFFIX}") if "fragments" not in file.parts)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_a_scenario(file: Path) -> None:
    scenario = parse(file.read_text(encoding="utf-8"), str(file.relative_to(HERE)), FRAGMENTS)
    assert scenario.proves, "it proves nothing"
    assert scenario.about.endswith("."), "the comment below its first line is no sentence"
    assert scenario.steps


def test_no_two_have_one_name() -> None:
    assert len(load()) == len(FILES)


def test_every_fragment_is_used() -> None:
    used = {
        line.split()[1]
        for file in HERE.rglob(f"*{SUFFIX}")
        for line in file.read_text().splitlines()
        if line.startswith("use ")
    }
    assert used == set(FRAGMENTS)
