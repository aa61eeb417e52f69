"""The graph as the host of a test has it: its own edges and its own digest, which shares no code with chatd."""

from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from typing import Any

Edge = tuple[str, str, str]
"""(kind, from, to); a friendship is two."""

Get = Callable[[str], Awaitable[Any]]
"""GET a path of chatd, and return the answer from JSON."""

Buckets = dict[str, dict[str, list[int]]]


class HostGraph:
    """Edges in a set, changed as a back end changes them."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        self.edges = set(edges)

    def apply(self, op: str, a: str, b: str) -> None:
        """Carry out one change."""
        kind = op.removeprefix("un")
        edges = {(kind, a, b)} | ({(kind, b, a)} if kind == "friend" else set())
        if op == kind:
            self.edges |= edges
        else:
            self.edges -= edges

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of an import of everybody, in order of user id."""
        words = {"friend": "friends", "follow": "follows", "block": "blocks"}
        users = sorted({name for _, a, b in self.edges for name in (a, b)})
        lines: dict[str, dict[str, Any]] = {
            user: {"user": user, **{word: [] for word in words.values()}} for user in users
        }
        for kind, a, b in sorted(self.edges):
            lines[a][words[kind]].append(b)
        return [*lines.values()]

    def buckets(self) -> Buckets:
        """Return the digest of docs/people.md."""
        found: Buckets = {}
        for kind, a, b in self.edges:
            cell = found.setdefault(bucket(a), {}).setdefault(kind, [0, 0])
            cell[0] += 1
            cell[1] += int(sha256(f"{kind}\n{a}\n{b}".encode()).hexdigest()[:10], 16)
        return found

    async def differences(self, differ: Iterable[str], get: Get) -> set[Edge]:
        """Return the edges that only one of the two has, found by walking from buckets to users to edges."""
        found: set[Edge] = set()
        mine: dict[str, set[Edge]] = {}
        for edge in self.edges:
            mine.setdefault(edge[1], set()).add(edge)
        members: dict[str, set[str]] = {}
        for user in mine:
            members.setdefault(bucket(user), set()).add(user)
        for place in differ:
            theirs = (await get(f"/v1/people/digest?bucket={place}"))["users"]
            for user in members.get(place, set()) | theirs.keys():
                own = mine.get(user, set())
                if HostGraph(own).buckets().get(place, {}) != theirs.get(user, {}):
                    edges = (await get(f"/v1/people/digest?user={user}"))["edges"]
                    found |= own ^ {(kind, user, other) for kind, others in edges.items() for other in others}
        return found


def bucket(user: str) -> str:
    return sha256(user.encode()).hexdigest()[:4]
