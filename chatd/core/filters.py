"""Filters: lists of words and patterns of the operator, and the form of a text in which they are looked for.

A text is compared in normal form: NFKC, so that full-width letters are letters; without case; without characters that
nobody sees; and with one space for any white space. A word is whole where words are written apart, and found anywhere
where they are not, as in Chinese.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal
from unicodedata import combining, normalize

from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok

Does = Literal["reject", "mask", "flag"]

# More lists than this would be one a word.
FILTERS_MAX = 64
# In normal form. A phrase; whoever needs more looks for a sentence.
WORD_CHARS_MAX = 100
# Of all words together, so many for each that there may be: an automaton takes 100 bytes for a character.
CHARS_A_WORD = 20
# As in AutoMod of Discord; a longer one is rarely understood by its author.
PATTERN_CHARS_MAX = 260
MASK = "*"

# Control characters that are no white space of text, and Default_Ignorable_Code_Point of Unicode, as ranges: joiners,
# marks of direction, fillers, selectors of variants.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
# More marks on one letter are in no language, and cost the square of their number to put in order (UAX #15,
# "Stream-Safe Text Format").
MARKS_MAX = 30
# Where marks may be: what is no letter, and the marks of half-width kana, which are.
_MARKS = re.compile(f"(?:[^\\w\\s\x00-\u02ff]|[\uff9e\uff9f]){{{MARKS_MAX + 1},}}")
# What a character joins, if anything, is among the last ones: a syllable of Hangul has three parts.
_JOINED_MAX = 3

# The letters of scripts that put no space between words, or glue endings to them: Thai to Myanmar, Hangul, Khmer, kana
# and Han, with the blocks between them.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(slots=True, frozen=True)
class Filter:
    """A record: one list. `reason`: the word that a rejection gives the app."""

    name: str
    does: Does = "reject"
    reason: str = ""
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class DeletedFilter:
    """A record: the list is no more."""

    name: str


@dataclass(slots=True, frozen=True)
class PutFilter:
    """Store a list, in place of the one of its name."""

    filter: Filter


@dataclass(slots=True, frozen=True)
class DeleteFilter:
    name: str


@dataclass(slots=True, frozen=True)
class Hit:
    """A place in a text, its characters from `start` to before `end`, where a rule of a list acts.

    `rule`: the word, or the pattern.
    """

    filter: Filter
    rule: str
    start: int
    end: int


def put_filter(user: str, request: PutFilter, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(request.filter)
    return Ok()


def delete_filter(user: str, request: DeleteFilter, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(DeletedFilter(request.name))
    return Ok()


def normal_form(text: str) -> str:
    """Return the form of `text` in which words and patterns are looked for.

    >>> normal_form("ＦＲＥＥ  mo\u200bney")
    'free money'
    """
    if text.isascii():
        text = (text if text.isprintable() else _UNSEEN.sub("", text)).lower()
    else:
        text = normalize("NFKC", _MARKS.sub(_few_marks, _UNSEEN.sub("", text))).casefold()
    # No white space but the space itself can be printed.
    return _single_spaced(text) if "  " in text or not text.isprintable() else text


def _single_spaced(text: str) -> str:
    """Return `text` with one space for any white space; a pattern takes ten times as long."""
    words = " ".join(text.split())
    before, after = text[:1].isspace(), text[-1:].isspace() and words
    return f"{' ' if before else ''}{words}{' ' if after else ''}"


def _few_marks(found: re.Match[str]) -> str:
    """Return some text with at most MARKS_MAX marks in a row."""
    kept, marks = [], 0
    for char in found[0]:
        marks = marks + 1 if _is_mark(char) else 0
        if marks <= MARKS_MAX:
            kept.append(char)
    return "".join(kept)


def _is_mark(char: str) -> bool:
    """Whether the normal form of `char` begins with a mark, which belongs to what stands before it."""
    return combining(normalize("NFKC", char)[0]) > 0


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit that is written together with it touches a word found in `text`, in normal form."""
    return not (
        (start and _joined(text[start - 1], text[start]))
        or (end < len(text) and _joined(text[end - 1], text[end]))
    )


def _joined(left: str, right: str) -> bool:
    return _is_spaced(left) and _is_spaced(right)


def _is_spaced(char: str) -> bool:
    """Whether it belongs to words that are written apart."""
    return (char.isalnum() or combining(char) > 0) and not _UNSPACED.match(char)


def spans(text: str, found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the places in `text` of places found in its normal form: whole characters of it, whatever they became."""
    if text.isascii() and len(normal_form(text)) == len(text):
        return list(found)
    pieces = list(_pieces(text))
    starts = [0, *accumulate(map(len, pieces))]
    # By character of the normal form: the piece of the text from which it came.
    origin = [place for place, form in enumerate(_forms(pieces)) for _ in form]
    return [(starts[origin[start]], starts[origin[end - 1] + 1]) for start, end in found]


def _forms(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the normal form of each piece, as it stands in that of them all: one space for any number of them."""
    after_space = False
    for piece in pieces:
        form = normal_form(piece)
        form = form.removeprefix(" ") if after_space else form
        yield form
        after_space = form.endswith(" ") if form else after_space


def _pieces(text: str) -> Iterator[str]:
    """Yield pieces of `text` whose normal forms do not depend on each other: letters with the marks on them."""
    first, seen = 0, ""
    for place, char in enumerate(text):
        is_apart = " " <= char <= "~" or "\u3400" <= char <= "\u9fff"
        if place > first and (is_apart or not _combines(seen, char)):
            yield text[first:place]
            first, seen = place, ""
        if is_apart or not _UNSEEN.match(char):
            seen = (seen + char)[-_JOINED_MAX:]
    if text:
        yield text[first:]


def _combines(seen: str, char: str) -> bool:
    """Whether `char` changes the normal form of what is seen before it."""
    if _UNSEEN.match(char) or _is_mark(char):
        return True
    return normalize("NFKC", seen + char) != normalize("NFKC", seen) + normalize("NFKC", char)


def masked(text: str, hits: Iterable[Hit]) -> str:
    """Return `text` with MASK in place of each character of these hits; white space stays, and so does the length.

    >>> masked("darn it", [Hit(Filter("mild"), "darn", 0, 4)])
    '**** it'
    """
    chars = list(text)
    for hit in hits:
        chars[hit.start : hit.end] = [char if char.isspace() else MASK for char in chars[hit.start : hit.end]]
    return "".join(chars)
