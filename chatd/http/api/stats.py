"""What operators of the host look at: the figures of the daemon, and the audit of what was done through the API."""

from msgspec import UNSET, Struct, UnsetType

from chatd.commands.host_stats import HostStats
from chatd.http.api.route import Asked, Call, Page, Route, page_of
from chatd.protocol.identifiers import U53_MAX, Milliseconds, Word


class AuditQuery(Page, frozen=True, kw_only=True):
    """`target`: entries about this user, room or key only."""

    target: Word = ""


class AuditEntry(Struct, frozen=True):
    """One change, or one read of what is private. `key`: the id of a key, `socket`, or `console:` and a name."""

    time: Milliseconds
    key: str
    action: str
    target: str
    request: str


class AuditAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Entries, the newest first."""

    audit: list[AuditEntry]
    more: str | UnsetType = UNSET


async def get_stats(call: Call, asked: Asked) -> HostStats:
    return call.services.stats.read()


async def get_audit(call: Call, asked: AuditQuery) -> AuditAnswer:
    below = asked.number(U53_MAX)
    found = await call.admin.store.audit(asked.target, below, asked.limit + 1)
    entries, more = page_of(found, asked.limit, lambda entry: entry.number)
    shown = [AuditEntry(one.time, one.key, one.action, one.target, one.request) for one in entries]
    return AuditAnswer(audit=shown, more=more)


ROUTES = (
    Route("GET", "/v1/stats", "stats", get_stats, Asked, HostStats),
    Route("GET", "/v1/audit", "stats", get_audit, AuditQuery, AuditAnswer),
)
