"""Cards of users: users.get, users.find (protocol.md "Cards")."""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.commands.reply_size import bytes_of, page_bytes
from chatd.core.card_view import CardView, may_find, numbers_of, own_card_as, shown_card, shown_plate
from chatd.core.cursors import CardRound
from chatd.core.privacy_settings import CIRCLES
from chatd.core.profiles import plate
from chatd.protocol.errors import Refused
from chatd.protocol.limits import PAGES_MAX
from chatd.protocol.users import Profile, UsersFind, UsersGet, UsersOk

PEOPLE = "people"

Show = Callable[[CardView], Profile]


async def get(ctx: Context, session: Session, request: UsersGet) -> UsersOk:
    """Return cards of the users asked for, or of contacts whose cards changed."""
    if sum(one is not UNSET for one in (request.users, request.since, request.more)) != 1:
        raise Refused("bad_request", "exactly one of users, since and more", field="users")
    if PEOPLE not in ctx.features and (
        request.users is UNSET or request.page or request.viewpoint is not UNSET
    ):
        raise Refused("not_supported", "people are switched off here")
    if request.users is UNSET:
        return await changed(ctx, session, request)
    if request.viewpoint is not UNSET:
        return await own_card(ctx, session, request)
    return await cards(ctx, session, request)


async def cards(ctx: Context, session: Session, request: UsersGet) -> UsersOk:
    """Return cards in the order of the request, as many as fit a frame, but those that the user has already.

    Cards of users one has not met, known or not, count against the budget of the day; when it is too small, nobody is
    shown.
    """
    asked = list(dict.fromkeys(request.users or ()))
    versions = versions_of(request)
    if request.page and len(asked) > PAGES_MAX:
        raise Refused("too_large", f"at most {PAGES_MAX} users with their pages", field="users")
    views = await ctx.store.card_views(session.user, asked, small_of(ctx) if request.page else None)
    show = shown_by(ctx, request)
    shown, strangers, bytes_left = [], 0, page_bytes(ctx)
    for view in views:
        card = show(view)
        is_new = versions.get(card.user) != card.version
        bytes_left -= bytes_of(session, card) if is_new else 0
        if bytes_left < 0:
            break
        strangers += not view.is_met
        if is_new:
            shown.append(card)
    ctx.lookups.take("cards", session.user, strangers)
    return UsersOk(users=shown, more=shown[-1].user if bytes_left < 0 else UNSET)


def shown_by(ctx: Context, request: UsersGet) -> Show:
    """Return how much a card is shown; where people are switched off, everybody sees all plates."""
    if PEOPLE not in ctx.features:
        return lambda view: plate(view.account, view.card)
    return partial(shown_card, bounds=ctx.bounds) if request.page else shown_plate


def versions_of(request: UsersGet) -> dict[str, int]:
    """Return the versions that the client has, by user."""
    if request.versions is UNSET:
        return {}
    users = request.users or ()
    if len(request.versions) != len(users):
        raise Refused("bad_request", "`versions` must have as many items as `users`", field="versions")
    return dict(zip(users, request.versions, strict=True))


async def own_card(ctx: Context, session: Session, request: UsersGet) -> UsersOk:
    """Return the own card as somebody else would see it."""
    if request.users != [session.user] or request.viewpoint is UNSET:
        raise Refused("bad_request", "`as` is for oneself alone", field="as")
    (view,) = await ctx.store.card_views(session.user, [session.user], small_of(ctx))
    rows = await ctx.store.account_rows([(session.user, CIRCLES)])
    circles = {number for row in rows for number in numbers_of(row.value)}
    return UsersOk(users=[own_card_as(view, request.viewpoint, circles, ctx.bounds)])


async def changed(ctx: Context, session: Session, request: UsersGet) -> UsersOk:
    """Return a page of the plates that changed since a stamp, of friends and users with a pending request."""
    if request.more is not UNSET:
        begun = CardRound.unpack(request.more)
    else:
        ctx.lookups.take("rounds", session.user, 1)
        begun = CardRound(request.since or 0, 0, "")
    page = await ctx.store.changed_cards(session.user, begun.since, begun.after, ctx.config.limits.page)
    shown = fitting(ctx, session, page.users)
    stamp = begun.stamp or page.stamp
    after = shown[-1].user if len(shown) < len(page.users) else page.after
    if after is None:
        return UsersOk(users=shown, stamp=stamp)
    return UsersOk(users=shown, more=CardRound(begun.since, stamp, after).pack())


def fitting(ctx: Context, session: Session, plates: Sequence[Profile]) -> list[Profile]:
    """Return the first of these plates, as many as fit a frame."""
    shown, bytes_left = [], page_bytes(ctx)
    for profile in plates:
        bytes_left -= bytes_of(session, profile)
        if bytes_left < 0:
            break
        shown.append(profile)
    return shown


async def find(ctx: Context, session: Session, request: UsersFind) -> UsersOk:
    """Return the plate of the user with this handle; nobody when they do not let themself be found."""
    ctx.lookups.take("handles", session.user, 1)
    view = await ctx.store.view_of_handle(session.user, request.handle.lower(), small_of(ctx))
    is_found = view.card.handle and may_find(view, ctx.bounds)
    return UsersOk(users=[plate(view.account, view.card)] if is_found else [])


def small_of(ctx: Context) -> int:
    """Return the most members of a group that makes acquaintances."""
    return ctx.config.people.small_group_members
