"""What is wrong with a configuration: where, what, and how to mend it. All problems are told at once."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault; `where` is file:line, `env NAME`, a flag, or "" when no one place is to blame."""

    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}. {self.fix}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` has at least one entry."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def refuse(where: str, what: str, fix: str) -> ConfigError:
    """A `ConfigError` with a single problem."""
    return ConfigError([Problem(where, what, fix)])
