"""The friendship of a pair as a table: each action in each state, as one of the two sees it (protocol.md "Friendship").

| State | The one who acts has | The other has |
|---|---|---|
| N | nothing | nothing |
| S | a request sent | it received |
| R | a request received | it sent |
| D | a request sent | declined it, or is not shown it |
| E | declined it, or is not shown it | a request sent |
| F | a friend | a friend |

Besides, each may block the other. A block ends what is pending and leaves a friendship as it is. The table is total:
every state and action has a row, also those that the daemon never reaches. `CELLS` are without blocks; `step` adds
them.
"""

from typing import Literal, NamedTuple, cast

Friendship = Literal["N", "S", "R", "D", "E", "F"]
Action = Literal[
    "request",  # ask to be friends
    "request_unheard",  # the same, in the other's quiet time
    "accept",
    "decline",
    "cancel",
    "remove",
    "block",
    "unblock",
    "close",  # the account of the one who acts is disabled
    "expire",  # the time of a request is up
    "befriend",  # by the host
    "unfriend",  # by the host
]
Answer = Literal["ok", "duplicate", "not_found", "conflict", "blocked", "refused"]

STATES: tuple[Friendship, ...] = ("N", "S", "R", "D", "E", "F")
MIRROR: dict[Friendship, Friendship] = {"N": "N", "S": "R", "R": "S", "D": "E", "E": "D", "F": "F"}

# For each action a cell for each state, in the order of STATES: the next state, or the answer where nothing changes.
CELLS: dict[Action, tuple[Friendship | Answer, ...]] = {
    "request": ("S", "duplicate", "F", "duplicate", "F", "duplicate"),
    "request_unheard": ("D", "duplicate", "F", "duplicate", "F", "duplicate"),
    "accept": ("not_found", "not_found", "F", "not_found", "F", "duplicate"),
    "decline": ("not_found", "not_found", "E", "not_found", "duplicate", "conflict"),
    "cancel": ("duplicate", "N", "duplicate", "N", "duplicate", "conflict"),
    "remove": ("duplicate", "duplicate", "duplicate", "duplicate", "duplicate", "N"),
    "block": ("duplicate", "N", "E", "N", "duplicate", "duplicate"),
    "unblock": ("duplicate", "duplicate", "duplicate", "duplicate", "duplicate", "duplicate"),
    "close": ("duplicate", "N", "E", "N", "duplicate", "duplicate"),
    "expire": ("duplicate", "N", "N", "N", "N", "duplicate"),
    "befriend": ("F", "F", "F", "F", "F", "duplicate"),
    "unfriend": ("duplicate", "duplicate", "duplicate", "duplicate", "duplicate", "N"),
}
# What a block refuses, in both directions.
ASKING: frozenset[Action] = frozenset({"request", "request_unheard", "accept"})


class Pair(NamedTuple):
    """A pair as one of the two sees it. `blocks`: they block the other; `blocked`: the other blocks them."""

    friendship: Friendship
    blocks: bool = False
    blocked: bool = False

    @property
    def mirror(self) -> "Pair":
        """The same as the other one sees it."""
        return Pair(MIRROR[self.friendship], self.blocked, self.blocks)


def step(pair: Pair, action: Action) -> tuple[Pair, Answer]:
    """Return the pair after an action of the one who sees it so, and the answer to them.

    >>> step(Pair("R"), "accept")
    (Pair(friendship='F', blocks=False, blocked=False), 'ok')
    """
    cell = CELLS[action][STATES.index(pair.friendship)]
    moved = cell if cell in STATES else pair.friendship
    if action in ASKING and moved != pair.friendship:
        if pair.blocks:
            return pair, "blocked"
        if pair.blocked:
            return pair, "refused"
    blocks = {"block": True, "unblock": False}.get(action, pair.blocks)
    after = Pair(moved, blocks, pair.blocked)
    if after != pair:
        return after, "ok"
    return pair, "duplicate" if cell in STATES else cast("Answer", cell)
