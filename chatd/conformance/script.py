"""The language of scenarios: a file to steps, `use` put in place of fragments, and what is wrong, with file and line.

docs/conformance.md has the language for those who write scenarios.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .packets import HELPERS, NAMES
from .patterns import called
from .steps import WORD, Step, Where, parse_step
from .values import Call, Name, NotationError, Parser, names, replaced

HERE = Path(__file__).parent / "scenarios"
SUFFIX = ".scenario"
FRAGMENTS = "fragments"

PROFILES = (
    *("core", "persistence", "edits", "read_state", "large_rooms", "background", "account"),
    *("people", "reports", "bots", "push", "conversations", "channels", "http_status"),
)
"""What a client may be able to do; a scenario names what it needs. `json` and `deflate` are encodings."""

TITLE = re.compile(r"(scenario|fragment)\s+([a-z0-9][a-z0-9-]*)\b")


class ScriptError(Exception):
    """A scenario is not written as the language wants; the text begins with file and line."""


@dataclass(frozen=True)
class Scenario:
    """One file: its headers, and its steps with the fragments in place."""

    name: str
    where: Where
    proves: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("core",)
    encodings: tuple[str, ...] = ("msgpack", "json")
    virtual: bool = False
    """Whether it needs a testee on a virtual clock, since nobody would wait so long."""
    about: str = ""
    """The comment at its top: one sentence or two for a reader."""
    steps: tuple[Step, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of a fragment: its parameters with their defaults, None where it has none."""

    @property
    def named(self) -> set[str]:
        """The types of packets that a step waits for: none of them is passed over."""
        return {kind for step in self.steps if step.verb in ("C>", "C?", "C&") for kind in kinds(step.value)}

    @property
    def least_s(self) -> float:
        """The seconds that it takes at least, by its windows and waits."""
        total, origin = 0.0, 0.0
        for step in self.steps:
            if step.verb == "C!":
                total = max(total, origin + step.window[1]) if step.window else total
            elif step.verb == "C?" and step.window:
                total = origin = max(total, origin + step.window[0])
            else:
                total += step.window[1] if step.verb == "wait" and step.window else 0
                origin = total
        return total


def kinds(value: Any) -> set[str]:
    """Return the types that a pattern of a packet, or of a frame of packets, names."""
    if isinstance(value, list):
        return set().union(*map(kinds, value))
    kind = value.get("type") if isinstance(value, dict) else None
    options = getattr(kind, "options", (kind,))
    return {option for option in options if isinstance(option, str)}


# A file to lines.


def lines(text: str, file: str) -> Iterator[tuple[Where, str]]:
    """Yield the lines of a file, those that begin with white space added to the one before; comments and empty lines
    are left out."""
    where, held = Where(file, 0), ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        if line[0].isspace() and held:
            held += "\n" + line.strip()
            continue
        if held:
            yield where, held
        where, held = Where(file, number), line.rstrip()
    if held:
        yield where, held


def parse(text: str, file: str, fragments: Mapping[str, Scenario] | None = None) -> Scenario:
    """Return the scenario, or fragment, of a file. Raises ScriptError."""
    rows = list(lines(text, file))
    if not rows:
        raise ScriptError(f"{file}:1: there is no line `scenario NAME ...`")
    head, *body = rows
    with _located(*head):
        scenario = _head(*head, _about(text))
        if scenario.name != Path(file).stem and Path(file).suffix == SUFFIX:
            raise ValueError(f"its name is {scenario.name}, and that of its file {Path(file).stem}")
    steps: list[Step] = []
    for where, line in body:
        with _located(where, line):
            step = parse_step(where, line)
            steps += _used(step, fragments or {}) if step.verb == "use" else [step]
    scenario = replace(scenario, steps=tuple(steps))
    _check(scenario)
    return scenario


class _located:
    """Turns ValueError and NotationError into ScriptError with the line."""

    def __init__(self, where: Where, line: str) -> None:
        self.where, self.line = where, line

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, NotationError):
            shown = self.line.replace("\n", " ")
            raise ScriptError(f"{self.where}: {error}\n  {shown}\n  {'':{error.at}}^") from None
        if isinstance(error, ValueError):
            raise ScriptError(f"{self.where}: {error}\n  {self.line}") from None


def _about(text: str) -> str:
    """Return the comment lines at the top, before the first step."""
    found = []
    for line in text.splitlines()[1:]:
        if not line.startswith("#"):
            break
        found.append(line.lstrip("# ").rstrip())
    return " ".join(found)


def _head(where: Where, line: str, about: str) -> Scenario:
    found = TITLE.match(line)
    if found is None:
        raise ValueError("the first line is `scenario NAME ...` or `fragment NAME ...`")
    scenario = Scenario(found.group(2), where, about=about)
    parser = Parser(line)
    parser.place = found.end()
    if found.group(1) == "fragment":
        return replace(scenario, parameters=_parameters(parser))
    while not parser.ended:
        key = parser.word(WORD, "a header: proves, profile, encoding or time")
        if key not in HEADERS:
            raise ValueError(f"there is no header `{key}`: {', '.join(HEADERS)}")
        listed = tuple(parser.word(re.compile(r"[^\s]+"), f"what {key} says").split(","))
        scenario = replace(scenario, **_header(key, listed))
    return scenario


HEADERS = ("proves", "profile", "encoding", "time")


def _header(key: str, listed: tuple[str, ...]) -> dict[str, Any]:
    allowed = {"profile": (*PROFILES, "deflate"), "encoding": ("msgpack", "json"), "time": ("virtual",)}.get(
        key
    )
    for word in listed:
        if allowed is not None and word not in allowed:
            raise ValueError(f"{key} is one of {', '.join(allowed)}, and not {word}")
    if key == "time":
        return {"virtual": True}
    return {{"profile": "profiles", "encoding": "encodings"}.get(key, key): listed}


def _parameters(parser: Parser) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not parser.ended:
        if (key := parser.key()) is not None:
            found[key] = parser.value()
        else:
            found[parser.word(WORD, "a parameter, as `name` or `name=default`")] = None
    return found


# Fragments.


KNOWN = {*NAMES, "token", "elsewhere"}
"""Names that have a value from the start; `token` is the one that the app gave last, `elsewhere` another
address of the scripted server."""


def _used(step: Step, fragments: Mapping[str, Scenario]) -> Iterable[Step]:
    """Return the steps of a fragment with the arguments in place of its parameters."""
    if step.word not in fragments:
        raise ValueError(f"there is no fragment `{step.word}`: {', '.join(sorted(fragments)) or 'none'}")
    fragment = fragments[step.word]
    if strange := set(step.fields) - set(fragment.parameters):
        raise ValueError(f"{step.word} takes no {', '.join(strange)}: {', '.join(fragment.parameters)}")
    given = {**fragment.parameters, **step.fields}
    if missing := [name for name, value in given.items() if value is None]:
        raise ValueError(f"{step.word} needs {', '.join(missing)}")
    # A default may name another parameter. Other names of the fragment are its own, at each use.
    given = {name: replaced(value, given) for name, value in given.items()}
    own = set().union(
        *(names(i.value) | names(dict(i.fields)) | names(dict(i.result)) for i in fragment.steps)
    )
    for name in own - set(given) - KNOWN:
        given[name] = Name(f"{name}'{step.where.line}")
    return [
        replace(
            inner,
            where=step.where,
            text=f"{step.text}  ({inner.where}: {inner.text})",
            value=replaced(inner.value, given),
            fields=replaced(dict(inner.fields), given),
            result=replaced(dict(inner.result), given),
        )
        for inner in fragment.steps
    ]


# The check of a whole scenario.


def _check(scenario: Scenario) -> None:
    """Raise ScriptError for a name that has no value where it is used, and a call of nothing."""
    bound = {*KNOWN, *scenario.parameters}
    for step in scenario.steps:
        with _located(step.where, step.text):
            used = names(step.value) | names(dict(step.fields))
            if step.verb not in ("C>", "C?", "C&", "state") and (loose := used - bound):
                raise ValueError(f"${min(loose)} has no value yet")
            bound |= used | names(dict(step.result))
            if not scenario.parameters:
                _calls(step.value, bound)


def _calls(value: Any, bound: set[str]) -> None:
    """Try every call with a number in place of each name: raises ValueError for one that nothing answers to."""
    if isinstance(value, Call):
        called(value, dict.fromkeys(bound, 1), HELPERS)
    elif isinstance(value, dict):
        for part in value.values():
            _calls(part, bound)
    elif isinstance(value, list):
        for part in value:
            _calls(part, bound)


# The library.


def load(folder: Path = HERE) -> list[Scenario]:
    """Return all scenarios of a folder and of those in it, by name. Raises ScriptError at the first that is wrong."""
    fragments = load_fragments(folder)
    found: dict[str, Scenario] = {}
    for file in sorted(folder.rglob(f"*{SUFFIX}")):
        if FRAGMENTS in file.relative_to(folder).parts:
            continue
        scenario = parse(file.read_text(encoding="utf-8"), str(file.relative_to(folder.parent)), fragments)
        if scenario.name in found:
            raise ScriptError(f"{scenario.where}: {found[scenario.name].where} has the same name")
        found[scenario.name] = scenario
    return [found[name] for name in sorted(found)]


def load_fragments(folder: Path = HERE) -> dict[str, Scenario]:
    """Return the fragments of a folder by name, after those of the kit. Raises ScriptError."""
    found: dict[str, Scenario] = {}
    for place in dict.fromkeys([HERE, folder]):
        for file in sorted((place / FRAGMENTS).glob(f"*{SUFFIX}")):
            name = str(file.relative_to(place.parent))
            fragment = parse(file.read_text(encoding="utf-8"), name, found)
            found[fragment.name] = fragment
    return found
