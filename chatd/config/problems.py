"""The problems of a configuration, each with its place and remedy. All are reported at once."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem and its remedy; `where` is file:line, `env NAME`, a flag, or "" when it has no single place."""

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
    """Return a `ConfigError` with a single problem."""
    return ConfigError([Problem(where, what, fix)])
