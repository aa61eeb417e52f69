"""One line of a scenario to a step: its verb, and what the verb takes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .values import Call, Either, Parser

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
    "leave": (set(), set()),
    "older": ({"room"}, {"before", "limit"}),
    "resend": ({"key"}, set()),
    "discard": ({"key"}, set()),
    "watch": ({"users"}, set()),
    "friend": ({"user", "step"}, {"note", "via"}),
    "contact": ({"user"}, {"remark", "circles", "following", "blocked"}),
    "cards": ({"users"}, set()),
    "join": ({"room"}, {"text"}),
    "forward": ({"room", "from", "seqs"}, set()),
    "verify": (set(), set()),
    "accept": ({"room"}, set()),
    "report": ({"reason"}, {"user", "room", "seq", "text"}),
    "press": ({"room", "target", "data"}, set()),
    "register": ({"platform", "token"}, set()),
    "push": ({"set"}, set()),
    "decline": ({"room"}, {"block"}),
    "sync": (set(), set()),
    "call": ({"packet"}, set()),
}
"""The actions of an app, each with the arguments it must have and those it may have."""

PASSED = ("pong", "ping", "delivered", "read", "typing", "focus", "watch", "mode", "users.get")
"""Packets that a client may send by the way: passed over, and answered, unless the scenario waits for one."""

CONNECT, CLOSE, TOKEN = "#connect", "#close", "#token"
"""The types of what is no packet, and waited for like one."""

WINDOW = re.compile(r"(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?(ms|s)\b")
VERB = re.compile(r"[A-Z][>?!&]|[a-z]+")
WORD = re.compile(r"[A-Za-z0-9_.-]+")


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


def parse_step(where: Where, line: str) -> Step:
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
        # A page cannot drop a connection: it closes it with 1000.
        return {"type": CLOSE, "code": Either((0, 1000))}
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
    word = parser.word(WORD, "an action")
    if word not in DO:
        raise ValueError(f"there is no action `{word}`: {', '.join(DO)}")
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


STATE = ("phase", "code", "epoch", "cursor", "outbox", "rooms", "account", "presence", "contacts", "users")
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
    return replace(step, value=[room, parser.value()])


def _health(parser: Parser, step: Step) -> Step:
    word = parser.word(WORD, "ok or portal")
    if word not in ("ok", "portal"):
        raise ValueError(f"health is ok or portal, and not {word}")
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
