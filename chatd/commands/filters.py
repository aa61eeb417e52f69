"""The operator's work on filters while the daemon runs.

A list is checked, made ready in a thread together with the others, stored, and then put in force with them. One change
after the other, so that none undoes another.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chatd.commands.admin import Writes
from chatd.config.moderation import Moderation
from chatd.config.problems import ConfigError, Problem
from chatd.core.audit import Audit
from chatd.core.filters import (
    CHARS_A_WORD,
    FILTERS_MAX,
    PATTERN_CHARS_MAX,
    WORD_CHARS_MAX,
    DeleteFilter,
    Does,
    Filter,
    Hit,
    PutFilter,
    masked,
    normal_form,
)
from chatd.moderation.interface import Compile, Filters
from chatd.protocol.errors import Refused
from chatd.storage.interface import DecisionStore


@dataclass(slots=True, frozen=True)
class FilterChange:
    """New values of a list; None leaves one as it is."""

    does: Does | None = None
    reason: str | None = None
    words: tuple[str, ...] | None = None
    patterns: tuple[str, ...] | None = None


@dataclass(slots=True, frozen=True)
class Tried:
    """What the filters do with a text. `does`: "" when nothing, `text`: as it would be stored."""

    does: str
    text: str
    hits: Sequence[Hit]


class FilterLists:
    """All lists, as of the last commit. `adopt`: puts filters in force. `settings`: those in force."""

    def __init__(
        self,
        store: DecisionStore,
        writes: Writes,
        compiled: Compile,
        adopt: Callable[[Filters], None],
        settings: Callable[[], Moderation],
    ) -> None:
        self._store = store
        self._writes = writes
        self._compiled = compiled
        self._adopt = adopt
        self._settings = settings
        self._lists: dict[str, Filter] = {}
        self._filters: Filters | None = None
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read the lists and put them in force, before anybody is served. Raises ConfigError without libraries."""
        if not self._settings().enabled:
            return
        self._lists = {one.name: one for one in await self._store.filters()}
        try:
            self._put_in_force(await self._ready(self._lists))
        except Refused as refused:
            what = f"the stored filters cannot be used: {refused.message}"
            raise ConfigError(
                [Problem("", what, "Install it, or set moderation.enabled = false.")]
            ) from refused

    def listed(self) -> list[Filter]:
        """Return all lists, in order of their names."""
        self._require_enabled()
        return sorted(self._lists.values(), key=lambda one: one.name)

    def named(self, name: str) -> Filter:
        """Return one list; Refused("not_found") when there is none."""
        self._require_enabled()
        if name not in self._lists:
            raise Refused("not_found", "there is no such filter")
        return self._lists[name]

    async def put(self, name: str, change: FilterChange, audit: Audit) -> Filter:
        """Change a list, or add it; return it when it is stored and in force. Raises Refused."""
        self._require_enabled()
        async with self._changing:
            wanted = {key: getattr(change, key) for key in FilterChange.__slots__}
            before = self._lists.get(name) or Filter(name)
            one = replace(before, **{key: value for key, value in wanted.items() if value is not None})
            lists = {**self._lists, name: replace(one, words=checked_words(one.words))}
            check_sizes(lists, lists[name], self._settings())
            await self._change(lists, PutFilter(lists[name]), audit)
            return lists[name]

    async def delete(self, name: str, audit: Audit) -> None:
        """Delete a list: it is out of force when this returns."""
        async with self._changing:
            self.named(name)
            lists = {other: one for other, one in self._lists.items() if other != name}
            await self._change(lists, DeleteFilter(name), audit)

    def tried(self, text: str) -> Tried:
        """Return what the filters in force do with a text, and why."""
        self._require_enabled()
        hits = () if self._filters is None else self._filters.find(text)
        does = {hit.filter.does for hit in hits}
        first = next((one for one in ("reject", "mask", "flag") if one in does), "")
        shown = masked(text, [hit for hit in hits if hit.filter.does == "mask"])
        return Tried(first, text if first == "reject" else shown, sorted(hits, key=lambda hit: hit.start))

    async def _change(self, lists: dict[str, Filter], request: Any, audit: Audit) -> None:
        filters = await self._ready(lists)
        await self._writes("", request, audit)
        self._lists = lists
        self._put_in_force(filters)

    async def _ready(self, lists: dict[str, Filter]) -> Filters:
        return await asyncio.to_thread(self._compiled, list(lists.values()))

    def _put_in_force(self, filters: Filters) -> None:
        self._filters = filters
        self._adopt(filters)

    def _require_enabled(self) -> None:
        if not self._settings().enabled:
            raise Refused("not_supported", "moderation is switched off: moderation.enabled")


def checked_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without those that are the same in normal form; Refused for one that is none."""
    forms: dict[str, str] = {}
    for place, word in enumerate(words):
        form = normal_form(word).strip()
        if not form:
            raise Refused("bad_request", "a word has a character that can be seen", field=f"words[{place}]")
        if len(form) > WORD_CHARS_MAX:
            raise Refused(
                "too_large", f"a word has at most {WORD_CHARS_MAX} characters", field=f"words[{place}]"
            )
        forms.setdefault(form, word.strip())
    return tuple(forms.values())


def check_sizes(lists: dict[str, Filter], changed: Filter, settings: Moderation) -> None:
    """Raise Refused for more lists, words or patterns than there may be, or a pattern that is too long."""
    if len(lists) > FILTERS_MAX:
        raise Refused("too_large", f"at most {FILTERS_MAX} filters")
    chars_max = CHARS_A_WORD * settings.words_max
    if sum(len(word) for one in lists.values() for word in one.words) > chars_max:
        raise Refused("too_large", f"all words have at most {chars_max} characters", field="words")
    for place, pattern in enumerate(changed.patterns):
        if len(pattern) > PATTERN_CHARS_MAX:
            what = f"a pattern has at most {PATTERN_CHARS_MAX} characters"
            raise Refused("too_large", what, field=f"patterns[{place}]")
    for name, most in (("words", settings.words_max), ("patterns", settings.patterns_max)):
        if sum(len(getattr(one, name)) for one in lists.values()) > most:
            raise Refused("too_large", f"at most {most} {name} altogether: moderation.{name}_max", field=name)
