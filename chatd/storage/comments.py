"""The contract of a store for comments on the posts of channels."""

from collections.abc import Sequence
from typing import Protocol

from chatd.storage.views import MessagePage


class CommentViews(Protocol):
    """The comments that were not recalled, in the group of a channel."""

    async def comments(
        self, room: int, post: int, bounds: tuple[int, int], limit: int, page_bytes: int, *, newest: bool
    ) -> MessagePage:
        """Return up to `limit` comments on a post, from the newest or from the oldest end of `bounds`."""

    async def comment_counts(self, channel: int, posts: Sequence[int]) -> dict[int, int]:
        """Return the number of comments on each of these posts that has any, in the group that is linked to `channel`.

        COMMENTS_COUNTED_MAX is at least so many.
        """
