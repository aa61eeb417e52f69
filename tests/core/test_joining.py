"""The ways into a group as a table of states (core/joining.py)."""

import pytest

from chatd.core.joining import CELLS, STATES, step
from chatd.core.joins import WAIT_MS, EndJoins
from chatd.core.sections import JOINS
from chatd.protocol.codec import decode_tree
from chatd.protocol.errors import ChatError
from chatd.protocol.members import MembersRemove
from tests.kit.entering import (
    ASK,
    EVE,
    NO,
    YES,
    decide,
    invite_of,
    lets,
    put,
    room_of,
    state_now,
    use,
    writer_of,
)
from tests.kit.group_requests import add, join, key, last, leave, remove

# protocol.md "Entering groups", written out once more. A word is the state that follows; "dup" a duplicate
# that changes nothing, "-" a refusal, "skip" nothing at all.
TABLE = {
    # Event, rules, audience of eve:     out       asked  declined  offered   in     banned
    ("join", "open", False, YES):       ("in",     "in",  "in",     "in",     "dup", "-"),
    ("join", "request", False, YES):    ("asked",  "dup", "dup",    "in",     "dup", "-"),
    ("join", "closed", False, YES):     ("-",      "dup", "dup",    "in",     "dup", "-"),
    ("use", "closed", False, YES):      ("in",     "in",  "in",     "in",     "dup", "-"),
    ("use asking", "open", False, YES): ("asked",  "dup", "dup",    "asked",  "dup", "-"),
    ("add", "closed", False, YES):      ("in",     "in",  "in",     "in",     "dup", "skip"),
    ("add", "closed", False, ASK):      ("offered", "in", "in",     "dup",    "dup", "skip"),
    ("add", "closed", False, NO):       ("skip",   "skip", "skip",  "skip",   "dup", "skip"),
    ("plain add", "closed", True, YES): ("asked",  "dup", "asked",  "asked",  "dup", "skip"),
    ("plain add", "closed", True, ASK): ("offered", "dup", "asked", "dup",    "dup", "skip"),
    ("plain use", "closed", True, YES): ("asked",  "dup", "dup",    "asked",  "dup", "-"),
    ("accept", "request", False, YES):  ("skip",   "in",  "skip",   "skip",   "dup", "skip"),
    ("decline", "request", False, YES): ("skip",   "declined", "skip", "skip", "dup", "skip"),
    ("leave", "request", False, YES):   ("-",      "out", "declined", "out",  "out", "-"),
    ("remove", "request", False, YES):  ("skip",   "out", "out",    "out",    "out", "skip"),
    ("ban", "request", False, YES):     ("banned", "banned", "banned", "banned", "banned", "dup"),
    ("expire", "request", False, YES):  ("skip",   "out", "out",    "out",    "skip", "skip"),
}  # fmt: skip


def event_of(name, room, writer):
    """Return who asks for what in an event of the table."""
    if name in ("use", "use asking", "plain use"):
        by = "cat" if name == "plain use" else "bob"
        return EVE, use(invite_of(writer, room, by, approve=name == "use asking"))
    return {
        "join": (EVE, join(room)),
        "add": ("bob", add(room, EVE)),
        "plain add": ("cat", add(room, EVE)),
        "accept": ("bob", decide(room, EVE)),
        "decline": ("bob", decide(room, EVE, accept=False)),
        "leave": (EVE, leave(room)),
        "remove": ("bob", remove(room, EVE)),
        "ban": ("bob", MembersRemove(room=room.name, key=key(), users=[EVE], ban=True)),
        "expire": ("", EndJoins([(room.name, EVE)])),
    }[name]


@pytest.mark.parametrize(
    ("row", "state", "expected"),
    [(row, state, cell) for row, cells in TABLE.items() for state, cell in zip(STATES, cells, strict=True)],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else value,
)
def test_each_event_in_each_state_leads_where_the_table_says(row, state, expected):
    name, rule, approve, audience = row
    room = room_of(join=rule, approve=approve, invite="member" if approve else "admin")
    writer = writer_of(room)
    lets(writer, EVE, audience)
    user, request = event_of(name, room, writer)
    put(room, writer, state)
    if name == "expire":
        writer.now += WAIT_MS
    before = room.seq
    (reply,) = writer.batch([(user, request)])
    assert isinstance(reply, ChatError) == (expected == "-"), reply
    if expected in ("-", "skip", "dup"):
        assert state_now(room, writer) == state
        assert room.seq == before
        assert writer.writes.empty
        if name != "expire" and expected == "dup":
            assert reply.duplicate
        return
    assert state_now(room, writer) == expected
    assert last(writer, room).kind in ("joined", "left", "removed", "banned") if room.seq > before else True
    assert room.details.joins == (expected == "asked")
    row_of_eve = writer.rows.get((EVE, JOINS, room.name))
    if expected in ("asked", "offered"):
        assert decode_tree(row_of_eve.value)["kind"] == expected
    elif state in ("asked", "offered") and expected != "declined":
        assert row_of_eve.value is None


def test_every_cell_of_the_table_leads_somewhere():
    for action, cells in CELLS.items():
        assert len(cells) == len(STATES)
        for state in STATES:
            after, answer = step(state, action)
            assert (after != state) == (answer == "")
