from chatd.core.sections import SECTIONS, SECTIONS_MAX, in_force, named, registered
from chatd.protocol.limits import FEATURES
from chatd.storage.sqlite.sections import TABLES


def test_every_section_has_a_bit_of_its_own_a_feature_word_and_a_table():
    bits = [section.bit for section in SECTIONS.values()]
    assert len(set(bits)) == len(bits)
    assert all(0 <= bit < SECTIONS_MAX for bit in bits)
    assert not {section.feature for section in SECTIONS.values()} & set(FEATURES)
    assert {name: table.section for name, table in TABLES.items()} == SECTIONS


def test_bits_of_released_sections_stand_in_the_cursors_of_phones():
    assert SECTIONS["account"].bit == 0


def test_a_section_is_in_force_where_its_word_was_named():
    assert in_force(SECTIONS, ["deflate", "account", "telepathy"]) == 1
    assert in_force(SECTIONS, ["deflate"]) == 0


def test_bits_that_are_no_sections_here_are_passed_over():
    assert registered(SECTIONS, 0xFFFF) == 1
    assert list(named(SECTIONS, 0xFFFF)) == ["account"]
