"""Patterns of filters, matched by RE2 in a time that is linear in the text: the only file that knows it."""

from collections.abc import Iterable, Iterator, Sequence

import re2

from chatd.core.filters import Filter
from chatd.protocol.errors import Refused

# For all patterns together: a repetition of repetitions may want more, and is refused.
MEMORY_BYTES = 64 << 20


def options() -> re2.Options:
    """Return the options of all patterns: texts have no case by then."""
    chosen = re2.Options()
    chosen.case_sensitive = False
    chosen.log_errors = False
    chosen.max_mem = MEMORY_BYTES
    return chosen


class Patterns:
    """All patterns of all lists: one set says which of them match at all, which most texts do not."""

    def __init__(self, lists: Iterable[Filter]) -> None:
        self._rules: list[tuple[Filter, str, re2._Regexp]] = []
        found = [(one, place, pattern) for one in lists for place, pattern in enumerate(one.patterns)]
        self._set = re2.Set.SearchSet(options())
        for one, place, pattern in found:
            try:
                compiled = re2.compile(pattern, options())
                self._set.Add(pattern)
            except re2.error as error:
                why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
                raise Refused("bad_request", why, field=f"patterns[{place}]") from error
            if compiled.search(b""):
                raise Refused("bad_request", "it is in every text", field=f"patterns[{place}]")
            self._rules.append((one, pattern, compiled))
        if found:
            self._set.Compile()

    def find(self, form: str) -> Iterator[tuple[Filter, str, int, int]]:
        """Yield the list, the pattern, the start and the end of matches in a text in normal form.

        All of those to mask, and the first of any other: one is enough to act.
        """
        # Of bytes: the offsets of a match in a str are counted anew from its beginning, for each match.
        data = form.encode()
        # None where nothing matches.
        matching: Sequence[int] | None = self._set.Match(data) if self._rules else None
        if not matching:
            return
        chars = range(len(form) + 1) if form.isascii() else chars_of(form)
        for place in matching:
            one, pattern, compiled = self._rules[place]
            for match in compiled.finditer(data):
                if match.start() == match.end():
                    # Of a bound as `\b` alone: there is no character to act on.
                    continue
                yield one, pattern, chars[match.start()], chars[match.end()]
                if one.does != "mask":
                    break


def chars_of(form: str) -> Sequence[int]:
    """Return the number of the character, by byte of a text in UTF-8 and for its end."""
    return [place for place, char in enumerate(form) for _ in char.encode()] + [len(form)]
