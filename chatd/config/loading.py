"""The loading of one checked Config from file, environment and flags, with the origin of every value. Later wins."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatd.config.files import read_secret
from chatd.config.model import Config
from chatd.config.problems import ConfigError, Problem, refuse
from chatd.config.reloadable import replaced
from chatd.config.rules import broken_rules
from chatd.config.schema import Field, converted, fields, nearest
from chatd.config.sources import Setting, environment_settings, file_settings, flag_settings

DEFAULT = "default"
SHOWN_MAX = 60  # characters of a wrong value in its problem: enough to find it


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and the origin of each "section.key": default, file:line, env NAME, a flag."""

    config: Config
    origins: Mapping[str, str]


def load(
    path: str | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Sequence[tuple[str, str, str]] = (),
    look: Callable[[Config], Iterable[Problem]] = lambda config: (),
) -> Loaded:
    """Load the configuration from a TOML file, CHATD_SECTION__KEY variables and (name, text, flag) triples.

    `look` finds further problems. Raises ConfigError with all problems, except for those of rules over a value
    that is wrong itself.
    """
    gathered = _Layers()
    gathered.take(file_settings(path) if path else ())
    gathered.take(environment_settings(environment or {}))
    gathered.take(flag_settings(flags))
    origins = gathered.origins
    config = gathered.with_secret(replaced(Config(), gathered.values))
    gathered.problems += broken_rules(config, origins, gathered.spoilt)
    gathered.problems += look(config)
    if gathered.problems:
        raise ConfigError(gathered.problems)
    return Loaded(config, {name: origins.get(name, DEFAULT) for name in fields()})


@dataclass(slots=True)
class _Layers:
    """The values and problems of the layers so far. `spoilt`: keys with a wrong value; None when it may be any."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    spoilt: set[str] | None = field(default_factory=set)

    def take(self, layer: Iterable[Setting | Problem]) -> None:
        """Add a layer, which wins over those before."""
        try:
            for entry in layer:
                self._take(entry)
        except ConfigError as error:  # a file that cannot be read as a whole
            self.problems += error.problems
            self.spoilt = None

    def _take(self, entry: Setting | Problem) -> None:
        outcome = _checked(entry) if isinstance(entry, Setting) else entry
        if isinstance(outcome, Problem):
            self.problems.append(outcome)
            if isinstance(entry, Setting) and self.spoilt is not None:
                self.spoilt.add(entry.name)
        elif isinstance(entry, Setting):
            self.values[entry.name], self.origins[entry.name] = outcome, entry.origin

    def with_secret(self, config: Config) -> Config:
        """Return `config` with the secret in its `secret_file`; add a problem when it cannot be used."""
        auth = config.auth
        if not auth.secret_file:
            return config
        try:
            if auth.secret:
                where = self.origins.get("auth.secret", "")
                raise refuse(where, "auth.secret and auth.secret_file are both set", "Keep secret_file.")
            config = replaced(config, {"auth.secret": read_secret(auth.secret_file)})
        except ConfigError as error:
            self.problems += error.problems
        else:
            self.origins["auth.secret"] = f"file {auth.secret_file}"
        return config


def _checked(setting: Setting) -> Any:
    """Return the value in its final type, or the Problem with it."""
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
