"""Options that several commands share."""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from chatd.config.loading import Loaded, load
from chatd.config.model import Config
from chatd.config.problems import Problem
from chatd.config.schema import fields

R = TypeVar("R")

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[int]):
    """Whole seconds, or a number with s, m, h or d: 90, 30m, 1h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", str(value))
        if not match:
            self.fail(f"{value!r} is not a duration such as 90, 30m or 1h", param, ctx)
        return int(match[1]) * _SECONDS[match[2]]


@dataclass(frozen=True, slots=True)
class ConfigSources:
    """The sources of a command's configuration: --config, --data, --set, and the environment."""

    path: str | None
    data: str | None
    changes: tuple[str, ...]

    def load(self, look: Callable[[Config], Iterable[Problem]] = lambda config: ()) -> Loaded:
        """Read them; ConfigError, also with problems that `look` finds, or BadParameter for a malformed --set."""
        flags = [_change(change) for change in self.changes]
        if self.data is not None:
            flags.append(("storage.directory", self.data, "--data"))
        return load(self.path, os.environ, flags, look)


def with_configuration(command: Callable[..., R]) -> Callable[..., R]:
    """Add --config, --data and --set, and pass the loaded configuration as the first argument."""

    @with_config_sources
    @wraps(command)
    def loading(sources: ConfigSources, **others: Any) -> R:
        return command(sources.load(), **others)

    return loading


def with_config_sources(command: Callable[..., R]) -> Callable[..., R]:
    """Add --config, --data and --set, and pass the ConfigSources as the first argument."""

    @click.option(
        "--config", "path", envvar="CHATD_CONFIG", metavar="FILE", help="TOML file; see chatd config init."
    )
    @click.option("--data", metavar="DIR", help="Data directory, instead of storage.directory.")
    @click.option(
        "--set", "changes", multiple=True, metavar="SECTION.KEY=VALUE", help="One setting; may be repeated."
    )
    @wraps(command)
    def placing(path: str | None, data: str | None, changes: tuple[str, ...], **others: Any) -> R:
        return command(ConfigSources(path, data, changes), **others)

    return placing


def _change(change: str) -> tuple[str, str, str]:
    name, equals, value = change.partition("=")
    if not equals:
        raise click.BadParameter(f"{change!r} is not SECTION.KEY=VALUE", param_hint="--set")
    field = fields().get(name)
    if field is not None and field.secret:
        # Every user of the machine can read command lines, in ps and /proc.
        raise click.BadParameter(f"write {name} to a file and set {name}_file", param_hint="--set")
    return name, value, f"--set {name}"
