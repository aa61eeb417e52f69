"""The type of a bad input: its number in the catalogue, the bytes, and the documented outcome. No tables."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.hostile.attacked_daemon import AttackedDaemon

# The id of the one request of a case that is answered.
ASKED = 1

# Names of rooms of the attacked daemon, as long as real ones: tables are written before there are any.
# Created by mallory, with alice in it: seq 2 and 4 are messages of mallory, 3 of alice; 5 recalls 4.
OWN = "gMallorysOwn"
# The group of alice and bob, who chat in it during every case.
FOREIGN = "gOthersGroup"
# No room has this name.
NOWHERE = "gNoSuchRooms"
HIS, HERS, RECALLED = 2, 3, 4

When = Literal["connect", "first", "later"]
Encoding = Literal["msgpack", "json"]

ENCODINGS: tuple[Encoding, ...] = ("msgpack", "json")


@dataclass(frozen=True, slots=True)
class Case:
    """Bytes sent in one piece, and the one right outcome, in the words of protocol.md "Negative frames" and a few more:

    - `status N`: the answer to an upgrade or a request
    - `close N`: a close frame; behind a `bye` of the same code where the table of close codes has one
    - `ok`, `error CODE`: the reply to the packet with the id ASKED
    - `ignored`: no answer, and the connection serves the next request
    - `waits`: nothing was whole yet; the client leaves
    - `cut`: the connection ended without a word

    `when`: on a bare TCP connection, as the first of an upgraded one, or behind an accepted hello.
    """

    number: int
    what: str
    sent: bytes
    outcome: str
    when: When = "later"
    encoding: Encoding = "msgpack"

    @property
    def id(self) -> str:
        """The name of the case in a report."""
        return f"{self.number}-{self.when}-{self.encoding}-{self.what}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A bad input of several steps; `run` raises AssertionError when the daemon does the wrong thing."""

    number: int
    what: str
    run: Callable[["AttackedDaemon"], Awaitable[None]]

    @property
    def id(self) -> str:
        return f"{self.number}-{self.what}"


ScenarioFunction = Callable[["AttackedDaemon"], Awaitable[None]]


class Scenarios(list[Scenario]):
    """Scenarios in order of definition: `@scenarios(10, "no descriptor is left")` adds one."""

    def __call__(self, number: int, what: str) -> Callable[[ScenarioFunction], ScenarioFunction]:
        def add(run: ScenarioFunction) -> ScenarioFunction:
            self.append(Scenario(number, what, run))
            return run

        return add
