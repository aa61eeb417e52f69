"""The table of a pair, walked through whole: no other states are reached, and nobody sees what they may not."""

from itertools import product

import pytest

from chatd.core.pairs import CELLS, MIRROR, STATES, Action, Answer, Friendship, Pair, step

# What both phones and the host can do, and time.
ACTIONS: tuple[Action, ...] = tuple(CELLS)
EVERY = [Pair(state, *blocks) for state, blocks in product(STATES, product((False, True), repeat=2))]


def by_other(pair: Pair, action: Action) -> Pair:
    """What the other one's action makes of the pair."""
    return step(pair.mirror, action)[0].mirror


def reachable() -> set[Pair]:
    found, new = set[Pair](), {Pair("N")}
    while new:
        found |= new
        new = {
            after
            for pair in new
            for action in ACTIONS
            for after in (step(pair, action)[0], by_other(pair, action))
        } - found
    return found


def shown(pair: Pair) -> tuple[str, bool]:
    """The pair as the one who acts can tell it: D looks like S, E like N, and who is blocked does not know it."""
    return {"D": "S", "E": "N"}.get(pair.friendship, pair.friendship), pair.blocks


def test_the_table_is_total():
    assert all(len(row) == len(STATES) for row in CELLS.values())
    for pair, action in product(EVERY, ACTIONS):
        after, answer = step(pair, action)
        assert (after == pair) == (answer != "ok"), (pair, action)


def test_fourteen_states_are_reached():
    names = {pair.friendship + "x" * pair.blocks + "y" * pair.blocked for pair in reachable()}
    assert names == {*"NSRDEF", "Nx", "Ex", "Fx", "Ny", "Dy", "Fy", "Nxy", "Fxy"}


def test_a_pair_is_the_mirror_of_its_mirror():
    assert all(pair.mirror.mirror == pair for pair in EVERY)
    assert {MIRROR[state] for state in STATES} == set(STATES)


def test_who_asks_cannot_tell_whether_the_request_was_heard():
    """Neither by what they see, nor by any answer: what is told of D is what is told of S, whatever they do next."""
    for blocked in (False, True):
        unheard = Pair("D", blocked=blocked)
        for action in ACTIONS:
            (one, answer), (other, other_answer) = step(Pair("S"), action), step(unheard, action)
            assert (shown(one), answer) == (shown(other), other_answer), action
    for pair in reachable():
        if pair.friendship == "N" and not pair.blocks and not pair.blocked:
            heard, unheard = step(pair, "request"), step(pair, "request_unheard")
            assert (shown(heard[0]), heard[1]) == (shown(unheard[0]), unheard[1])


def test_a_decline_a_block_and_a_closed_account_are_seen_by_nobody_else():
    actions: tuple[Action, ...] = ("decline", "block", "unblock", "close")
    for pair, action in product(reachable(), actions):
        after = by_other(pair, action)
        withdrawn = pair.friendship == "R"  # the other one's own request ends, as if they had cancelled it
        assert shown(after) == (shown(Pair("N", pair.blocks)) if withdrawn and after != pair else shown(pair))


def test_blocking_does_to_a_pair_what_closing_does():
    for pair in reachable():
        blocked, closed = by_other(pair, "block"), by_other(pair, "close")
        assert blocked._replace(blocked=pair.blocked) == closed


def test_nobody_becomes_a_friend_of_whom_they_block():
    for pair, action in product(reachable(), ("request", "request_unheard", "accept")):
        after, answer = step(pair, action)
        if pair.blocks or pair.blocked:
            assert after == pair
            assert answer in ("duplicate", "not_found", "blocked", "refused")
        if pair.friendship == "N" and action != "accept":
            assert answer == ("blocked" if pair.blocks else "refused" if pair.blocked else "ok")


@pytest.mark.parametrize(
    ("start", "mine", "theirs", "mine_first", "theirs_first"),
    [
        ("N", "request", "request", ("F", "ok", "ok"), ("F", "ok", "ok")),
        ("R", "accept", "cancel", ("F", "ok", "conflict"), ("N", "not_found", "ok")),
        ("R", "accept", "block", ("Fy", "ok", "ok"), ("Ny", "not_found", "ok")),
        ("N", "request", "block", ("Dy", "ok", "ok"), ("Ny", "refused", "ok")),
        ("F", "remove", "request", ("R", "ok", "ok"), ("N", "ok", "duplicate")),
        ("F", "remove", "remove", ("N", "ok", "duplicate"), ("N", "duplicate", "ok")),
        ("F", "block", "block", ("Fxy", "ok", "ok"), ("Fxy", "ok", "ok")),
    ],
)
def test_both_act_at_once(
    start: Friendship,
    mine: Action,
    theirs: Action,
    mine_first: tuple[str, Answer, Answer],
    theirs_first: tuple[str, Answer, Answer],
):
    """The writer orders them; each order has its outcome: the state, my answer, theirs."""

    def name(pair: Pair) -> str:
        return pair.friendship + "x" * pair.blocks + "y" * pair.blocked

    after, my_answer = step(Pair(start), mine)
    mirrored, their_answer = step(after.mirror, theirs)
    assert (name(mirrored.mirror), my_answer, their_answer) == mine_first
    mirrored, their_answer = step(Pair(start).mirror, theirs)
    after, my_answer = step(mirrored.mirror, mine)
    assert (name(after), my_answer, their_answer) == theirs_first
