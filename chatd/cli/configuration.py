"""File, environment and flags -> one checked Config and the origin of every value. Later wins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from chatd.cli.files import read_secret
from chatd.cli.layers import Setting, environment_settings, file_settings, flag_settings
from chatd.cli.problems import ConfigError, Problem, refuse
from chatd.cli.rules import broken_rules
from chatd.cli.schema import Field, converted, fields, nearest
from chatd.config import Config
from chatd.settings import replaced

DEFAULT = "default"
SHOWN_MAX = 60  # characters of a wrong value that are shown: enough to find it


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and the origin of each "section.key": default, file:line, env NAME, a flag."""

    config: Config
    origins: Mapping[str, str]


def load(
    path: str | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Sequence[tuple[str, str, str]] = (),
) -> Loaded:
    """The configuration from a TOML file, CHATD_SECTION__KEY variables and (name, text, flag) triples.

    Raises ConfigError with every problem found, not only the first.
    """
    layers = chain(
        file_settings(path) if path else (), environment_settings(environment or {}), flag_settings(flags)
    )
    values, origins, problems = _gathered(layers)
    if problems:
        raise ConfigError(problems)
    config = _secret_read(replaced(Config(), values), origins)
    if broken := list(broken_rules(config, origins)):
        raise ConfigError(broken)
    return Loaded(config, {name: origins.get(name, DEFAULT) for name in fields()})


def _gathered(
    layers: Iterable[Setting | Problem],
) -> tuple[dict[str, Any], dict[str, str], list[Problem]]:
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    problems: list[Problem] = []
    for entry in layers:
        outcome = _checked(entry) if isinstance(entry, Setting) else entry
        if isinstance(outcome, Problem):
            problems.append(outcome)
        elif isinstance(entry, Setting):
            values[entry.name], origins[entry.name] = outcome, entry.origin
    return values, origins, problems


def _checked(setting: Setting) -> Any:
    """The value in its final type, or the Problem with it."""
    field = fields().get(setting.name)
    if field is None:
        return _unknown(setting)
    try:
        return converted(field, setting.value, loose=setting.loose)
    except ValueError as error:
        what = _complaint(field, setting.value, error)
        return Problem(setting.origin, what, f"Default: {field.shown_default}")


def _unknown(setting: Setting) -> Problem:
    near = nearest(setting.name)
    fix = f"Did you mean {near}?" if near else "See all keys: chatd config doc"
    return Problem(setting.origin, f"unknown key {setting.name}", fix)


def _complaint(field: Field, value: Any, error: ValueError) -> str:
    if field.secret:
        return f"{field.name} must be a text"
    if isinstance(value, list):
        return f"{field.name} must be a {field.expects}: {str(error).replace('`', '')}"
    shown = repr(value)
    shown = shown if len(shown) <= SHOWN_MAX else shown[:SHOWN_MAX] + "..."
    return f"{field.name} must be {field.expects}, not {shown}"


def _secret_read(config: Config, origins: dict[str, str]) -> Config:
    auth = config.auth
    if not auth.secret_file:
        return config
    if auth.secret:
        where = origins.get("auth.secret", "")
        raise refuse(where, "auth.secret and auth.secret_file are both set", "Keep secret_file.")
    origins["auth.secret"] = f"file {auth.secret_file}"
    return replaced(config, {"auth.secret": read_secret(auth.secret_file)})
