import pytest

from chatd.core.names import COMBINING_MAX, checked
from chatd.protocol.errors import Refused

ACCENT = "\N{COMBINING GRAVE ACCENT BELOW}"  # no letter has it built in
QA = "\N{DEVANAGARI LETTER QA}"  # two characters in normal form C


@pytest.mark.parametrize(
    "name",
    [
        "Ann",
        "Nguyễn Thị Minh Khai",
        "\N{ARABIC LETTER MEEM}\N{ZERO WIDTH NON-JOINER}\N{ARABIC LETTER YEH}\N{RIGHT-TO-LEFT MARK}",
        "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}",
        "a" + ACCENT * COMBINING_MAX + "b" + ACCENT * COMBINING_MAX,
    ],
)
def test_names_of_the_world_stay_as_they_are(name: str) -> None:
    assert checked(name, "name", 64) == name


def test_a_name_is_stored_in_one_form_however_it_was_typed() -> None:
    assert checked("Zoe\N{COMBINING DIAERESIS}", "name", 64) == "Zoë"
    assert len(checked(QA * 16, "name", 32)) == 32


@pytest.mark.parametrize(
    "name",
    [
        "Ann\N{RIGHT-TO-LEFT OVERRIDE}nnA",
        "Ann\N{LEFT-TO-RIGHT ISOLATE}",
        "Ann\x00",
        "Ann\nAdmin",
        "Ann\N{LINE SEPARATOR}Admin",
        "Ann\x85",
        "a" + ACCENT * (COMBINING_MAX + 1),
        "\N{COMBINING ENCLOSING CIRCLE}" * (COMBINING_MAX + 1),
        "a" + (ACCENT * COMBINING_MAX + "\N{ZERO WIDTH JOINER}") * 2,
        QA * 17,
    ],
)
def test_a_name_that_reaches_beyond_itself_is_refused_with_its_field(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        checked(name, "fields[0].name", 32)
    assert (refusal.value.code, refusal.value.field) == ("bad_request", "fields[0].name")


def test_only_texts_of_lines_have_line_feeds() -> None:
    assert checked("one\ntwo", "bio", 500, lines=True) == "one\ntwo"
    with pytest.raises(Refused):
        checked("one\rtwo", "bio", 500, lines=True)
