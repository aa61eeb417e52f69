"""Files of this server: file.link, file.list, sticker.list (protocol.md "Media")."""

from msgspec import UNSET

from chatd.commands.connection import HelloRejected, Identified, checked
from chatd.commands.context import Context, Session
from chatd.commands.reply_size import fitting
from chatd.core.file_links import LinkClaims, end_of, path_of, signed
from chatd.protocol.media import (
    FileLink,
    FileLinkOk,
    FileList,
    FileListOk,
    FilePlace,
    Link,
    Sticker,
    StickerList,
    StickerListOk,
)


async def link(ctx: Context, session: Session, request: FileLink) -> FileLinkOk:
    """Return addresses that open files for a while; places that the user does not see are left out."""
    ctx.media.require()
    mark = await mark_of(ctx, session)
    places = await ctx.store.visible_files(session.user, request.places)
    until = end_of(ctx.env.now_ms(), ctx.config.media.link_s)
    claims = LinkClaims(session.user, session.identity.device, until, mark)
    return FileLinkOk(links=[link_to(ctx, place, claims) for place in places])


async def mark_of(ctx: Context, session: Session) -> int:
    """Return the mark of revocations that the token of a session is younger than. Raises Refused for a revoked one."""
    place = (session.user, session.identity.device)
    known = await ctx.store.people([session.user], [place])
    account = known.accounts.get(session.user)
    try:
        checked(ctx, Identified(session.claims, account, known.devices.get(place)))
    except HelloRejected as rejected:
        raise rejected.refusal from rejected
    return account.generation if account is not None else 0


def link_to(ctx: Context, place: FilePlace, claims: LinkClaims) -> Link:
    url = ctx.media.url + signed(ctx.media.link_key, path_of(place), claims)
    return Link(place.room, place.seq, place.file, url, claims.until * 1000, place.size)


async def listed(ctx: Context, session: Session, request: FileList) -> FileListOk:
    """Return a page of the user's own files, and the bytes that they count."""
    ctx.media.require()
    before = "" if request.more is UNSET else request.more

    async def page(size: int) -> FileListOk:
        found = await ctx.store.own_files(session.user, before, request.limit, size)
        quota, more = ctx.config.media.user_bytes, found.next or UNSET
        return FileListOk(files=list(found.files), used=found.used, quota=quota, more=more)

    return await fitting(ctx, session, page)


async def stickers(ctx: Context, session: Session, request: StickerList) -> StickerListOk:
    """Return a page of the stickers that the host app offers."""
    ctx.media.require()
    after = "" if request.more is UNSET else request.more
    found = [Sticker(*one) for one in await ctx.store.stickers(after, request.limit + 1)]
    page = found[: request.limit]
    return StickerListOk(stickers=page, more=page[-1].name if len(found) > len(page) else UNSET)
