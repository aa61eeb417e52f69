"""The words of texts and of searches (protocol.md "Search").

A search finds a message that holds each of its words. A word of a script with spaces is held where a word of the text
begins with it; one of one or two letters, where it is a whole word. A word of a script without spaces, or of symbols,
is held wherever it stands: nothing says where a Chinese word ends, and a wrong guess is never found again.

An index finds candidates by tokens, far fewer than there are words to look for: two characters of scripts without
spaces, and single ones; the first three and six letters of other words. `holds` decides about each candidate. Whatever
it accepts, the tokens have found: `query_tokens(q) <= tokens(text)` wherever `holds(text, q)`.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

# Scripts without spaces: Thai to Tibetan, Burmese, Khmer, Chinese, Japanese, Korean (whose particles cling), Yi; and
# emoji.
DENSE = (
    "\u0e00-\u0e4e\u0e50-\u0e59\u0e80-\u0f00\u0f18-\u0f39\u0f40-\u0fbc\u1000-\u1049\u1050-\u109f\u1100-\u11ff"
    "\u1780-\u17d3\u2600-\u27bf\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u318f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\ua48c\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\U0001b000-\U0001b2ff\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
# Vowels of Indian scripts, which Python does not take for letters.
MARKS = "\u0900-\u0963\u0966-\u096f\u0971-\u0df3"
# Written or left out as one likes: accents, vowels of Hebrew and Arabic, variants, and what is not seen.
OPTIONAL = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f"
    "\u2060\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\U0001f3fb-\U0001f3ff\U000e0000-\U000e01ef]+"
)
RUNS = re.compile(f"([{DENSE}]+)|((?:(?![{DENSE}])[^\\W_]|[{MARKS}])+)")
ASCII_WORDS = re.compile("[a-z0-9]+")

# Letters of a word in its tokens. A shorter word is its own token.
FEW, MORE = 3, 6


class Words(NamedTuple):
    """The words of a text: those of scripts with spaces, and the unbroken runs of others."""

    spaced: frozenset[str]
    dense: frozenset[str]


def folded(text: str) -> str:
    """Return `text` without what a reader takes for the same: case, width, accents.

    >>> folded("ＣＡＦÉ ﬁn")
    'cafe fin'
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", OPTIONAL.sub("", plain))


def words(text: str) -> Words:
    """Return the words of a text.

    >>> sorted(words("Hello, iPhone手机!").spaced), sorted(words("Hello, iPhone手机!").dense)
    (['hello', 'iphone'], ['手机'])
    """
    return parted(folded(text))


def parted(plain: str) -> Words:
    """Return the words of a text that is folded."""
    if plain.isascii():
        return Words(frozenset(ASCII_WORDS.findall(plain)), frozenset())
    found = RUNS.findall(plain)
    return Words(frozenset(word for _, word in found if word), frozenset(run for run, _ in found if run))


def tokens(text: str, *, singles: bool = True) -> set[str]:
    """Return what a text is found by. `singles`: also single characters of scripts without spaces.

    >>> sorted(tokens("Grüße 你好"))
    ['gru', 'grusse', '你', '你好', '好']
    """
    found = words(text)
    kept = {word[:FEW] for word in found.spaced}
    kept.update(word[:MORE] for word in found.spaced if len(word) >= MORE)
    for run in found.dense:
        kept.update(map("".join, pairwise(run)))
        if singles:
            kept.update(run)
    return kept


def query_tokens(query: str, *, singles: bool = True) -> set[str]:
    """Return the tokens that every text has which holds `query`; none where it has too little to go by.

    >>> sorted(query_tokens("wonderful ok 你好吗"))
    ['ok', 'wonder', '你好', '好吗']
    """
    looked_for = words(query)
    kept = {word[:MORE] if len(word) >= MORE else word[:FEW] for word in looked_for.spaced}
    for run in looked_for.dense:
        kept.update(map("".join, pairwise(run)))
        if singles and len(run) == 1:
            kept.add(run)
    return kept


def holds(text: str, query: Words) -> bool:
    """Return whether a text holds all words of a search.

    >>> holds("The wonderful 北京大学", words("京大 wond"))
    True
    >>> holds("okay", words("ok"))
    False
    """
    plain = folded(text)
    # Most candidates that are none lack a word altogether.
    if not all(word in plain for words_of in query for word in words_of):
        return False
    there = parted(plain)
    return all(begins(word, there.spaced) for word in query.spaced) and all(
        any(run in one for one in there.dense) for run in query.dense
    )


def begins(word: str, there: Iterable[str]) -> bool:
    """Return whether a word of a text begins with `word`, which has to be whole when it is short."""
    if len(word) < FEW:
        return word in there
    return any(one.startswith(word) for one in there)
