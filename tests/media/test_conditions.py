"""Conditions and ranges of requests for a file, as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.media.http.conditions import Span, Unsatisfiable, asked_span, lists, span_of

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 0)),
        ("bytes=0-", Span(0, 9)),
        ("bytes=9-", Span(9, 9)),
        ("bytes=3-5", Span(3, 5)),
        ("Bytes= 3-5 ", Span(3, 5)),
        ("bytes=3-99999999999", Span(3, 9)),
        ("bytes=-4", Span(6, 9)),
        ("bytes=-400", Span(0, 9)),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-3", None),
        ("bytes=1-2,4-5", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=１-2", None),
        ("bytes=1-2-3", None),
        ("bytes=1-" + "9" * 20, None),
        ("items=1-2", None),
    ],
)
def test_one_range_is_cut_to_the_file_and_anything_else_is_the_whole(header: str, span: Span | None) -> None:
    assert span_of(header, 10) == span


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)]
)
def test_a_range_without_a_byte_is_refused(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        span_of(header, size)


@given(st.binary(max_size=40), st.integers(0, 50), st.integers(0, 50))
def test_a_range_is_a_slice(data: bytes, first: int, last: int) -> None:
    wanted = data[first : last + 1]
    try:
        span = span_of(f"bytes={first}-{last}", len(data))
    except Unsatisfiable:
        assert wanted == b""
        return
    if last < first:
        assert span is None
        return
    assert span is not None
    assert data[span.first : span.last + 1] == wanted != b""


@pytest.mark.parametrize(
    ("header", "strong", "weak"),
    [
        ('"abc"', True, True),
        ('W/"abc"', False, True),
        ('"x", "abc"', True, True),
        ('"x",W/"abc"', False, True),
        ("*", True, True),
        ('"x"', False, False),
        ("abc", False, False),
        ('"abc', False, False),
        ("", False, False),
    ],
)
def test_tags_are_compared_whole(header: str, strong: bool, weak: bool) -> None:
    assert lists(header, ETAG, weak=False) == strong
    assert lists(header, ETAG, weak=True) == weak


@pytest.mark.parametrize("if_range", ['"other"', 'W/"abc"', "Mon, 30 Nov 2026 12:00:00 GMT"])
def test_a_range_of_another_file_is_the_whole(if_range: str) -> None:
    assert asked_span("bytes=1-2", if_range, ETAG, 10) is None
    assert asked_span("bytes=1-2", ETAG, ETAG, 10) == Span(1, 2)
