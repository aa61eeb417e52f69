"""A subcommand: a line about it, its options, and how it runs."""

import argparse
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bench import options


@dataclass(frozen=True)
class Scenario:
    """One subcommand. `offers` are names of `options.OPTIONS`, `defaults` theirs; `adds` are options of its own."""

    summary: str
    run: Callable[[argparse.Namespace], Coroutine[Any, Any, int]]
    offers: str = ""
    defaults: dict[str, Any] | None = None
    adds: Callable[[argparse.ArgumentParser], None] | None = None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        if self.adds is not None:
            self.adds(parser)
        options.offer(parser, self.offers, **(self.defaults or {}))
