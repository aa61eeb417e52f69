"""Account rows: the row that wins, and those that are forgotten (protocol.md, "Account rows")."""

from itertools import permutations

import pytest

from chatd.client.core.account_rows import AccountRows

HISTORY = [
    {"name": "a", "stamp": 3, "value": 3},
    {"name": "a", "stamp": 5},
    {"name": "a", "stamp": 4, "value": 4},
    {"name": "b", "stamp": 2, "value": 2},
]


@pytest.mark.parametrize("order", list(permutations(HISTORY)))
def test_rows_end_in_one_state_in_whatever_order_they_come(order):
    rows = AccountRows()
    for row in order:
        rows.take({"notes": [row]})
    assert rows.section("notes") == {"b": 2}


def test_sections_are_apart():
    rows = AccountRows()
    rows.take(
        {"notes": [{"name": "a", "stamp": 3, "value": 3}], "account": [{"name": "a", "stamp": 1, "value": 1}]}
    )
    assert (rows.section("notes"), rows.section("account")) == ({"a": 3}, {"a": 1})
    assert rows.section("never heard of") == {}


def test_only_what_a_full_walk_left_out_is_forgotten():
    rows = AccountRows()
    rows.take({"notes": [{"name": "a", "stamp": 1, "value": 1}, {"name": "b", "stamp": 1, "value": 1}]})
    rows.take({"account": [{"name": "c", "stamp": 1, "value": 1}]})
    rows.begin_round()
    assert rows.take({"notes": [{"name": "b", "stamp": 1, "value": 1}]}) == []
    assert rows.end_round(["notes"]) == [("notes", "a")]
    assert (rows.section("notes"), rows.section("account")) == ({"b": 1}, {"c": 1})


def test_an_incremental_round_forgets_nothing():
    rows = AccountRows()
    rows.take({"notes": [{"name": "a", "stamp": 1, "value": 1}]})
    rows.begin_round()
    assert rows.end_round([]) == []
    assert rows.section("notes") == {"a": 1}


def test_a_forgotten_row_may_come_back_with_its_old_stamp():
    """A forgotten tombstone must not outlive the history that it was of."""
    rows = AccountRows()
    rows.take({"notes": [{"name": "a", "stamp": 9}]})
    rows.begin_round()
    rows.end_round(["notes"])
    rows.take({"notes": [{"name": "a", "stamp": 5, "value": 5}]})
    assert rows.section("notes") == {"a": 5}
