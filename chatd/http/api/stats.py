"""What operators of the host look at: the figures of the daemon, and the audit of what was done through the API."""

import msgspec
from msgspec import UNSET, Struct, UnsetType

from chatd.commands.host_stats import HostStats
from chatd.core.audit import Audit
from chatd.http.api.route import Asked, Call, Page, Route, page_of
from chatd.protocol.identifiers import U53_MAX, Milliseconds, User, Word


class AuditQuery(Page, frozen=True, kw_only=True):
    """`target`: entries about this user, room or key only. `as`: of what was done in the place of this user."""

    target: Word = ""
    as_: User | UnsetType = msgspec.field(default=UNSET, name="as")


class AuditEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change, or one read of what is private. `as`: in whose place.

    `key`: the id of a key, `socket`, or `console:` and a name.
    """

    time: Milliseconds
    key: str
    action: str
    target: str
    request: str
    as_: str = msgspec.field(default="", name="as")


class AuditAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Entries, the newest first."""

    audit: list[AuditEntry]
    more: str | UnsetType = UNSET


async def get_stats(call: Call, asked: Asked) -> HostStats:
    return call.services.stats.read()


async def get_audit(call: Call, asked: AuditQuery) -> AuditAnswer:
    below = asked.number(U53_MAX)
    acted_as = asked.as_ or ""
    found = await call.admin.store.audit(asked.target, below, asked.limit + 1, acted_as)
    entries, more = page_of(found, asked.limit, lambda entry: entry.number)
    return AuditAnswer(audit=[shown(entry) for entry in entries], more=more)


def shown(entry: Audit) -> AuditEntry:
    """Return an entry as the API tells it."""
    return AuditEntry(
        time=entry.time,
        key=entry.key,
        action=entry.action,
        target=entry.target,
        request=entry.request,
        as_=entry.acted_as,
    )


ROUTES = (
    Route("GET", "/v1/stats", "stats", get_stats, Asked, HostStats),
    Route("GET", "/v1/audit", "stats", get_audit, AuditQuery, AuditAnswer),
)
