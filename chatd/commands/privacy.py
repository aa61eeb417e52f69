"""Erasures and exports of persons, as the back end of a host app asks for them."""

from collections.abc import Sequence

from chatd.commands.admin import Writes
from chatd.core.audit import Audit, NoteAccess
from chatd.core.erasure_steps import Erase
from chatd.core.erasures import Erasure
from chatd.core.exports import AskExport, Export
from chatd.core.users import require_seen
from chatd.delivery.hub import Hub
from chatd.jobs.erasures import Erasures as ErasureJob
from chatd.jobs.exports import Exports as ExportJob
from chatd.protocol import close_codes
from chatd.protocol.errors import Refused
from chatd.storage.interface import Store


class Privacy:
    """The requests of a host that concern all that is kept of a person. `audit`: stored with the change."""

    def __init__(
        self, store: Store, writes: Writes, hub: Hub, erasures: ErasureJob, exports: ExportJob
    ) -> None:
        self._store = store
        self._writes = writes
        self._hub = hub
        self._erasures = erasures
        self._exports = exports

    async def erase(self, request: Erase, audit: Audit, *, seen: bool = False) -> Erasure:
        """Begin the erasure of a person, who is shut out when this returns.

        `seen`: refuse a person who never connected, probably mistyped.
        """
        person = request.person
        if seen:
            account, devices = await self._store.account(person), await self._store.devices(person)
            require_seen(person, "", account, devices)
        await self._writes("", request, audit)
        for session, close in self._hub.ended_by(person, "", close_codes.BANNED):
            session.close(close)
        self._erasures.wake()
        return await self.erasure(person)

    async def erasure(self, person: str) -> Erasure:
        """Return the last erasure of a person; Refused("not_found") when there is none."""
        found = await self._store.erasures.of([person])
        if not found:
            raise Refused("not_found", "nobody asked to erase this person")
        return found[0]

    async def erasures(self, asked: int, after: str, limit: int) -> Sequence[Erasure]:
        """Return up to `limit` erasures behind (`asked`, user `after`), in that order."""
        return await self._store.erasures.since(asked, after, limit)

    async def check(self, person: str, audit: Audit) -> Erasure:
        """Count what is left of an erased person now, and erase that."""
        erasure = await self.erasure(person)
        if not erasure.done:
            raise Refused("conflict", "the erasure is under way")
        if erasure.is_over:
            raise Refused("conflict", "the id was opened again: what is there is of a new person")
        await self._writes("", NoteAccess(), audit)
        return await self._erasures.check(erasure)

    async def ask_export(self, person: str, audit: Audit) -> Export:
        """Begin an export of a person, unless one is under way; Refused("gone") when they were erased."""
        await self._writes("", AskExport(person), audit)
        self._exports.wake()
        return await self.export(person)

    async def export(self, person: str) -> Export:
        """Return the last export of a person; Refused("not_found") when there is none."""
        found = await self._store.erasures.exports_of([person])
        if not found:
            raise Refused("not_found", "there is no export of this person, or its week is over")
        return found[0]

    async def export_path(self, person: str, audit: Audit) -> str:
        """Return the path of the file of an export, once the audit has it that somebody fetched it."""
        export = await self.export(person)
        if not export.done:
            raise Refused("not_found", "the export is not written yet")
        await self._writes("", NoteAccess(), audit)
        return self._store.files.export_path(export.file)
