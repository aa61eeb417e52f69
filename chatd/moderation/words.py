"""Words of filters, found in one pass over a text by the automaton of Aho and Corasick: the only file that knows it."""

from collections.abc import Iterable, Iterator

import ahocorasick

from chatd.core.filters import Filter, is_whole, normal_form


class Words:
    """All words of all lists."""

    def __init__(self, lists: Iterable[Filter]) -> None:
        self._automaton = ahocorasick.Automaton()
        # By normal form: the lists that have the word, and as they have it.
        rules: dict[str, list[tuple[Filter, str]]] = {}
        for one in lists:
            for word in one.words:
                rules.setdefault(normal_form(word), []).append((one, word))
        for form, having in rules.items():
            self._automaton.add_word(form, (len(form), having))
        if rules:
            self._automaton.make_automaton()
        self._is_empty = not rules

    def find(self, form: str) -> Iterator[tuple[Filter, str, int, int]]:
        """Yield the list, the word, its start and its end for each whole word in a text in normal form."""
        if self._is_empty:
            return
        for last, (length, having) in self._automaton.iter(form):
            start, end = last + 1 - length, last + 1
            if is_whole(form, start, end):
                for one, word in having:
                    yield one, word, start, end
