"""The kit against protocol.md and docs/conformance.md: what stands in both is the same."""

import re

import pytest

from chatd.conformance.conversation import BY_THE_WAY
from chatd.conformance.limits import DEFAULTS, PAGED
from chatd.conformance.packets import HELPERS, NAMES
from chatd.conformance.page import CHAPTERS
from chatd.conformance.player import STEPS
from chatd.conformance.schema import REQUESTS
from chatd.conformance.script import HEADERS, KNOWN, PROFILES, load_fragments
from chatd.conformance.steps import DO, LIFE, PASSED, ROOM_STATE, STATE, VERBS
from tests.kit import document
from tests.kit.newcomer import ROOT

TEXT = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
TABLES = document.tables(TEXT)


def column(title: str) -> list[str]:
    """Return the first cells of the table of docs/conformance.md whose first column has this title."""
    (found,) = (rows for rows in TABLES if next(iter(rows[0])) == title)
    return [row[title] for row in found]


def first_words(title: str) -> set[str]:
    """Return the first word of each cell, up to a space or a bracket."""
    return {re.split(r"[ (]", name)[0] for cell in column(title) for name in document.words(cell)}


def test_requests_are_those_of_the_index() -> None:
    assert set(REQUESTS) == set(document.index())


@pytest.mark.parametrize("request_type", REQUESTS)
def test_a_request_has_the_keys_of_its_section(request_type: str) -> None:
    keys = {key.rstrip("_"): not key.endswith("_") for key in REQUESTS[request_type]}
    keys.pop("id", None)
    assert keys == document.keys(request_type)


def test_limits_have_the_defaults_of_the_protocol() -> None:
    assert DEFAULTS.items() <= document.limits().items()
    assert all(key in document.keys(request_type) for request_type, key in PAGED.items())


def test_chapters_of_a_report_are_those_of_the_protocol() -> None:
    titles = {section.title for section in document.sections() if section.level == 2}
    assert {f"{number}. {title}" for number, title in CHAPTERS.items()} <= titles


def test_the_document_has_every_word_of_the_language() -> None:
    assert first_words("Header") == {"scenario", *HEADERS}
    assert first_words("Step") == set(VERBS) == {"use", *STEPS}
    assert first_words("do") == set(DO)
    assert first_words("Helper") == {f"${name}" for name in HELPERS}
    assert first_words("Name") == {f"${name}" for name in KNOWN} >= {f"${name}" for name in NAMES}
    assert first_words("Fragment") == set(load_fragments())


def test_the_document_has_every_part_of_a_state() -> None:
    assert first_words("`state` of the client") == set(STATE)
    assert first_words("`state` of a room") == set(ROOM_STATE)


def test_the_document_has_every_profile() -> None:
    assert first_words("Profile") == {*PROFILES, "json", "deflate"}


def test_what_is_passed_over_is_answered_and_stands_in_the_document() -> None:
    (listed,) = re.findall(r"\*\*Passed over\*\* are (.*?):", TEXT, re.S)
    assert tuple(document.words(listed)) == PASSED
    assert {"pong", *BY_THE_WAY} == set(PASSED)


def test_the_document_has_what_happens_to_an_app() -> None:
    (row,) = (row for rows in TABLES for row in rows if row.get("Step") == "life what")
    assert set(document.words(row["Does"])) == set(LIFE)
