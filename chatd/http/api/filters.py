"""Filters: lists of words and patterns, and what they do with a text (docs/moderation.md)."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.commands.filters import FilterChange
from chatd.core.filters import Does, Filter, Hit
from chatd.http.api.route import Asked, Call, Done, Route

ReasonWord = Annotated[str, Meta(max_length=64)]
# 50,000 words of 40 bytes each.
LISTS_BYTES_MAX = 2 << 20


class PutFilter(Asked, frozen=True, kw_only=True):
    """A list. `reason`: the word that a rejection gives the app, the name of the list where it is empty."""

    does: Does | UnsetType = UNSET
    reason: ReasonWord | UnsetType = UNSET
    words: tuple[str, ...] | UnsetType = UNSET
    patterns: tuple[str, ...] | UnsetType = UNSET


class FilterAnswer(Struct, frozen=True, kw_only=True):
    name: str
    does: Does
    reason: str
    words: tuple[str, ...]
    patterns: tuple[str, ...]


class FilterRow(Struct, frozen=True, kw_only=True):
    """A list, without its content."""

    name: str
    does: Does
    reason: str
    word_count: int
    pattern_count: int


class FiltersAnswer(Struct, frozen=True):
    filters: list[FilterRow]


class TestText(Asked, frozen=True, kw_only=True):
    text: Annotated[str, Meta(max_length=16_384)]


class HitAnswer(Struct, frozen=True, kw_only=True):
    """A rule that acts, and the characters on which it does. `rule`: the word, or the pattern."""

    filter: str
    does: Does
    rule: str
    start: int
    length: int
    found: str


class TestAnswer(Struct, frozen=True, kw_only=True):
    """What becomes of a text. `does`: the strongest thing that is done, or pass; `text`: as it would be stored."""

    does: str
    text: str
    hits: list[HitAnswer]


def answer_of(one: Filter) -> FilterAnswer:
    return FilterAnswer(
        name=one.name, does=one.does, reason=one.reason, words=one.words, patterns=one.patterns
    )


def row_of(one: Filter) -> FilterRow:
    return FilterRow(
        name=one.name,
        does=one.does,
        reason=one.reason,
        word_count=len(one.words),
        pattern_count=len(one.patterns),
    )


def hit_of(hit: Hit, text: str) -> HitAnswer:
    return HitAnswer(
        filter=hit.filter.name,
        does=hit.filter.does,
        rule=hit.rule,
        start=hit.start,
        length=hit.end - hit.start,
        found=text[hit.start : hit.end],
    )


async def put_filter(call: Call, asked: PutFilter) -> FilterRow:
    name = call.path["filter"]
    given = {key: getattr(asked, key) for key in asked.__struct_fields__}
    change = FilterChange(**{key: value for key, value in given.items() if value is not UNSET})
    return row_of(await call.services.filters.put(name, change, call.audit(name)))


async def get_filter(call: Call, asked: Asked) -> FilterAnswer:
    return answer_of(call.services.filters.named(call.path["filter"]))


async def get_filters(call: Call, asked: Asked) -> FiltersAnswer:
    return FiltersAnswer([row_of(one) for one in call.services.filters.listed()])


async def delete_filter(call: Call, asked: Asked) -> Done:
    name = call.path["filter"]
    await call.services.filters.delete(name, call.audit(name))
    return Done()


async def test_filters(call: Call, asked: TestText) -> TestAnswer:
    tried = call.services.filters.tried(asked.text)
    hits = [hit_of(hit, asked.text) for hit in tried.hits]
    return TestAnswer(does=tried.does or "pass", text=tried.text, hits=hits)


ROUTES = (
    Route("GET", "/v1/filters", "moderation", get_filters, Asked, FiltersAnswer),
    Route("POST", "/v1/filters/test", "moderation", test_filters, TestText, TestAnswer),
    Route("GET", "/v1/filters/{filter}", "moderation", get_filter, Asked, FilterAnswer),
    Route(
        "PUT",
        "/v1/filters/{filter}",
        "moderation",
        put_filter,
        PutFilter,
        FilterRow,
        body_bytes=LISTS_BYTES_MAX,
    ),
    Route("DELETE", "/v1/filters/{filter}", "moderation", delete_filter),
)
