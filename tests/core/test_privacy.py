"""Who may do what, against a model that shares no code with it: the lines of protocol.md "People", read one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import ValidationError, convert

from chatd.core.privacy import (
    BOUNDS,
    CAPABILITIES,
    ONESELF,
    RANKS,
    Side,
    Tie,
    allows,
    audience_of,
    bits_of,
    depends_on_groups,
    gates_of,
    mutually_allow,
    outcome,
    refused_choice,
    viewer_of,
)
from chatd.protocol.privacy import Audience, PrivacySet

CIRCLES = (1, 2, 50)
WORDS = ("everyone", "followers", "acquaintances", "friends", "nobody")

circles = st.sets(st.sampled_from(CIRCLES)).map(tuple)
audiences = st.builds(Audience, st.sampled_from(WORDS), circles, circles)
rules = st.dictionaries(st.sampled_from(CAPABILITIES), audiences, max_size=8)
ties = st.builds(Tie, st.booleans(), st.booleans(), st.booleans(), circles.map(bits_of))
sides = st.builds(Side, st.just("?"), ties, rules, st.booleans(), st.booleans())


def model(owner, viewer, chosen, capability, *, closed, acquainted):
    """Whether `owner` lets `viewer` use `capability`, spelt out."""
    default, widest, narrowest = BOUNDS[capability]
    wanted = chosen.get(capability)
    to = default if wanted is None else wanted.to
    order = list(reversed(WORDS))
    while order.index(to) > order.index(widest):
        to = order[order.index(to) - 1]
    while order.index(to) < order.index(narrowest):
        to = order[order.index(to) + 1]
    if owner.blocked or viewer.blocked or closed:
        return False
    if wanted is not None and owner.is_friend:
        if any(owner.circles >> number & 1 for number in wanted.deny):
            return False
        if any(owner.circles >> number & 1 for number in wanted.allow):
            return True
    return {
        "nobody": False,
        "friends": owner.is_friend,
        "acquaintances": owner.is_friend or owner.following or acquainted,
        "followers": owner.is_friend or owner.following or acquainted or viewer.following,
        "everyone": True,
    }[to]


@given(ties, ties, rules, st.sampled_from(CAPABILITIES), st.booleans(), st.booleans())
def test_a_viewer_is_allowed_what_the_owner_said(owner, viewer, chosen, capability, closed, acquainted):
    seen = viewer_of(owner, viewer, closed=closed, acquainted=acquainted)
    expected, knocks = (
        model(owner, viewer, chosen, asked, closed=closed, acquainted=acquainted)
        for asked in (capability, "knock")
    )
    assert allows(seen, chosen, capability) == expected
    assert outcome(seen, chosen, capability) == ("yes" if expected else "ask" if knocks else "no")


@given(sides, sides, st.booleans())
def test_a_gate_is_that_of_the_other_and_a_block_of_ones_own_comes_first(one, other, acquainted):
    gates = gates_of(one._replace(user="a"), other._replace(user="b"), acquainted=acquainted)
    for author, owner, user in ((one, other, "a"), (other, one, "b")):
        may = {
            asked: model(
                owner.tie, author.tie, owner.rules, asked, closed=owner.closed, acquainted=acquainted
            )
            for asked in ("write", "knock")
        }
        if author.tie.blocked:
            expected = "blocked"
        elif owner.tie.blocked or owner.closed:
            expected = "refused"
        elif owner.automated:
            expected = "open"
        elif author.automated:
            expected = "open" if owner.tie.following or owner.tie.is_friend else "no"
        else:
            expected = "open" if may["write"] else "ask" if may["knock"] else "no"
        assert gates[user] == expected


@given(sides, sides, st.sampled_from(CAPABILITIES))
def test_what_is_reciprocal_is_the_same_for_both(one, other, capability):
    both = mutually_allow(one, other, capability)
    assert both == mutually_allow(other, one, capability)
    closed = one.closed or other.closed
    assert both == all(
        model(owner.tie, viewer.tie, owner.rules, capability, closed=closed, acquainted=False)
        for owner, viewer in ((one, other), (other, one))
    )


@given(ties, ties, rules)
def test_a_group_in_common_changes_something_only_where_the_rules_depend_on_groups(owner, viewer, chosen):
    apart, together = (viewer_of(owner, viewer, acquainted=acquainted) for acquainted in (False, True))
    if any(allows(apart, chosen, each) != allows(together, chosen, each) for each in CAPABILITIES):
        assert depends_on_groups(chosen)


@given(rules)
def test_an_audience_outside_the_bounds_is_named_and_never_in_force(chosen):
    capability = refused_choice(chosen)
    for each in CAPABILITIES:
        to = RANKS[audience_of(chosen, each).to]
        assert RANKS[BOUNDS[each].narrowest] <= to <= RANKS[BOUNDS[each].widest]
    assert capability is None or capability in chosen
    if capability is None:
        assert all(audience_of(chosen, each) == chosen[each] for each in chosen)


def test_the_owner_is_in_every_audience_but_one_that_denies_is_about_others():
    nobody = dict.fromkeys(CAPABILITIES, Audience("nobody", deny=CIRCLES))
    assert all(allows(ONESELF, nobody, capability) for capability in CAPABILITIES)


def test_the_defaults_take_messages_from_friends_and_let_strangers_ask():
    friend, stranger = viewer_of(Tie(is_friend=True), Tie(is_friend=True)), viewer_of(Tie(), Tie())
    assert [capability for capability in CAPABILITIES if allows(friend, {}, capability)] == list(CAPABILITIES)
    assert [capability for capability in CAPABILITIES if allows(stranger, {}, capability)] == [
        "knock",
        "receipts",
        "find",
    ]
    assert outcome(stranger, {}, "write") == "ask"


@pytest.mark.parametrize("number", [0, 51])
def test_a_circle_is_numbered_from_1_to_50(number):
    with pytest.raises(ValidationError):
        convert({"type": "privacy.set", "rules": {"page": {"to": "friends", "deny": [number]}}}, PrivacySet)
