"""The words of texts and searches: whatever a scan of the texts finds, the tokens find."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.core.words import folded, holds, query_tokens, tokens, words

# Letters that meet in one message, with what folds to several characters, to none, or to another script.
LETTERS = (
    "abcxyzABCÀéßİıŁøﬁÅ \t.,-_'@#/12九Ⅷ²ｱｶﾞガカ゛アーあいう今天气很好北京大学한국어각ㄱ"
    "สวัสดีน้ำนमस्ते👍🏽👩❤️שָׁלוֹםمُحَمَّد\u200d\u0301\u0378"
)
TEXTS = st.text(st.sampled_from(LETTERS), max_size=30) | st.text(max_size=20)


@st.composite
def texts_with_parts(draw):
    """A text, and a few pieces of it in any order: mostly what it holds."""
    text = draw(TEXTS)
    cuts = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=3))
    return text, " ".join(text[min(cut) : max(cut)] for cut in cuts)


@settings(max_examples=400, deadline=None)
@given(texts_with_parts() | st.tuples(TEXTS, TEXTS), st.booleans())
def test_what_holds_a_query_has_its_tokens(case, singles):
    text, query = case
    if holds(text, words(query)):
        assert query_tokens(query, singles=singles) <= tokens(text, singles=singles)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_text_holds_itself_and_what_it_folds_to(text):
    assert holds(text, words(text))
    assert folded(folded(text)) == folded(text)
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text))


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_no_token_is_a_separator_of_the_index(text):
    """Tokens are handed to the index with spaces in between: its tokenizer splits at other ASCII, and folds case."""
    for token in tokens(text):
        assert token
        assert token == token.lower() or not token.isascii()
        assert all(char.isalnum() or not char.isascii() for char in token)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("今天天气很好，我们去北京大学吧", "天气"),
        ("今天天气很好，我们去北京大学吧", "北京大学"),
        ("今天天气很好，我们去北京大学吧", "好"),
        ("今天天气很好，我们去北京大学吧", "京大 天气"),
        ("新买的iPhone手机", "手机 iphone"),
        ("東京タワーへ行きました", "タワー"),
        ("ﾀﾜｰ", "タワー"),
        ("안녕하세요", "하세"),
        ("สวัสดีครับ", "ครับ"),
        ("Straße", "STRASSE"),
        ("café au lait", "cafe"),
        ("cafe", "CAFÉ"),
        ("Tiếng Việt", "tieng viet"),
        ("Ёлка", "елка"),
        ("नमस्ते दुनिया", "दुनि"),
        ("وَمُحَمَّد", "ومحمد"),
        ("thanks 👍🏽", "👍"),
        ("see https://example.org/a_long-path", "example path"),
        ("the wonderful world", "wond wor"),
        ("ok then", "OK"),
        ("ＡＢＣ１２３", "abc123"),
    ],
)
def test_what_people_look_for_is_found(text, query):
    assert holds(text, words(query))
    assert query_tokens(query)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("okay", "ok"),
        ("今天天气很好", "天很"),
        ("wonder", "wonderful"),
        ("the moon", "moan"),
        ("iPhone", "手机"),
        ("a word", "ord"),
    ],
)
def test_what_is_not_there_is_not_found(text, query):
    assert not holds(text, words(query))


@pytest.mark.parametrize("query", ["", "  ", "?!", "...", "\u200d"])
def test_a_query_without_words_has_no_tokens(query):
    assert not query_tokens(query)
    assert words(query) == (frozenset(), frozenset())


def test_without_single_characters_one_alone_gives_no_token():
    assert query_tokens("好", singles=False) == set()
    assert tokens("你好", singles=False) == {"你好"}
