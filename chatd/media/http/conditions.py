"""Conditions and ranges of a request for a file (RFC 9110, 13 and 14), as values. A file has an ETag, and no date."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))[ \t]*\Z", re.IGNORECASE)
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


class Span(NamedTuple):
    """Bytes `first` to `last` of a file, both inclusive."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """The range has no byte of the file."""


def lists(header: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of tags names this one. `weak`: in a weak comparison, where both sides may be weak."""
    if header.strip() == "*":
        return True
    return any(tag == etag and (weak or not is_weak) for is_weak, tag in _TAG.findall(header))


def span_of(header: str, size: int) -> Span | None:
    """Return the one range that a header Range asks for; None for the whole file.

    Several ranges, other units and what is no range stand for the whole file, as RFC 9110, 14.2, allows.
    Raises Unsatisfiable.

    >>> span_of("bytes=2-4", 10), span_of("bytes=-3", 10), span_of("bytes=0-0,5-6", 10)
    (Span(first=2, last=4), Span(first=7, last=9), None)
    """
    found = _RANGE.match(header)
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        count = min(int(suffix), size)
        span = Span(size - count, size - 1)
    else:
        if last and int(last) < int(first):
            return None
        span = Span(int(first), min(int(last or size), size - 1))
    if span.length <= 0:
        raise Unsatisfiable
    return span


def asked_span(range_header: str, if_range: str, etag: str, size: int) -> Span | None:
    """Return the range to send; None for the whole file, also where `If-Range` is of another one. Raises
    Unsatisfiable.
    """
    if if_range and if_range.strip() != etag:
        return None
    return span_of(range_header, size)
