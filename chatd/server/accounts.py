"""The built-in accounts as the listener for clients uses them: rates, login links, counters around the logins."""

from collections.abc import Mapping

from chatd.auth.interface import Identity
from chatd.commands.login import Granted, Login
from chatd.config.addresses import is_loopback
from chatd.protocol.errors import Refused
from chatd.protocol.login import LoginRequest
from chatd.session.rate_limits import RateLimits
from chatd.telemetry.counters import Counters


class Accounts:
    """Logins by password, by login link and by session. `links`: users by the code of their link.

    Only a development server has links. They are good for loopback, so that a proxy or a forwarded port in front of it
    lets nobody in; the check is of the address behind trusted proxies.
    """

    def __init__(
        self,
        login: Login,
        identity: Identity,
        rate_limits: RateLimits,
        counters: Counters,
        links: Mapping[str, str],
    ) -> None:
        self._login = login
        self._identity = identity
        self._rate_limits = rate_limits
        self._counters = counters
        self._links = links

    async def log_in(self, asked: LoginRequest, address: str, remember_s: int) -> Granted | None:
        """Return a token for a user and a password, or for a link; None when they do not match.

        Limited per address and user.
        """
        if asked.link is not None:
            return self._counted(await self._by_link(asked.link, asked.device, address))
        user, password = asked.user or "", asked.password or ""
        self._rate_limits.allow_login(address, user)
        return self._counted(await self._login(user, password, asked.device, remember_s))

    async def resume(self, session: str, address: str) -> Granted | None:
        """Return a token for a session; None when it is over, revoked or none.

        A good one counts against its user and any other against its address: an office whose browsers all start at
        nine comes from one, and a session that was revoked must not use up the rate of its owner.
        """
        try:
            claims = self._identity.verify_session(session)
            granted = await self._login.by_session(claims)
        except Refused:
            granted = None
        if granted is None:
            self._rate_limits.allow_login_of_address(address)
        else:
            self._rate_limits.allow_login_of_user(claims.user)
        return self._counted(granted)

    async def _by_link(self, code: str, device: str | None, address: str) -> Granted | None:
        user = self._links.get(code) if is_loopback(address) else None
        if user is None:
            self._rate_limits.allow_login_of_address(address)
            return None
        self._rate_limits.allow_login_of_user(user)
        return await self._login.by_link(user, device)

    def _counted(self, granted: Granted | None) -> Granted | None:
        self._counters.logins["granted" if granted else "login_failed"] += 1
        return granted
