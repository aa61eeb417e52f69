"""The base of the sections of the configuration, and the annotations of their keys."""

import msgspec
from msgspec import Meta


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all sections: frozen, named arguments only, no unknown keys."""


def text(description: str) -> Meta:
    """Return the annotation of a key without bounds."""
    return Meta(description=description)


def span(low: float, high: float, description: str) -> Meta:
    """Return the annotation of a number between `low` and `high`, both included."""
    return Meta(ge=low, le=high, description=description)
