"""Contacts as a test wants them, written like any other change: a capability whose one request puts both rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chatd.core.contacts import Contact, State, contact_of, put
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.server.capability import Capability
from chatd.writer.needs import Sources, Submitted, both, read_contacts
from tests.kit.inprocess import InProcessServer


@dataclass(slots=True, frozen=True)
class PutContacts:
    """Set these fields of what users have of each other, by (owner, user)."""

    contacts: Mapping[tuple[str, str], Mapping[str, Any]]


async def needed(sources: Sources, batch: list[Submitted], reads: ReadSet) -> None:
    pairs = {pair for asked in batch for place in asked.request.contacts for pair in both(*place)}
    await read_contacts(sources, pairs, reads)


def put_contacts(user: str, request: PutContacts, writes: WriteSet, reads: ReadSet) -> Ok:
    for place, fields in request.contacts.items():
        put(replace(contact_of(*place, reads), **fields), writes, reads)
    return Ok()


CONTACTS = Capability(decisions={PutContacts: put_contacts}, needs={PutContacts: (needed,)})  # type: ignore[dict-item]


async def set_contact(server: InProcessServer, owner: str, user: str, **fields: Any) -> None:
    """Set fields of what `owner` has of `user`."""
    await server.app.writer.submit_and_wait("", PutContacts({(owner, user): fields}))
    await server.wait_idle()


async def make_friends(server: InProcessServer, a: str, b: str) -> None:
    both_ways: dict[tuple[str, str], Mapping[str, Any]] = {
        place: {"state": State.FRIEND} for place in both(a, b)
    }
    await server.app.writer.submit_and_wait("", PutContacts(both_ways))
    await server.wait_idle()


__all__ = ["CONTACTS", "Contact", "make_friends", "set_contact"]
