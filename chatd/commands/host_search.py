"""The index of messages, as operators look at it and have it made anew."""

from collections.abc import Callable

from chatd.commands.admin import Admin
from chatd.core.audit import Audit
from chatd.protocol.errors import Refused, Unavailable
from chatd.search.interface import IndexStatus, KeptIndex


class HostSearch:
    """The index of this daemon. `index`: returns it, None while search is off."""

    def __init__(self, admin: Admin, index: Callable[[], KeptIndex | None]) -> None:
        self._admin = admin
        self._index = index

    def status(self) -> IndexStatus:
        """Return the state of the index. Raises Refused("not_supported") while search is off."""
        return self._require().status

    async def rebuild(self, audit: Audit) -> IndexStatus:
        """Have the index made anew; until it has caught up, searches find the newest messages alone.

        Raises Refused("not_supported") while search is off, Unavailable while its process is not there.
        """
        index = self._require()
        await self._admin.note(audit)
        if not index.rebuild():
            raise Unavailable("overloaded", "the process of the index is not there: try again in a moment")
        return index.status

    def _require(self) -> KeptIndex:
        index = self._index()
        if index is None:
            raise Refused("not_supported", "search is switched off here")
        return index
