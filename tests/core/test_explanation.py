"""Why somebody may or may not: the answer of the rules themselves, and which of them it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.explanation import MUTUAL, explain
from chatd.core.privacy import BOUNDS, CAPABILITIES, Relation, Side, Tie, mutually_allow
from chatd.core.room import Standing
from chatd.protocol.privacy import Audience
from tests.core.test_privacy import rules, ties

sides = st.builds(Side, st.sampled_from(("a", "b")), ties, rules, st.booleans(), st.booleans())
# Of users who are known here.
relations = st.builds(
    Relation,
    sides.map(lambda side: side._replace(user="a")),
    sides.map(lambda side: side._replace(user="b")),
    acquainted=st.booleans(),
    is_known=st.just(True),
)


@given(relations, st.sampled_from(CAPABILITIES), st.none() | st.sampled_from(Standing))
def test_an_explanation_never_differs_from_the_rule(relation, what, standing):
    found = explain(relation, standing, what, BOUNDS)
    one, other, acquainted, _ = relation
    if what in MUTUAL:
        allowed = mutually_allow(one, other, what, acquainted=acquainted, bounds=BOUNDS)
        assert found.outcome == ("yes" if allowed else "no")
    elif what != "write":
        assert found.outcome == ("yes" if relation.takes(what, BOUNDS) else "no")
    else:
        gate = relation.gate(BOUNDS)
        if gate in ("blocked", "refused") or one.closed:
            assert (found.outcome, found.rule in ("block", "closed")) == ("no", True)
        elif standing == Standing.ACCEPTED:
            assert found.outcome == "yes"
        elif standing in (Standing.REQUEST, Standing.DECLINED):
            assert found.outcome == ("yes" if gate == "open" else "ask")
        else:
            assert found.outcome == {"open": "yes"}.get(gate, gate)


FRIEND = Tie(is_friend=True)
FRIENDS_ONLY = {"page": Audience("friends", (), (2,))}
ANYBODY = {"page": Audience("everyone")}


@pytest.mark.parametrize(
    ("one", "other", "what", "said"),
    [
        (Side("a"), Side("b"), "page", ("no", "audience", "b", "stranger", False)),
        (Side("a", FRIEND), Side("b", FRIEND), "page", ("yes", "audience", "b", "friend", False)),
        (Side("a"), Side("b", rules=ANYBODY), "page", ("yes", "audience", "b", "stranger", True)),
        (Side("a", FRIEND), Side("b", Tie(True, circles=4), FRIENDS_ONLY), "page",
         ("no", "circle", "b", "friend", True)),
        (Side("a", Tie(blocked=True)), Side("b"), "knock", ("no", "block", "a", "stranger", False)),
        (Side("a", FRIEND), Side("b", Tie(True, True)), "write", ("no", "block", "b", "friend", False)),
        (Side("a"), Side("b", closed=True), "find", ("no", "closed", "b", "stranger", False)),
        (Side("a"), Side("b"), "write", ("ask", "audience", "b", "stranger", False)),
        (Side("a", FRIEND, {"presence": Audience("nobody")}), Side("b", FRIEND), "presence",
         ("no", "audience", "a", "friend", True)),
        (Side("a", Tie(following=True)), Side("b"), "call", ("no", "audience", "b", "follower", False)),
        (Side("a"), Side("b", automated=True), "write", ("yes", "kind", "b", "stranger", False)),
        (Side("a", automated=True), Side("b"), "add", ("no", "kind", "a", "stranger", False)),
        (Side("a"), Side("b", Tie(following=True)), "call", ("no", "audience", "b", "acquaintance", False)),
    ],
)  # fmt: skip
def test_each_rule_has_its_name(one, other, what, said):
    found = explain(Relation(one, other), None, what, BOUNDS)
    assert (found.outcome, found.rule, found.of, found.relation, found.chosen) == said


def test_a_standing_decides_where_the_rule_says_no():
    strangers = Relation(Side("a"), Side("b"))
    found = explain(strangers, Standing.ACCEPTED, "write", BOUNDS)
    assert (found.outcome, found.rule) == ("yes", "standing")
    found = explain(strangers, Standing.DECLINED, "write", BOUNDS)
    assert (found.outcome, found.rule) == ("ask", "standing")


def test_what_is_switched_off_goes_behind_blocks_alone():
    friends = Relation(Side("a", FRIEND), Side("b", FRIEND))
    for user in "ab":
        found = explain(friends, None, "receipts", BOUNDS, silent=[user])
        assert (found.outcome, found.rule, found.of) == ("no", "preferences", user)
    blocked = Relation(Side("a", FRIEND), Side("b", Tie(True, True)))
    assert explain(blocked, None, "receipts", BOUNDS, silent=["a"]).rule == "block"


def test_who_is_unknown_and_who_it_is_oneself():
    assert explain(Relation(Side("a"), Side("b"), is_known=False), None, "knock", BOUNDS).rule == "unknown"
    itself = explain(Relation(Side("a"), Side("a")), None, "page", BOUNDS)
    assert (itself.outcome, itself.rule, itself.relation) == ("yes", "relation", "self")
