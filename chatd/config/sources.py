"""The three sources of settings: the TOML file, the environment, the flags. Values are not checked here."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatd.config.files import read_text, require_private
from chatd.config.problems import ConfigError, Problem, refuse
from chatd.config.schema import ONE_OR_SEVERAL, Field, fields, nearest, sections

PREFIX = "CHATD_"
_HEADER = re.compile(r"\s*\[{1,2}\s*([\w.\s-]+?)\s*\]{1,2}")
_KEY = re.compile(r"\s*([\w-]+(?:\s*\.\s*[\w-]+)*)\s*=")


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and its origin; `loose`: a text that may be read as a number or truth value."""

    name: str
    value: Any
    origin: str
    loose: bool = False


def file_settings(path: str) -> Iterator[Setting | Problem]:
    """Return the settings of a TOML file, with `path:line` as origin; ConfigError if it is no readable TOML."""
    text = read_text(path)
    tables = _parsed(path, text)
    lines = _lines(text)
    known = {section.name for section in sections()}
    for section, content in tables.items():
        where = _place(path, lines, section)
        if not isinstance(content, dict):
            yield Problem(where, f"{section} is outside every section", _hint(section))
        elif section not in known:
            yield Problem(where, f"unknown section [{section}]", _hint(section))
        else:
            for key, value in content.items():
                yield Setting(f"{section}.{key}", value, _place(path, lines, f"{section}.{key}"))
            if section == "auth" and content.get("secret"):
                try:
                    require_private(path)
                except ConfigError as error:
                    yield from error.problems


def environment_settings(environment: Mapping[str, str]) -> Iterator[Setting | Problem]:
    """Return the settings of CHATD_SECTION__KEY variables; others are ignored unless they look like a mistake."""
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX):
            continue
        section, mark, key = variable.removeprefix(PREFIX).lower().partition("__")
        if mark:
            yield from _setting(f"{section}.{key}", text, f"env {variable}")
        elif slip := _single_underscore(variable):
            yield Problem(f"env {variable}", "has one underscore too few", f"Write {slip}.")


def flag_settings(pairs: Sequence[tuple[str, str, str]]) -> Iterator[Setting | Problem]:
    """Return the settings of (name, text, flag) from the command line."""
    for name, text, flag in pairs:
        yield from _setting(name, text, flag)


def _setting(name: str, text: str, origin: str) -> Iterator[Setting | Problem]:
    field = fields().get(name)
    expects = field.expects if field else ""
    try:
        value = _read(text, expects)
    except ValueError:
        form = "table" if expects.startswith("table") else "list"
        yield Problem(origin, f"{name} is not a {form}", f"Write a JSON {form}: {expects}.")
        return
    yield Setting(name, value, origin, loose=True)


def _hint(name: str) -> str:
    near = nearest(name)
    return (
        f"Did you mean {near}?"
        if near
        else "Write keys below one of: " + ", ".join(f"[{section.name}]" for section in sections())
    )


def _read(text: str, expects: str) -> Any:
    """Return what a text says: a table, which is JSON, a list, or the text itself. Raises ValueError."""
    if expects.startswith("table"):
        return json.loads(text)
    return _listed(text, expects) if "list" in expects else text


def _listed(text: str, expects: str) -> Any:
    """Read a list in one variable: JSON when it begins like one, else words between commas.

    A key that takes one text or several keeps a single word as it is.
    """
    if text.lstrip().startswith('["' if expects == ONE_OR_SEVERAL else "["):  # [::1]:8470 is no JSON
        return json.loads(text)
    words = [word.strip() for word in text.split(",") if word.strip()]
    return text if expects == ONE_OR_SEVERAL and len(words) < 2 else words


def _single_underscore(variable: str) -> str:
    def matches(field: Field) -> bool:
        return field.variable.replace("__", "_") == variable

    return next((field.variable for field in fields().values() if matches(field)), "")


def _parsed(path: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, str(error)) from None
    except RecursionError:
        raise refuse(path, "is nested too deeply", "A configuration has two levels.") from None


def _syntax_error(path: str, message: str) -> Exception:
    what, _, rest = message.partition(" (at ")
    line = re.search(r"line (\d+)", rest)
    where = f"{path}:{line[1]}" if line else path
    if "overwrite" in what or "twice" in what or "already" in what or "mutate" in what:
        return refuse(where, f"a key or table is written twice ({what})", "Keep one of them.")
    return refuse(where, f"is not TOML: {what}", 'Write key = value; texts stand in "quotes".')


def _lines(text: str) -> dict[str, int]:
    """Return the first line of each key by its dotted name; approximate, for messages only."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = re.sub(r"\s", "", header[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = re.sub(r"\s", "", key[1])
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _place(path: str, lines: Mapping[str, int], name: str) -> str:
    line = lines.get(name) or lines.get(name.partition(".")[0])
    return f"{path}:{line}" if line else path
