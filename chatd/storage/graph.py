"""The contract of the reads of the graph: each is as of one commit."""

from collections.abc import Collection
from typing import Protocol

from chatd.core.contacts import Contact
from chatd.core.graph import Edges
from chatd.core.graph_digest import BucketDigests, GraphDigest
from chatd.core.privacy import Relation
from chatd.core.read_set import PeopleRules
from chatd.core.room import Standing


class GraphStore(Protocol):
    """The graph, for the back end of a host app: what it compares, repairs and explains."""

    async def edges_of(self, users: Collection[str]) -> dict[str, Edges]:
        """Return the friends, follows and blocks of each of these users."""

    async def contacts_of(self, owner: str, after: str, limit: int) -> list[Contact]:
        """Return up to `limit` contacts of `owner` behind `after`, in order of user id."""

    async def explained(
        self, viewer: str, owner: str, rules: PeopleRules
    ) -> tuple[Relation, Standing | None]:
        """Return how a viewer stands to an owner, with the groups they share, and the standing of the owner in their
        direct room if there is one.
        """

    async def graph_digest(self) -> GraphDigest:
        """Return the digest of the whole graph as of one commit. It takes seconds, and delays no other read."""

    async def bucket_digests(self, bucket: str, after: str, limit: int) -> BucketDigests:
        """Return up to `limit` users of a bucket behind `after` who have edges. It takes time, like `graph_digest`."""

    async def user_edges(self, user: str) -> tuple[dict[str, int], Edges]:
        """Return the feeds, and the edges from a user, as of one commit."""
