"""The digest of the graph, by which a host and chatd prove that they hold the same one (docs/people.md). Pure.

An edge is a kind, a user and another: friends have two, one in each direction. It stands for the first 5 bytes of
SHA-256(kind LF user LF other), and belongs to the bucket of its user: the first 4 hex digits of SHA-256(user). The
digest of a kind in a bucket is the number of edges and the sum of what they stand for, which any database computes in
one statement, in any order. Sums stay below 2^63 for 8 million edges a bucket.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from chatd.core.graph import KINDS, Edges, Kind

BUCKET_DIGITS = 4
EDGE_BYTES = 5

Digest = tuple[int, int]
"""Count and sum."""

Digests = dict[Kind, Digest]
"""By kind; a kind without edges is left out."""


def bucket_of(user: str) -> str:
    """Return the bucket of a user.

    >>> bucket_of("u42")
    'd472'
    """
    return sha256(user.encode()).hexdigest()[:BUCKET_DIGITS]


def number_of(kind: Kind, user: str, other: str) -> int:
    """Return what an edge stands for, below 2^40."""
    return int.from_bytes(sha256(f"{kind}\n{user}\n{other}".encode()).digest()[:EDGE_BYTES], "big")


def digest_of(kind: Kind, user: str, others: Iterable[str]) -> Digest:
    """Return the digest of the edges of one kind from one user."""
    numbers = [number_of(kind, user, other) for other in others]
    return len(numbers), sum(numbers)


def digests_of(user: str, edges: Edges) -> Digests:
    """Return the digests of the edges of one user."""
    return {kind: digest_of(kind, user, edges[kind]) for kind in KINDS if edges.get(kind)}


@dataclass(slots=True)
class GraphDigest:
    """The digest of a whole graph, as of one commit: by bucket, with the numbers of the feeds."""

    feeds: dict[str, int] = field(default_factory=dict)
    buckets: dict[str, Digests] = field(default_factory=dict)

    def add(self, kind: Kind, user: str, digest: Digest) -> None:
        """Add the edges of one kind from one user."""
        cell = self.buckets.setdefault(bucket_of(user), {})
        count, total = cell.get(kind, (0, 0))
        cell[kind] = (count + digest[0], total + digest[1])

    def counts(self) -> dict[Kind, int]:
        """Return the number of edges of each kind."""
        return {kind: sum(cell.get(kind, (0, 0))[0] for cell in self.buckets.values()) for kind in KINDS}

    def differing(self, theirs: Mapping[str, Mapping[Kind, Digest]], kinds: Iterable[Kind]) -> list[str]:
        """Return the buckets, in order, in which another graph has other edges of these kinds."""
        kinds = tuple(kinds)
        return [
            bucket
            for bucket in sorted({*self.buckets, *theirs})
            if any(
                tuple(self.buckets.get(bucket, {}).get(kind, (0, 0)))
                != tuple(theirs.get(bucket, {}).get(kind, (0, 0)))
                for kind in kinds
            )
        ]


class BucketDigests(NamedTuple):
    """Users of one bucket, in order of user id, with their digests, and the numbers of the feeds."""

    feeds: dict[str, int]
    users: list[tuple[str, Digests]]
