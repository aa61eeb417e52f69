"""Bots as clients are shown them (protocol.md "Bots and official accounts")."""

from chatd.commands.context import Context, Session
from chatd.protocol.bots import BotOk, BotsGet
from chatd.protocol.errors import Refused


async def get(ctx: Context, session: Session, request: BotsGet) -> BotOk:
    """Return the commands of a bot."""
    found = await ctx.store.bots([request.bot])
    if not found:
        raise Refused("not_found", "no such bot", field="bot")
    return BotOk(commands=[*found[0].commands], welcome=found[0].welcome is not None)
