"""Waiting while a poller turns, for users to come in or for something else; and the last comparison with the logs."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.checks import Entry, LogBook, Said, check_dense, check_log, check_replica, deliveries
from bench.client.device import Refused
from bench.client.replica import Position
from bench.client.user import User, UsersState
from bench.engine.record import SECOND_NS
from bench.server import Unreachable
from bench.wire import Packet

LOOK_NS = SECOND_NS // 100  # between two looks at a condition that is dear to look at
GATHER_NS = 120 * SECOND_NS  # nobody new for so long: the others will not come either


def enter(state: UsersState, users: Sequence[User], at_once: int) -> None:
    """Let everybody in, so many at a time. Raises Unreachable when nobody new comes for GATHER_NS."""
    waiting, dialled = deque(users), list[User]()

    def entered() -> bool:
        dialled[:] = [user for user in dialled if not user.synchronised]
        while waiting and len(dialled) < at_once:
            dialled.append(waiting.popleft())
            dialled[-1].dial()
        return not waiting and not dialled

    wait(state, entered, lambda: present(users), "people")


def present(users: Sequence[User]) -> int:
    return sum(user.synchronised for user in users)


def wait(state: UsersState, done: Callable[[], bool], moved: Callable[[], int], what: str) -> None:
    """Turn the poller until `done`. Raises Unreachable when `moved`, how many of what, stands still for GATHER_NS."""
    if not state.poller.settle(done, moved, GATHER_NS, LOOK_NS):
        reasons = ", ".join(reason for reason, _ in state.failures.most_common(3))
        raise Unreachable(f"only {moved():,} {what}: {reasons or 'no answer'}")


def compare(state: UsersState, users: Sequence[User], readers: Mapping[User, Sequence[str]]) -> int:
    """Read all logs back and hold everybody to them; how many messages reached somebody who did not write them.

    Raises Unreachable, Refused.
    """
    wait(state, lambda: present([*readers]) == len(readers), lambda: present([*readers]), "who read the logs")
    logs: dict[str, list[Packet]] = {}
    for reader, rooms in readers.items():
        _read(reader, deque(rooms), logs)
    count = sum(map(len, readers.values()))
    wait(state, lambda: len(logs) == count, lambda: len(logs), "logs")
    acked: dict[str, dict[str, int]] = defaultdict(dict)
    positions: dict[str, dict[str, Position]] = defaultdict(dict)
    for user in users:
        if missing := sum(sender.said for sender in user.senders) - len(user.acked):
            state.tally.add("unacked", f"{missing} of {user.name}", missing)
        for key, (room, seq) in user.acked.items():
            acked[room][key] = seq
        for room, position in user.positions.items():
            positions[room][user.name] = position

    def entry(room: str, event: Packet) -> Entry:
        said = None
        if event["kind"] == "message":
            said = Said(event["key"], event["user"], event.get("body", {}).get("text", ""))
        return Entry(event["seq"], state.cache.event(room, event).identity, said)

    def written(key: str) -> tuple[int, Said] | None:
        if (message := state.script.message(key)) is None:
            return None
        author, number, *_ = message
        return number, Said(key, state.script.user(author), state.script.text(author, number))

    reached = 0
    for room, events in logs.items():
        book = LogBook(room, [entry(room, event) for event in events])
        check_dense(book, state.tally)
        check_log(book, acked[room], written, state.tally)
        for name, position in positions[room].items():
            check_replica(name, position, book, state.tally)
        reached += deliveries(positions[room], book)
    return reached


def heads_of(places: Iterable[Mapping[str, int]]) -> dict[str, int]:
    heads: dict[str, int] = {}
    for theirs in places:
        heads |= {room: max(seq, heads.get(room, 0)) for room, seq in theirs.items()}
    return heads


def _read(reader: User, rooms: deque[str], logs: dict[str, list[Packet]]) -> None:
    def ask(room: str, first: int, events: list[Packet]) -> None:
        def answered(reply: Packet) -> None:
            if reply["type"] != "ok":
                raise Refused(reply)
            events.extend(reply["events"])
            if "next" in reply:
                ask(room, reply["next"], events)
            else:
                logs[room] = events
                _read(reader, rooms, logs)

        if reader.connection is not None:
            reader.connection.ask({"type": "log", "room": room, "from": first}, answered)

    if rooms:
        ask(rooms.popleft(), 1, [])
