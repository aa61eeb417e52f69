"""The rule for one emoji, and its normal form."""

import pytest

from chatd.client import normal_emoji
from chatd.protocol import emoji as rules
from chatd.protocol.emoji import normal_form
from tests.kit import document

SPELLED = {  # normal form: other spellings
    "\u2764\ufe0f": ["\u2764", "\u2764\ufe0e", "\u2764\ufe0f\ufe0f"],
    "👍": ["👍\ufe0f", "👍\ufe0e"],
    "👍🏽": ["👍\ufe0f🏽"],
    "\u261d🏽": ["\u261d\ufe0f🏽"],
    "1\ufe0f\u20e3": ["1\u20e3"],
    "#\ufe0f\u20e3": ["#\u20e3"],
    "©\ufe0f": ["©"],
    "🇩🇪": [],
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f": [],
    "👨\u200d👩\u200d👧\u200d👦": [],
    "🏳\ufe0f\u200d🌈": ["🏳\u200d🌈"],
    "🏴\u200d☠\ufe0f": ["🏴\u200d☠"],
    "👩🏻\u200d\u2764\ufe0f\u200d💋\u200d👨🏿": ["👩🏻\u200d\u2764\u200d💋\u200d👨🏿"],
    "🕵🏻\u200d♂\ufe0f": ["🕵🏻\u200d♂"],
    "\U0001faff": [],  # not yet in Unicode, and kept for an emoji
    ":party_parrot-2+1:": [":party_parrot-2+1\ufe0f:"],
}

NOT_ONE = [
    "", " ", "\0", "x" * 32, "a", "é", "1", "#", "::", ":", ":a b:", ":é:", ":a:b:",
    "👍👍", "👍 ", "\n👍", "👍\n", "\ufe0f", "\u200d", "\u200d👍", "👍\u200d", "👍\u200d\u200d👍",
    "🏽", "🏽🏽", "👍🏽🏽", "🇩", "🇩🇪🇦", "🇩🇪\u200d👍",
    "a\u20e3", "1\u20e3\u20e3", "🏴\U000e0067", "👍\U000e0067\U000e007f", "👍\u0301", "\u202e👍", "👍:a:",
]  # fmt: skip


@pytest.mark.parametrize(("normal", "others"), SPELLED.items())
def test_an_emoji_has_one_normal_form_on_both_sides(normal: str, others: list[str]) -> None:
    for spelled in (normal, *others):
        assert normal_form(spelled) == normal
        assert normal_emoji(spelled) == normal


@pytest.mark.parametrize("text", NOT_ONE)
def test_anything_else_is_no_emoji(text: str) -> None:
    assert normal_form(text) is None


def test_the_characters_are_those_of_the_document() -> None:
    text_by_default, emoji_by_default = document.blocks(document.section("9.6"), "text")
    assert text_by_default.split() == rules.TEXT_BY_DEFAULT.split()
    assert emoji_by_default.split() == rules.EMOJI_BY_DEFAULT.split()
