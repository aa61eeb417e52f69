"""The notation of packets and patterns: JSON, and beside it `$names`, calls, `*`, alternatives and ranges; pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class NotationError(Exception):
    """A text is no value. `at` is the place in the text, from 0."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.at = at


@dataclass(frozen=True)
class Name:
    """`$name`: what it is bound to; in a pattern an unbound one is bound to what stands there."""

    name: str


@dataclass(frozen=True)
class Call:
    """`$name(1, key=2)`: a packet or an object that packets.py makes of the arguments."""

    name: str
    args: tuple[Any, ...]
    named: Mapping[str, Any]


@dataclass(frozen=True)
class Anything:
    """`*`: any value, but there must be one."""


@dataclass(frozen=True)
class Absent:
    """`absent`: the key must not be there."""


@dataclass(frozen=True)
class Rest:
    """`...`: any number of items of an array."""


@dataclass(frozen=True)
class Either:
    """`a|b`: one of these."""

    options: tuple[Any, ...]


@dataclass(frozen=True)
class Between:
    """`1..5`, or `1..$n`: an integer from the first to the last."""

    low: int
    high: Any


@dataclass(frozen=True)
class Not:
    """`!a`: anything else."""

    value: Any


@dataclass(frozen=True)
class More:
    """`+3`: so many more than at the last look."""

    count: int


WORDS = {"true": True, "false": False, "null": None, "absent": Absent()}


class Parser:
    """Parses one text that holds values; `place` is where the next one begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def skip(self) -> None:
        """Skip white space."""
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1

    @property
    def ended(self) -> bool:
        """Whether nothing but white space is left."""
        self.skip()
        return self.place == len(self.text)

    def sees(self, sign: str) -> bool:
        """Take `sign` if it comes next."""
        self.skip()
        found = self.text.startswith(sign, self.place)
        self.place += len(sign) if found else 0
        return found

    def expect(self, sign: str) -> None:
        """Take `sign`; raises NotationError when something else comes."""
        if not self.sees(sign):
            raise self.error(f"expected {sign!r}")

    def word(self, pattern: re.Pattern[str], what: str) -> str:
        """Take what `pattern` matches; raises NotationError when it does not."""
        self.skip()
        found = pattern.match(self.text, self.place)
        if found is None:
            raise self.error(f"expected {what}")
        self.place = found.end()
        return found.group()

    def error(self, reason: str) -> NotationError:
        """Return an error at the place that is to be read next."""
        rest = self.text[self.place : self.place + 24]
        return NotationError(
            f"{reason} at {rest!r}" if rest else f"{reason} at the end of the line", self.place
        )

    def value(self) -> Any:
        """Take a value with its alternatives."""
        options = [self._single()]
        while self.sees("|"):
            options.append(self._single())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _single(self) -> Any:
        self.skip()
        for sign, take in SIGNS:
            if self.sees(sign):
                return take(self)
        sign = self.text[self.place : self.place + 1]
        if sign == '"':
            return self._string()
        if sign == "-" or sign.isdigit():
            return self._number()
        word = self.word(NAME, "a value")
        if word not in WORDS:
            self.place -= len(word)
            raise self.error("expected a value (text stands in quotes)")
        return WORDS[word]

    def _string(self) -> str:
        start = self.place
        found = self.word(STRING, "a text that ends with a quote")
        try:
            return str(json.loads(found))
        except ValueError as error:
            self.place = start
            raise self.error(f"no JSON text ({error})") from None

    def _number(self) -> Any:
        number = json.loads(self.word(NUMBER, "a number"))
        if not self.sees(".."):
            return number
        if self.sees("$"):
            return Between(number, Name(self.word(NAME, "a name behind $")))
        high = json.loads(self.word(NUMBER, "the last number of the range"))
        if not (isinstance(number, int) and isinstance(high, int) and number <= high):
            raise self.error(f"{number}..{high} is no range of integers")
        return Between(number, high)

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self.sees("}"):
            if found:
                self.expect(",")
            self.skip()
            key = self._string()
            self.expect(":")
            if key in found:
                raise self.error(f"the key {key!r} stands twice in one object, before")
            found[key] = self.value()
        return found

    def _array(self) -> list[Any]:
        found: list[Any] = []
        while not self.sees("]"):
            if found:
                self.expect(",")
            found.append(self.value())
        return found

    def _name(self) -> Name | Call:
        name = self.word(NAME, "a name behind $")
        if not self.text.startswith("(", self.place):
            return Name(name)
        self.place += 1
        args: list[Any] = []
        named: dict[str, Any] = {}
        while not self.sees(")"):
            if args or named:
                self.expect(",")
            if (key := self.key()) is not None:
                named[key] = self.value()
            elif named:
                raise self.error("an argument without a name stands behind one with a name")
            else:
                args.append(self.value())
        return Call(name, tuple(args), named)

    def key(self) -> str | None:
        """Take `name=` if it comes next."""
        self.skip()
        found = NAME.match(self.text, self.place)
        if found is None or not self.text.startswith("=", found.end()):
            return None
        self.place = found.end() + 1
        return found.group()

    def _more(self) -> More:
        return More(int(self.word(NUMBER, "a number")))


SIGNS: tuple[tuple[str, Callable[[Parser], Any]], ...] = (
    ("{", Parser._object),
    ("[", Parser._array),
    ("$", Parser._name),
    ("...", lambda _: Rest()),
    ("*", lambda _: Anything()),
    ("!", lambda parser: Not(parser._single())),
    ("+", Parser._more),
)


def parse(text: str) -> Any:
    """Return the value that the whole text is. Raises NotationError."""
    parser = Parser(text)
    found = parser.value()
    if not parser.ended:
        raise parser.error("nothing more was expected")
    return found


def names(value: Any) -> set[str]:
    """Return all `$names` of a value."""
    if isinstance(value, Name):
        return {value.name}
    parts: list[Any] = []
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, list | tuple):
        parts = list(value)
    elif isinstance(value, Call):
        parts = [*value.args, *value.named.values()]
    elif isinstance(value, Either):
        parts = list(value.options)
    elif isinstance(value, Not | Between):
        parts = [value.value if isinstance(value, Not) else value.high]
    return set().union(*map(names, parts))


def replaced(value: Any, given: Mapping[str, Any]) -> Any:
    """Return the value with other values in place of some of its `$names`."""
    match value:
        case Name():
            return given.get(value.name, value)
        case dict():
            return {key: replaced(part, given) for key, part in value.items()}
        case list():
            return [replaced(part, given) for part in value]
        case Call():
            args = tuple(replaced(part, given) for part in value.args)
            return Call(value.name, args, replaced(dict(value.named), given))
        case Either():
            return Either(tuple(replaced(part, given) for part in value.options))
        case Not():
            return Not(replaced(value.value, given))
        case Between():
            return Between(value.low, replaced(value.high, given))
    return value


def show(value: Any) -> str:
    """Return a value in its notation."""
    match value:
        case Name():
            return f"${value.name}"
        case Call():
            parts = [*map(show, value.args), *(f"{key}={show(part)}" for key, part in value.named.items())]
            return f"${value.name}({', '.join(parts)})"
        case Anything():
            return "*"
        case Absent():
            return "absent"
        case Rest():
            return "..."
        case Either():
            return "|".join(map(show, value.options))
        case Between():
            return f"{value.low}..{show(value.high)}"
        case Not():
            return f"!{show(value.value)}"
        case More():
            return f"+{value.count}"
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{show(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ",".join(map(show, value)) + "]"
        case bytes():
            return f"<{len(value)} bytes>"
    return json.dumps(value, ensure_ascii=False)
