"""The account rows, cards and keys that decisions need."""

from collections.abc import Collection, Sequence

from chatd.core import api_keys
from chatd.core.privacy_settings import CIRCLES, PRIVACY
from chatd.core.profiles import Card, Holder
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


async def cards(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the cards that are about to change, and who has the handles they ask for."""
    wanted = {getattr(asked.request, "handle", None) for asked in batch}
    handles = {handle.lower() for handle in wanted if isinstance(handle, str) and handle}
    known = await sources.store.cards({asked.user for asked in batch}, handles)
    reads.records_of(Card).update(known.cards)
    reads.records_of(Holder).update(known.holders)


async def keys_of_api(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read all keys of the host's API."""
    reads.records_of(api_keys.ApiKey).update({key.id: key for key in await sources.store.api_keys()})
