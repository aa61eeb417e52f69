"""The needs of decisions on drafts and scheduled messages."""

from collections.abc import Collection, Sequence

from chatd.core.held_files import scheduled_holder
from chatd.core.read_set import ReadSet
from chatd.core.sections import DRAFTS, SCHEDULED, ChangedRow
from chatd.storage.files import FileQuery
from chatd.writer.file_needs import read_files
from chatd.writer.sources import Sources, Submitted


async def drafts(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the drafts of the users who ask."""
    await read_section(sources, {asked.user for asked in batch}, DRAFTS, reads)


async def waiting(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read all scheduled messages of the users who ask."""
    await read_section(sources, {asked.user for asked in batch}, SCHEDULED, reads)


async def read_section(sources: Sources, users: Collection[str], section: str, reads: ReadSet) -> None:
    """Read the rows of a section of these users, for `sections.stored`."""
    for row in await sources.store.rows_of_section(users, section):
        reads.records_of(ChangedRow)[row.user, row.section, row.name] = row


async def scheduled(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the scheduled messages that requests name."""
    rows = {(asked.user, SCHEDULED, asked.request.key) for asked in batch}
    for row in await sources.store.section_rows(rows):
        reads.records_of(ChangedRow)[row.user, row.section, row.name] = row


async def held(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the files that scheduled messages hold."""
    if reads.rules.media.enabled:
        holders = {scheduled_holder(asked.user, asked.request.key) for asked in batch}
        await read_files(sources, FileQuery(holders=holders), reads)


async def senders(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the accounts of users whose messages are due."""
    known = await sources.store.people({asked.user for asked in batch}, ())
    reads.accounts.update(known.accounts)
