"""The table of what a client must do, in protocol.md, against the scenarios and checks that prove it."""

import re

import pytest

from chatd.conformance.checks import RULES
from chatd.conformance.script import PROFILES, load
from tests.kit import document
from tests.kit.requirements import VECTORS, Requirement, proving, requirements, written

SCENARIOS = {scenario.name: scenario for scenario in load()}
REQUIREMENTS = requirements()
IDS = [requirement.id for requirement in REQUIREMENTS]
# What a client is to one who plays against it: encodings are tried with each scenario.
ENCODINGS = {"json", "deflate"}

every_requirement = pytest.mark.parametrize("requirement", REQUIREMENTS, ids=IDS)


def test_the_rows_name_the_scenarios_that_say_they_prove_them() -> None:
    """`python -m tests.kit.requirements` writes them."""
    assert written(document.text()) == document.text()


def test_ids_count_within_a_section_in_its_order() -> None:
    sections = list(dict.fromkeys(requirement.section for requirement in REQUIREMENTS))
    numbers = [section.number for section in document.sections()]
    assert sections == sorted(sections, key=numbers.index)
    for section in sections:
        own = [id for id in IDS if id.partition("-")[0] == section]
        assert own == [f"{section}-{number}" for number in range(1, len(own) + 1)]


@every_requirement
def test_a_requirement_is_proved(requirement: Requirement) -> None:
    assert requirement.proofs
    assert requirement.scenarios <= set(SCENARIOS)
    assert requirement.checks <= set(RULES)
    assert requirement.profile in {*PROFILES, *ENCODINGS}


@every_requirement
def test_a_client_of_its_profile_is_tried(requirement: Requirement) -> None:
    """What only another profile could try would stay untried with a client that has this one alone."""
    has = {"core", requirement.profile}
    tried = [set(SCENARIOS[name].profiles) <= has for name in requirement.scenarios]
    assert any(tried) or requirement.checks or VECTORS in requirement.proofs


def test_scenarios_prove_nothing_else() -> None:
    assert set(proving(list(SCENARIOS.values()))) <= set(IDS)


def test_every_check_proves_something() -> None:
    assert {rule for requirement in REQUIREMENTS for rule in requirement.checks} == set(RULES)


def test_every_section_that_says_must_has_its_rows() -> None:
    """The word itself stands in few places; there are at least as many rows."""
    said: dict[str, int] = {}
    number = ""
    for section in document.sections():
        number = section.number or number
        if re.match(r"([2-9]|1[0-6])\b", number):
            said[number] = said.get(number, 0) + len(re.findall(r"\bMUST\b", section.text))
    assert sum(said.values()) >= 10
    for number, times in said.items():
        assert len([id for id in IDS if id.partition("-")[0] == number]) >= times, number
