"""People: the graph of the host app, its digest, privacy of users, and why somebody may or may not (docs/people.md)."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from chatd.core.contacts import row_of, shown
from chatd.core.explanation import MUTUAL, Related, Rule, explain
from chatd.core.graph import EdgeChange, Edges, Kind, Op, Wanted
from chatd.core.graph_digest import Digests
from chatd.core.privacy import Outcome
from chatd.core.privacy_settings import SetByHost
from chatd.http.api.ndjson import BULK_BYTES_MAX
from chatd.http.api.route import Asked, Call, Page, Route, page_of
from chatd.protocol.errors import Refused
from chatd.protocol.friends import ContactRow
from chatd.protocol.identifiers import U53, User
from chatd.protocol.privacy import Audience, Audiences, Capability, PrivacyOk

CHANGES_MAX = 1000
# The largest people.friends_max.
OTHERS_MAX = 100_000
# Some 64 KiB.
PAGE_MAX = 1000

Feed = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
Bucket = Annotated[str, Meta(pattern=r"^[0-9a-f]{4}\Z")]
Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Others = Annotated[frozenset[User], Meta(max_length=OTHERS_MAX)]
Cells = dict[Bucket, dict[Kind, Annotated[tuple[U53, Annotated[int, Meta(ge=0)]], Meta()]]]


class Change(Asked, frozen=True, kw_only=True):
    """The change with the number `n` of its feed: an edge from `a` to `b`; friendship has both directions."""

    n: Number
    op: Op
    a: User
    b: User


class PostChanges(Asked, frozen=True, kw_only=True):
    """Changes in the order of their numbers, each one more than the one before."""

    feed: Feed
    changes: Annotated[tuple[Change, ...], Meta(min_length=1, max_length=CHANGES_MAX)]


class Reached(Struct, frozen=True):
    """The number of the last change that was carried out."""

    n: int


class ImportLine(Asked, frozen=True, kw_only=True):
    """All edges of a user, by kind; a kind that is absent stays as it is."""

    user: User
    friends: Others | None = None
    follows: Others | None = None
    blocks: Others | None = None


class Imported(Struct, frozen=True):
    user: str
    added: int
    removed: int


class DigestQuery(Asked, frozen=True, kw_only=True):
    """Without keys: all buckets. `bucket`: the users in it, `user`: the edges of one; `more` continues either."""

    bucket: Bucket | None = None
    user: User | None = None
    more: Annotated[str, Meta(max_length=64)] = ""


class DigestAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As of one commit: the number of each feed, and what was asked for. A digest is a count and a sum."""

    feeds: dict[str, int]
    counts: dict[Kind, int] | UnsetType = UNSET
    buckets: dict[str, Digests] | UnsetType = UNSET
    users: dict[str, Digests] | UnsetType = UNSET
    edges: dict[Kind, list[str]] | UnsetType = UNSET
    more: str | UnsetType = UNSET


class Reconcile(Asked, frozen=True, kw_only=True):
    """The digest of the host: buckets and kinds without edges may be left out. `feed` and `n`: as of which change."""

    feed: Feed | None = None
    n: U53 = 0
    buckets: Cells


class Reconciled(Struct, frozen=True):
    equal: bool
    differ: list[str]


class PutPrivacy(Asked, frozen=True, kw_only=True):
    """Rules to replace, and whether the user may change them no more."""

    rules: Audiences = field(default_factory=dict)
    locked: bool | None = None


class PrivacyAnswer(Struct, frozen=True):
    rules: Audiences
    locked: bool


class ContactsAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    contacts: list[ContactRow]
    more: str | UnsetType = UNSET


class ExplainQuery(Asked, frozen=True, kw_only=True):
    """Whether `a` may use the capability `what` of `b`."""

    a: User
    b: User
    what: Capability


class Explained(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome and the rule that decides it, of the user `of`."""

    outcome: Outcome
    rule: Rule
    of: str
    relation: Related
    audience: Audience
    chosen: bool
    standing: str | UnsetType = UNSET


async def post_changes(call: Call, asked: PostChanges) -> Reached:
    first = asked.changes[0].n
    for place, one in enumerate(asked.changes):
        if one.n != first + place:
            raise Refused("bad_request", "numbers go up by one", field=f"changes[{place}].n")
        if one.a == one.b:
            raise Refused("bad_request", "an edge is between two users", field=f"changes[{place}].b")
    changes = [EdgeChange(one.op, one.a, one.b) for one in asked.changes]
    return Reached(await call.graph.change(asked.feed, first, changes, call.audit(asked.feed)))


async def import_line(call: Call, asked: ImportLine) -> Imported:
    given: dict[Kind, Others | None] = {
        "friend": asked.friends,
        "follow": asked.follows,
        "block": asked.blocks,
    }
    edges: Edges = {kind: others for kind, others in given.items() if others is not None}
    if any(asked.user in others for others in edges.values()):
        raise Refused("bad_request", "an edge is between two users", field="user")
    done = await call.graph.replace(Wanted(asked.user, edges), call.audit(asked.user))
    return Imported(asked.user, done.added, done.removed)


async def get_digest(call: Call, asked: DigestQuery) -> DigestAnswer:
    if asked.user is not None:
        return await edges_of(call, asked.user, asked.more)
    if asked.bucket is not None:
        found = await call.graph.bucket(asked.bucket, asked.more, PAGE_MAX + 1)
        users, more = page_of(found.users, PAGE_MAX, lambda row: row[0])
        return DigestAnswer(feeds=found.feeds, users=dict(users), more=more)
    digest = await call.graph.digest()
    return DigestAnswer(feeds=digest.feeds, counts=digest.counts(), buckets=digest.buckets)


async def edges_of(call: Call, user: str, after: str) -> DigestAnswer:
    """Return a page of the edges of a user, in the order of the others."""
    feeds, edges = await call.graph.store.user_edges(user)
    await call.admin.note(call.audit(user))
    rows = sorted((other, kind) for kind, others in edges.items() for other in others if other > after)
    # All edges to one other are on one page.
    last = rows[PAGE_MAX - 1][0] if len(rows) > PAGE_MAX else None
    shown: dict[Kind, list[str]] = {}
    for other, kind in rows:
        if last is None or other <= last:
            shown.setdefault(kind, []).append(other)
    return DigestAnswer(feeds=feeds, edges=shown, more=UNSET if last is None or last == rows[-1][0] else last)


async def reconcile(call: Call, asked: Reconcile) -> Reconciled:
    differ = await call.graph.differing(asked.feed or "", asked.n, asked.buckets)
    return Reconciled(not differ, differ)


async def put_privacy(call: Call, asked: PutPrivacy) -> PrivacyAnswer:
    user = call.path["user"]
    reply = await call.admin.decide(user, SetByHost(asked.rules, asked.locked), call.audit(user))
    assert isinstance(reply, PrivacyOk)
    return PrivacyAnswer(reply.privacy.rules, reply.privacy.locked)


async def get_contacts(call: Call, asked: Page) -> ContactsAnswer:
    user = call.path["user"]
    await call.admin.note(call.audit(user))
    found = await call.graph.store.contacts_of(user, asked.more, asked.limit + 1)
    contacts, more = page_of(found, asked.limit, lambda contact: contact.user)
    return ContactsAnswer(contacts=[row_of(one) for one in contacts if shown(one)], more=more)


async def get_explanation(call: Call, asked: ExplainQuery) -> Explained:
    call.graph.require_people()
    await call.admin.note(call.audit(asked.b))
    rules = call.graph.rules
    relation, standing = await call.graph.store.explained(asked.a, asked.b, rules)
    silent = [user for user in (asked.a, asked.b) if await is_silent(call, user, asked.what)]
    found = explain(relation, standing, asked.what, rules.bounds, silent=silent)
    return Explained(
        outcome=found.outcome,
        rule=found.rule,
        of=found.of,
        relation=found.relation,
        audience=found.audience,
        chosen=found.chosen,
        standing=UNSET if found.standing is None else found.standing.name.lower(),
    )


async def is_silent(call: Call, user: str, what: Capability) -> bool:
    """Whether a user has switched off what goes by a capability, in their preferences."""
    account = await call.admin.store.account(user) if what in MUTUAL else None
    return account is not None and not (account.presence if what == "presence" else account.receipts)


ROUTES = (
    Route("POST", "/v1/people/changes", "people", post_changes, PostChanges, Reached),
    Route("POST", "/v1/people/import", "people", import_line, ImportLine, Imported, bulk=True),
    Route("GET", "/v1/people/digest", "people", get_digest, DigestQuery, DigestAnswer),
    Route(
        "POST", "/v1/people/reconcile", "people", reconcile, Reconcile, Reconciled, body_bytes=BULK_BYTES_MAX
    ),
    Route("PUT", "/v1/users/{user}/privacy", "people", put_privacy, PutPrivacy, PrivacyAnswer),
    Route("GET", "/v1/users/{user}/contacts", "people", get_contacts, Page, ContactsAnswer),
    Route("GET", "/v1/people/explain", "people", get_explanation, ExplainQuery, Explained),
)
