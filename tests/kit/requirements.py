"""The requirements of a client, as the table in protocol.md states them, and what proves each.

    python -m tests.kit.requirements

writes the names of the scenarios that prove a requirement into its row; checks and vectors are written by hand.
"""

import re
from dataclasses import dataclass

from chatd.conformance.checks import RULES
from chatd.conformance.script import Scenario, load
from tests.kit import document

TITLE = "Requirements of a client"
VECTORS = "vectors"
CHECK = "check "


@dataclass(frozen=True)
class Requirement:
    """One row. `proofs` are names of scenarios, `check RULE`, and `vectors`."""

    id: str
    sentence: str
    profile: str
    proofs: tuple[str, ...]

    @property
    def section(self) -> str:
        """The number of the section that states the rule."""
        return self.id.partition("-")[0]

    @property
    def checks(self) -> set[str]:
        """The rules for every frame that prove it."""
        return {proof.removeprefix(CHECK) for proof in self.proofs if proof.startswith(CHECK)}

    @property
    def scenarios(self) -> set[str]:
        """The scenarios that prove it."""
        return {proof for proof in self.proofs if not proof.startswith(CHECK) and proof != VECTORS}


def requirements() -> list[Requirement]:
    """Return all rows, in their order."""
    return [
        Requirement(
            row["Id"],
            row["A client"],
            row["Profile"],
            tuple(re.findall(r"`([^`]+)`", f"`{row['Proved by']}`")),
        )
        for row in _section().table(first="Id")
    ]


def proving(scenarios: list[Scenario]) -> dict[str, list[str]]:
    """Return the names of the scenarios that say they prove an id, by id."""
    found: dict[str, list[str]] = {}
    for scenario in scenarios:
        for id in scenario.proves:
            found.setdefault(id, []).append(scenario.name)
    return found


def written(text: str) -> str:
    """Return the document with the scenarios in the rows, as the scenarios say."""
    named = proving(load())
    for requirement in requirements():
        byhand = [f"{CHECK}{rule}" for rule in RULES if rule in requirement.checks]
        byhand += [VECTORS] if VECTORS in requirement.proofs else []
        cell = ", ".join(f"`{proof}`" for proof in [*byhand, *sorted(named.get(requirement.id, ()))])
        row = rf"(?m)^(\| `{re.escape(requirement.id)}` \|.*\| )[^|]*\|$"
        text = re.sub(row, lambda found, cell=cell: f"{found[1]}{cell} |", text)  # type: ignore[misc]
    return text


def _section() -> document.Section:
    (found,) = (section for section in document.sections() if section.title.endswith(TITLE))
    return found


if __name__ == "__main__":
    document.PATH.write_text(written(document.text()), encoding="utf-8")
