"""The account rows that decisions need."""

from collections.abc import Collection, Sequence

from chatd.core.privacy_settings import CIRCLES, PRIVACY
from chatd.core.push_preferences import PREFERENCES, is_of_account
from chatd.core.read_set import ReadSet
from chatd.core.sections import ChangedRow
from chatd.writer.sources import Sources, Submitted


async def circles(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the circles of the users who ask."""
    await read_account_rows(sources, {(asked.user, CIRCLES) for asked in batch}, reads)


async def privacy(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the privacy rules of users who are about to change them, and the circles that rules name."""
    wanted = {(asked.user, name) for asked in batch for name in (PRIVACY, CIRCLES)}
    await read_account_rows(sources, wanted, reads)


async def preferences(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the preferences of users who are about to change those of their account."""
    users = {asked.user for asked in batch if is_of_account(asked.request)}
    if users:
        await read_account_rows(sources, {(user, PREFERENCES) for user in users}, reads)


async def read_account_rows(sources: Sources, rows: Collection[tuple[str, str]], reads: ReadSet) -> None:
    """Read rows of the section `account`, by (user, name), for `sections.stored`."""
    for row in await sources.store.account_rows(rows):
        reads.records_of(ChangedRow)[row.user, row.section, row.name] = row
