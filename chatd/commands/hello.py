"""The hello of a connection: identity, snapshot, subscriptions (protocol.md "hello").

**The problem.** The reply to hello shows the rooms of the user as of a commit S, read from the database. From then on
the connection must get every push after S. So it has to read a snapshot, and to subscribe to the rooms in it, while the
writer goes on. If it subscribes after reading, a commit that is published in between reaches neither the snapshot nor
the connection: a message is missed, and nobody notices. If it subscribes first, it has to know its rooms, which is a
read of its own, for every hello of a storm.

**The invariant.** For every commit that concerns the user: the snapshot holds it, or its pushes reach the connection,
or both. Twice is harmless, since a client knows events by their numbers, and rooms by their newest state.

**The solution is optimistic.** One read brings account, memberships and page, in one transaction that has the number S.
Then, without an await between the steps:

1. the session becomes the connection of its device (`Hub.enter`). From here on joins and leaves reach it;
2. `RecentCommits` says whether a commit after S was published that concerns the user or one of these rooms. Nearly
   always none was, and the session subscribes to the memberships it read. As nothing awaited since the check, nothing
   was published since: there is no gap;
3. if there was one, the snapshot is used for nothing. Memberships are read, the session subscribes to them, except to
   rooms whose leaving was pushed meanwhile, and only then the page is read (`read_again`). This cannot lose anything,
   and costs three more reads. Pushes that come before the reply wait in the backlog of the outbox. Those that describe
   a room as of a commit that the page holds are dropped (`on_snapshot`), because behind the reply they would be old;
   events stay, and are recognised.

**The commit that is durable but not published.** The writer publishes after the disk has the commit, so S may be ahead
of everything published, by one. Then the pushes of S come behind the snapshot that holds it, and repeat it. A user who
joined a room in S is subscribed by the snapshot before the join is published; the fan-out takes that back first, since
the events before the join, in the same batch, are not for them.

**Why not lock the writer for the read?** Each hello would stop all chat for a read, and a storm of them would stop it
for long. **Why not compare S with the last published number?** At hundreds of commits a second it is never the same
number. The rooms and users of each commit are what makes the first read nearly always good enough. The summaries
of the last commits are kept; a hello that took longer than they reach reads again.
"""

from collections.abc import Sequence
from dataclasses import replace

from msgspec import UNSET

from chatd.commands.connection import HelloRejected, Identified, checked, identify
from chatd.commands.context import Admission, Context, Session, SessionIdentity, Welcome
from chatd.commands.reply_size import smaller
from chatd.commands.sync import first_query, has_push, page_of, reached
from chatd.core.accounts import RecordDevice
from chatd.core.room_summary import Membership
from chatd.core.sections import in_force
from chatd.core.sync_query import SyncQuery
from chatd.core.users import Account, DeviceSeen
from chatd.protocol import close_codes, limits
from chatd.protocol.connection import Hello, HelloOk
from chatd.protocol.errors import Refused
from chatd.protocol.sync import SyncPage
from chatd.storage.views import HelloRows, SyncRows
from chatd.writer.submission import Submission

# A device that comes back within the hour is not recorded again.
SEEN_AGAIN_MS = 3_600_000

# The close code of the `bye` that follows an `error` in answer to a hello.
HELLO_CLOSE_CODES: dict[str, int] = {
    "token_expired": close_codes.TOKEN_EXPIRED,
    "token_invalid": close_codes.TOKEN_INVALID,
    "not_supported": close_codes.VERSION,
    "rate_limited": close_codes.OVERLOADED,
    "overloaded": close_codes.OVERLOADED,
    "timeout": close_codes.OVERLOADED,
    "internal": close_codes.INTERNAL,
    "bad_request": close_codes.PROTOCOL,
    "too_large": close_codes.PROTOCOL,
}


async def hello(ctx: Context, session: Session, request: Hello) -> Welcome:
    """Authenticate, wait for a turn, read a snapshot, subscribe to all rooms; return the reply."""
    if request.version < 1:
        raise Refused("not_supported", "revision 1 is the lowest spoken here", field="version")
    if len(request.focus) > ctx.config.limits.focus:
        raise Refused("too_large", "too many rooms in focus", field="focus")
    turn = ctx.hub.next_turn()
    claims = await ctx.identity.verify(request.token)
    if claims.device not in (request.device, None):
        raise Refused("token_invalid", "the token is bound to another device")
    session.authenticated()
    await ctx.hello_limiter.wait_turn()
    try:
        return await welcome(
            ctx, session, request, SessionIdentity(claims.user, request.device, claims, turn)
        )
    finally:
        ctx.hello_limiter.done()


async def welcome(ctx: Context, session: Session, request: Hello, identity: SessionIdentity) -> Welcome:
    """Read, check, subscribe, and return the reply to a hello whose turn it is."""
    claims = identity.claims
    await refuse_early(ctx, session, request, claims.user)
    query = first_query(ctx, claims.user, request)
    rows = await ctx.store.hello(request.device, query)
    known = checked(ctx, Identified(claims, rows.account, rows.device))
    session.admit_user(claims.user, take=True)
    become_current(ctx, session, request, identity, known.account)
    if is_current(ctx, query, rows):
        subscribe(ctx, session, request, rows.memberships)
        rows_shown = rows.page
    else:
        rows_shown = await read_again(ctx, session, request, query)
    page = (
        await page_that_fits(ctx, session, query, rows_shown)
        if "read" in claims.allow
        else SyncPage(rooms=[])
    )
    ctx.counters.hellos["resumed" if not page.full else "full" if request.epoch else "first"] += 1
    record = device_record(request)
    if is_worth_recording(record, known.device, ctx.env.now_ms()):
        ctx.writer.submit(Submission(identity.user, record))
    ctx.presence.up(session)
    features = features_of(ctx, session, request)
    reply = HelloOk(
        version=min(request.version, limits.REVISION),
        user=identity.user,
        session=session.name,
        time=ctx.env.now_ms(),
        epoch=ctx.store.epoch,
        features=features,
        heartbeat=session.heartbeat_s(),
        token_ttl=session.watch_token(claims),
        limits=ctx.unusual.limits or UNSET,
        audiences=("people" in features and ctx.unusual.audiences) or UNSET,
        media=ctx.media.offer(ctx.config) if "media" in features else UNSET,
        push=ctx.push.offer(ctx.config.push, rows.is_registered) if has_push(ctx, request) else UNSET,
        sync=page,
    )
    return Welcome(reply, reached(ctx, page))


async def page_that_fits(ctx: Context, session: Session, query: SyncQuery, rows: SyncRows) -> SyncPage:
    """Return rows as a page; read them again, fewer, when they would be too long as JSON."""
    page = page_of(ctx, query, rows)
    while session.text and (size := smaller(ctx, session, page, query.page_bytes)):
        query = replace(query, page_bytes=size)
        rows = await ctx.store.sync(query)
        session.on_snapshot(rows.stamp)
        page = page_of(ctx, query, rows)
    return page


async def refuse_early(ctx: Context, session: Session, request: Hello, user: str) -> None:
    """Refuse a hello above the user's rate before anything is read; a revoked token is the graver reason.

    Nothing is taken from the rate before the token was checked, since it is the user's.
    """
    try:
        session.admit_user(user, take=False)
    except Refused:
        await identify(ctx, request.token, request.device)
        raise


def become_current(
    ctx: Context, session: Session, request: Hello, identity: SessionIdentity, account: Account | None
) -> None:
    """Make the session the connection of its device; an older one of the same device ends."""
    session.admit(
        Admission(
            identity,
            mode="background" if request.mode == "background" else "foreground",
            receipts=account is None or account.receipts,
            restriction=account.restriction if account else None,
            deflate="deflate" in request.features,
            sections=in_force(ctx.sections, request.features),
            badge=has_push(ctx, request),
        )
    )
    others = ctx.hub.sessions.get(identity.user, {})
    rival = others.get(identity.device)
    if rival is not None and rival.turn > identity.turn:
        raise HelloRejected(
            Refused("forbidden", "a newer connection of this device was quicker"), close_codes.REPLACED
        )
    if identity.device not in others and len(others) >= ctx.config.limits.connections_per_user:
        raise HelloRejected(
            Refused("forbidden", "too many devices are connected"), close_codes.CONNECTION_LIMIT
        )
    replaced = ctx.hub.enter(session)
    if replaced is not None:
        replaced.close(close_codes.REPLACED)


def is_current(ctx: Context, query: SyncQuery, rows: HelloRows) -> bool:
    """Whether no later commit about the user or these rooms was published before this connection subscribes."""
    numbers = {row.number for row in rows.memberships}
    return not ctx.hub.recent_commits.concerns(rows.page.stamp, query.user, numbers)


async def read_again(ctx: Context, session: Session, request: Hello, query: SyncQuery) -> SyncRows:
    """Subscribe first and read the page after it, for a hello whose snapshot was overtaken by a commit."""
    known = await identify(ctx, request.token, request.device)
    session.show_receipts(known.account is None or known.account.receipts)
    session.restrain(known.account.restriction if known.account else None)
    subscribe(
        ctx,
        session,
        request,
        await ctx.store.memberships(session.user, everything=not ctx.rooms.rules.enabled),
    )
    rows = await ctx.store.sync(query)
    session.on_snapshot(rows.stamp)
    return rows


def subscribe(ctx: Context, session: Session, request: Hello, memberships: Sequence[Membership]) -> None:
    """Subscribe the session to all its rooms but those the user left meanwhile; to none if it may not read."""
    if "read" not in session.claims.allow:
        return
    subscribed, left = session.subscriptions.rooms, session.subscriptions.left
    present = [row for row in memberships if row.number not in left] if left else memberships
    loaded = ctx.rooms.cache.rooms
    for row in present:
        if row.number not in subscribed:
            # A room in memory is newer than the row.
            room = loaded.get(row.name)
            members = row.size if room is None else room.size
            ctx.hub.subscribe(session, row.number, row.name, members, row.muted_until)
    if on_screen := request.focus:
        ctx.hub.set_focus(session, frozenset(row.number for row in present if row.name in on_screen))


def device_record(request: Hello) -> RecordDevice:
    return RecordDevice(
        request.device,
        "" if request.app is UNSET else request.app,
        "" if request.os is UNSET else request.os,
    )


def is_worth_recording(record: RecordDevice, known: DeviceSeen | None, now_ms: int) -> bool:
    """Whether a hello is recorded: not for a known device, so that a storm costs no commits; its end is recorded."""
    if known is None or known.removed or not 0 <= now_ms - known.last_seen < SEEN_AGAIN_MS:
        return True
    return (record.app or known.app, record.os or known.os) != (known.app, known.os)


def features_of(ctx: Context, session: Session, request: Hello) -> list[str]:
    """Return the feature words in force."""
    unknown = limits.BINARY_FEATURES if session.text else frozenset[str]()
    return [word for word in request.features if word in ctx.features and word not in unknown]
