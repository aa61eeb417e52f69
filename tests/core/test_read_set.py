from chatd.core.read_set import ReadSet, Rules, pair


def test_a_pair_is_the_same_in_any_order():
    assert pair("ann", "bob") == pair("bob", "ann") == ("ann", "bob")


def test_facts_of_two_batches_share_nothing():
    one, other = ReadSet(Rules(), {}), ReadSet(Rules(), {})
    one.fresh.append((1, 1))
    one.accounts["ann"] = object()
    assert (other.fresh, other.accounts) == ([], {})
