"""The language of scenarios: a file to steps, `use` put in place of fragments, and what is wrong, with file and line.

docs/conformance.md has the language for those who write scenarios.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .packets import HELPERS, NAMES
from .values import Call, Name, NotationError, Parser, called, fill, names, replaced

HERE = Path(__file__).parent / "scenarios"
SUFFIX = ".scenario"
FRAGMENTS = "fragments"

PROFILES = (
    *("core", "persistence", "edits", "read_state", "large_rooms", "background", "account", "http_status"),
)
"""What a client may be able to do; a scenario names what it needs (web.md 3.5). `json` and `deflate` are encodings."""

LIFE = ("background", "foreground", "suspend", "resume", "network_changed", "stop")
DO: Mapping[str, tuple[set[str], set[str]]] = {
    "post": ({"room"}, {"text", "body", "silent"}),
    "edit": ({"room", "target"}, {"text", "body"}),
    "recall": ({"room", "target"}, set()),
    "react": ({"room", "target", "emoji"}, {"set"}),
    "pin": ({"room", "target"}, {"set"}),
    "read": ({"room"}, {"seq"}),
    "typing": ({"room"}, set()),
    "open": ({"room"}, set()),
    "leave": (set(), {"room"}),
    "older": ({"room"}, {"before", "limit"}),
    "resend": ({"key"}, set()),
    "discard": ({"key"}, set()),
    "watch": ({"users"}, set()),
    "sync": (set(), set()),
    "call": ({"packet"}, set()),
}
"""The deeds of an app, each with the arguments it must have and those it may have."""

PASSED = ("pong", "ping", "delivered", "read", "typing", "focus", "watch", "mode", "users.get")
"""Packets that a client may send by the way: passed over, and answered, unless the scenario waits for one."""

CONNECT, CLOSE, TOKEN = "#connect", "#close", "#token"
"""The types of what is no packet, and waited for like one."""

WINDOW = re.compile(r"(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?(ms|s)\b")
TITLE = re.compile(r"(scenario|fragment)\s+([a-z0-9][a-z0-9-]*)\b")
VERB = re.compile(r"[A-Z][>?!&]|[a-z]+")
WORD = re.compile(r"[A-Za-z0-9_.-]+")


class ScriptError(Exception):
    """A scenario is not written as the language wants; the text begins with file and line."""


@dataclass(frozen=True)
class Where:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Step:
    """One line of a scenario. `verb` is its first word; the other fields are what its verb takes."""

    verb: str
    where: Where
    text: str
    value: Any = None
    window: tuple[float, float] | None = None
    """First and last second, from the last step that is no window."""
    word: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    """Patterns of what a `do` gives back, behind `->`."""


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
    allow: tuple[str, ...] = ()
    """Checks of every frame that do not hold here."""
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
            step = _step(where, line)
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
        key = parser.word(WORD, "a header: proves, profile, encoding, time or allow")
        if key not in HEADERS:
            raise ValueError(f"there is no header `{key}`: {', '.join(HEADERS)}")
        listed = tuple(parser.word(re.compile(r"[^\s]+"), f"what {key} says").split(","))
        scenario = replace(scenario, **_header(key, listed))
    return scenario


HEADERS = ("proves", "profile", "encoding", "time", "allow")


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


# A line to a step.


def _step(where: Where, line: str) -> Step:
    parser = Parser(line)
    verb = parser.word(VERB, "S>, C>, C?, C!, C& or a verb")
    if verb not in VERBS:
        raise ValueError(f"there is no `{verb}`: {' '.join(VERBS)}")
    step = VERBS[verb](parser, Step(verb, where, line))
    if not parser.ended:
        raise parser.error("nothing more was expected")
    return step


def _server(parser: Parser, step: Step) -> Step:
    for word in ("deflate", "hex"):
        if parser.sees(word + " "):
            value = (
                parser.value() if word == "deflate" else parser.word(re.compile(r"[0-9a-f]+"), "bytes in hex")
            )
            return replace(step, word=word, value=value)
    return replace(step, value=parser.value())


def _client(parser: Parser, step: Step) -> Step:
    window = _window(parser)
    if step.verb == "C!" and window is None:
        raise parser.error("C! needs a window, as in `C! 0..450ms {...}`")
    if step.verb == "C?" and window is None:
        raise parser.error("C? needs a window, as in `C? 450..1500ms {...}`")
    if step.verb in ("C>", "C&") and window is not None:
        raise ValueError(f"{step.verb} has no window: C? has one")
    value = _pseudo(parser) or parser.value()
    if not isinstance(value, dict | list | Call):
        raise ValueError("a packet is an object, a frame of several packets an array")
    return replace(step, window=window, value=value)


def _pseudo(parser: Parser) -> dict[str, Any] | None:
    """Take `connect`, `close`, `close 1001`, `drop` or `token`, which are no packets."""
    if parser.sees("connect"):
        return {"type": CONNECT}
    if parser.sees("token"):
        return {"type": TOKEN}
    if parser.sees("drop"):
        return {"type": CLOSE, "code": 0}
    if parser.sees("close"):
        return {"type": CLOSE} if parser.ended else {"type": CLOSE, "code": parser.value()}
    return None


def _window(parser: Parser) -> tuple[float, float] | None:
    parser.skip()
    found = WINDOW.match(parser.text, parser.place)
    if found is None:
        return None
    parser.place = found.end()
    unit = 0.001 if found.group(3) == "ms" else 1.0
    first = float(found.group(1)) * unit
    if found.group(2) is None:
        return (0.0, first)
    if first > (last := float(found.group(2)) * unit):
        raise ValueError("the window ends before it begins")
    return (first, last)


def _wait(parser: Parser, step: Step) -> Step:
    if (window := _window(parser)) is None:
        raise parser.error("expected a time, as in `wait 500ms`")
    return replace(step, window=window)


def _do(parser: Parser, step: Step) -> Step:
    word = parser.word(WORD, "a deed")
    if word not in DO:
        raise ValueError(f"there is no deed `{word}`: {', '.join(DO)}")
    fields, result = _fields(parser), _fields(parser) if parser.sees("->") else {}
    must, may = DO[word]
    if missing := must - set(fields):
        raise ValueError(f"do {word} needs {', '.join(sorted(missing))}")
    if strange := set(fields) - must - may:
        raise ValueError(f"do {word} takes no {', '.join(sorted(strange))}")
    return replace(step, word=word, fields=fields, result=result)


def _life(parser: Parser, step: Step) -> Step:
    word = parser.word(WORD, "what happens to the app")
    if word not in LIFE:
        raise ValueError(f"there is no life `{word}`: {', '.join(LIFE)}")
    return replace(step, word=word)


def _named_fields(parser: Parser, step: Step) -> Step:
    return replace(step, fields=_fields(parser))


def _word_and_fields(parser: Parser, step: Step) -> Step:
    return replace(step, word=parser.word(WORD, f"what to {step.verb}"), fields=_fields(parser))


def _state(parser: Parser, step: Step) -> Step:
    room = parser.value() if parser.text[parser.place :].lstrip().startswith("$") else None
    fields = _fields(parser)
    known = ROOM_STATE if room is not None else STATE
    if not fields:
        raise ValueError("a state names what it should be, as in `state $r applied=4`")
    if strange := set(fields) - set(known):
        of = "of a room" if room is not None else "of the client"
        raise ValueError(f"there is no {', '.join(sorted(strange))} in the state {of}: {', '.join(known)}")
    return replace(step, value=room, fields=fields)


STATE = ("phase", "code", "epoch", "cursor", "outbox", "rooms", "account", "presence")
ROOM_STATE = (
    *("applied", "head", "read", "unread", "unread_mentions", "messages", "cached", "added"),
    *("summary", "receipts", "typing"),
)


def _value(parser: Parser, step: Step) -> Step:
    return replace(step, value=parser.value())


def _plain(_: Parser, step: Step) -> Step:
    return step


def _numbered(parser: Parser, step: Step) -> Step:
    return replace(step, value=parser.value(), fields=_fields(parser))


def _words(parser: Parser, step: Step) -> Step:
    words = []
    while not parser.ended:
        words.append(parser.word(WORD, "a type of packet"))
    return replace(step, value=words)


def _serve(parser: Parser, step: Step) -> Step:
    room = parser.value()
    return replace(step, value=[room, parser.value()], fields=_fields(parser))


def _health(parser: Parser, step: Step) -> Step:
    word = parser.word(WORD, "ok, portal or down")
    if word not in ("ok", "portal", "down"):
        raise ValueError(f"health is ok, portal or down, and not {word}")
    return replace(step, word=word)


def _fields(parser: Parser) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not parser.ended and not parser.text.startswith("->", parser.place):
        key = parser.key()
        if key is None:
            raise parser.error("expected name=value")
        if key in found:
            raise ValueError(f"{key} stands there twice")
        found[key] = parser.value()
    return found


VERBS = {
    "start": _named_fields,
    "use": _word_and_fields,
    "S>": _server,
    "C>": _client,
    "C?": _client,
    "C!": _client,
    "C&": _client,
    "do": _do,
    "life": _life,
    "state": _state,
    "wait": _wait,
    "cut": _plain,
    "close": _numbered,
    "refuse": _numbered,
    "health": _health,
    "token": _value,
    "kill": _plain,
    "restart": _named_fields,
    "pass": _words,
    "serve": _serve,
}


# Fragments.


KNOWN = {*NAMES, "token"}
"""Names that have a value from the start; `token` is the one that the app gave last."""


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


__all__ = ["Name", "Scenario", "ScriptError", "Step", "Where", "fill", "load", "load_fragments", "parse"]
