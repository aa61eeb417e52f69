"""Filters made of lists. The libraries they need are in the extra `moderation`, and imported when there is a list."""

from collections.abc import Sequence

from chatd.core.filters import Filter, Hit, normal_form, spans
from chatd.moderation.interface import Filters
from chatd.protocol.errors import Refused

EXTRA = "filters need their libraries: pip install 'chatd[moderation]'"


class CompiledFilters:
    """The words and the patterns of some lists."""

    def __init__(self, lists: Sequence[Filter]) -> None:
        try:
            from chatd.moderation.patterns import Patterns
            from chatd.moderation.words import Words
        except ImportError as missing:
            raise Refused("not_supported", EXTRA) from missing
        self._words = Words(lists)
        self._patterns = Patterns(lists)

    def find(self, text: str) -> Sequence[Hit]:
        form = normal_form(text)
        found = [*self._words.find(form), *self._patterns.find(form)]
        if not found:
            return ()
        places = spans(text, [(start, end) for _, _, start, end in found])
        return [Hit(one, rule, *place) for (one, rule, _, _), place in zip(found, places, strict=True)]


class NoFilters:
    """The filters of no list."""

    def find(self, text: str) -> Sequence[Hit]:
        return ()


def compiled(lists: Sequence[Filter]) -> Filters:
    """Return the filters of these lists, ready. Raises Refused."""
    return CompiledFilters(lists) if lists else NoFilters()
