"""What the checker of owed notifications takes for a message that was too old."""

import pytest

from tests.simulation.history import History, Registered, Row, Truth
from tests.simulation.push_checkers import owed

SENT_MS = 1763900000000


@pytest.mark.parametrize(
    ("decided", "before_ms", "is_owed"), [(6, SENT_MS + 1, False), (7, SENT_MS + 1, True), (6, SENT_MS, True)]
)
def test_a_message_is_not_owed_when_it_became_too_old_undecided(
    decided: int, before_ms: int, is_owed: bool
) -> None:
    made = {"seq": 1, "kind": "created", "user": "ann", "users": ["ann", "bob"], "time": SENT_MS}
    sent = {"seq": 2, "kind": "message", "user": "bob", "ordinal": 1, "time": SENT_MS}
    truth = Truth("e", {"r": {1: Row(3, None, made), 2: Row(7, "k", sent)}}, 7)
    truth.members["r"] = {"ann": {"read": 0, "first_visible": 1, "hidden": False, "standing": 1}}
    truth.registered.append(Registered("a0", "ann", "phone"))
    history = History(push=True, ended=True, truths=[truth], away={"phone": 5}, badges=[(7, 1.0, {"ann": 1})])
    history.stale.append((decided, before_ms))
    assert bool([*owed(history)]) == is_owed
