"""The keys of the configuration, read from its structs: for checks, suggestions and generated texts."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from chatd.config.model import Config
from chatd.config.people import Bounds
from chatd.config.secret import Secret

ONE_OR_SEVERAL = "text or list of texts"


@dataclass(frozen=True, slots=True)
class Field:
    """One key: `expects` has its type and bounds in words, `annotation` for msgspec."""

    section: str
    key: str
    annotation: Any
    default: Any
    expects: str
    description: str

    @property
    def name(self) -> str:
        return f"{self.section}.{self.key}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"CHATD_{self.section}__{self.key}".upper()

    @property
    def shown_default(self) -> str:
        """The default in TOML; JSON is TOML for texts, numbers, truth values and lists."""
        return msgspec.json.encode(self.default, enc_hook=str).decode()

    @property
    def secret(self) -> bool:
        return isinstance(self.default, Secret)


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the file, with the sentence that introduces it."""

    name: str
    description: str
    fields: tuple[Field, ...]


@cache
def sections() -> tuple[Section, ...]:
    """Return all sections in the order of `Config`."""
    hints = get_type_hints(Config)
    return tuple(_section(name, hints[name]) for name in Config.__struct_fields__)


@cache
def fields() -> dict[str, Field]:
    """Return all keys by "section.key"."""
    return {field.name: field for section in sections() for field in section.fields}


def nearest(name: str) -> str:
    """Return the key most similar to `name`, or "" if none is close.

    >>> nearest("limits.pgae")
    'limits.page'
    """
    known = [*fields(), *(section.name for section in sections())]
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    if found:
        return found[0]
    # A key under the wrong section is the other common mistake.
    key = name.rpartition(".")[2]
    return next((other for other in fields() if other.rpartition(".")[2] == key), "")


def converted(field: Field, value: Any, *, loose: bool) -> Any:
    """Return `value` in the type of `field`, else ValueError; `loose` reads text as numbers and truth values."""
    return msgspec.convert(value, field.annotation, strict=not loose, dec_hook=from_plain)


def from_plain(kind: type, value: Any) -> Any:
    """Make a `Secret` of a str; the `dec_hook` for msgspec."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"expected a text, got {type(value).__name__}")


def plain(value: Any) -> Any:
    """Return `value` in types of JSON: lists, maps, texts and numbers; secrets as asterisks."""
    return msgspec.to_builtins(value, enc_hook=str)


def _section(name: str, struct: type[msgspec.Struct]) -> Section:
    return Section(name, (struct.__doc__ or "").strip(), tuple(_fields(name, struct)))


def _fields(section: str, struct: type[msgspec.Struct]) -> Iterator[Field]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        kind, description = _unwrapped(inspect.type_info(hints[field.name]))
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        yield Field(section, field.name, hints[field.name], default, _expects(kind), description)


def _unwrapped(kind: inspect.Type) -> tuple[inspect.Type, str]:
    if isinstance(kind, inspect.Metadata):
        return kind.type, (kind.extra_json_schema or {}).get("description", "")
    return kind, ""


def _expects(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high):
            return f"integer {low} to {high}"
        case inspect.FloatType(ge=low, le=high):
            return f"number {low:g} to {high:.0f}"
        case inspect.LiteralType(values=words):
            return "one of " + ", ".join(sorted(str(word) for word in words))
        case inspect.VarTupleType(item_type=inspect.StructType(cls=cls)):
            return f"list of tables with {', '.join(cls.__struct_fields__)}"
        case inspect.VarTupleType(item_type=inspect.LiteralType(values=words)):
            return "list of " + ", ".join(sorted(str(word) for word in words))
        case inspect.VarTupleType():
            return "list of texts"
        case inspect.StructType(cls=cls):
            return f"table with {', '.join(cls.__struct_fields__)}"
        case inspect.DictType(value_type=inspect.StructType(cls=cls)) if cls is Bounds:
            return "table of tables with default, widest, narrowest"
        case inspect.UnionType():
            return ONE_OR_SEVERAL
        case _:
            return "text"
