"""The state that all sessions share: rates by user, room and address, and the counters and log lines of sessions."""

import asyncio
import logging
from typing import Any, NamedTuple

from msgspec import Struct

from chatd.commands.context import Command, Session
from chatd.config.rates import Rates
from chatd.core.client_address import customer, site
from chatd.core.rates import SLOW, Rate, TokenBucket, TokenBuckets, retry_after_ms, take
from chatd.env import Env
from chatd.protocol.codec import Invalid
from chatd.protocol.envelope import Request
from chatd.protocol.errors import Broken, ChatError, Refused
from chatd.telemetry.counters import Counters
from chatd.websocket.admission import Admission
from chatd.websocket.wire import Wire


class Names(dict[type[Struct], str]):
    """The type words of requests, each looked up once."""

    def __missing__(self, kind: type[Struct]) -> str:
        name = self[kind] = str(kind.__struct_config__.tag)
        return name


NAMES = Names()

# A /48 of IPv6 has the rate of so many addresses: it is a campus of some thousand phones, or one attacker.
SITE_ADDRESSES = 16
# So many times as many at once as in a second: each letter in a search box.
SEARCHES_BURST = 5
# One message in so many seconds for a limited user: they can say something, and not flood anybody.
SLOW_S = 10.0

log = logging.getLogger(__name__)


class Attempts(NamedTuple):
    """The buckets of hellos, or of logins: by user, by address, and by the site that addresses share."""

    users: TokenBuckets
    addresses: TokenBuckets
    sites: TokenBuckets


class RateLimits:
    """The limits before a handler runs. `tasks`: replies and hellos under way, so that a stop can wait for them."""

    def __init__(self, rates: Rates, env: Env, counters: Counters, admission: Admission[Any]) -> None:
        self._env = env
        self._admission = admission
        self._counters = counters
        self._enabled = rates.enabled
        self._rates = rates_of(rates)
        self.requests, self.bytes, *keyed = self._rates
        self._user_bytes, writes, typing, people, invites, searches, self._rooms, *attempts = map(
            TokenBuckets, keyed
        )
        self._own = {
            "writes": writes,
            "typing": typing,
            "people": people,
            "invites": invites,
            "search": searches,
        }
        self._slow = TokenBuckets(Rate(SLOW_S, burst=1))
        self._hellos, self._logins = Attempts(*attempts[:3]), Attempts(*attempts[3:])
        self.tasks: set[asyncio.Future[Any]] = set()

    def reconfigure(self, rates: Rates) -> None:
        """Put other rates in force, also for existing buckets."""
        self._enabled = rates.enabled
        for rate, becomes in zip(self._rates, rates_of(rates), strict=True):
            rate.become(becomes)

    def keep_task(self, task: asyncio.Future[None]) -> asyncio.Future[None]:
        """Hold on to a task until it is done."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def charge(self, bucket: TokenBucket, user: str, count: int) -> float:
        """Charge the bytes of a frame to its connection and user; return the seconds in which nothing may be read."""
        if not self._enabled:
            return 0.0
        now = self._env.monotonic()
        wait_s = max(bucket.charge(now, count), self._user_bytes[user].charge(now, count) if user else 0.0)
        if wait_s:
            self._counters.rate_limited["bytes"] += 1
        return wait_s

    def allow(
        self,
        user: str,
        bucket: TokenBucket,
        request: Request | Invalid,
        command: Command | None,
        room: str | None,
    ) -> None:
        """Take one packet from the connection's bucket and, when it writes, from the user's and the room's.

        `command`: None for an invalid packet, which counts, too. `room`: the one it names when the user is in it;
        strangers must neither use up its bucket nor learn its state.
        """
        if command is not None:
            self._counters.requests[NAMES[type(request)]] += 1
        if not self._enabled:
            return
        now = self._env.monotonic()
        if command is None or not (command.writes or command.own):
            self._refuse_if_limited(take((("connection", bucket),), now))
            return
        own = self._own[command.own or "writes"]
        self._refuse_if_limited(take((("connection", bucket), ("user", own[user])), now))
        if room is not None:
            # A refusal here has cost the user one above, so that nobody can block a room for others.
            self._refuse_if_limited(take((("room", self._rooms[room]),), now))

    def allow_slowly(self, user: str) -> None:
        """Take one message of the pace of a user whom the moderators limited; it holds without any other rate."""
        self._refuse_if_limited(take(((SLOW, self._slow[user]),), self._env.monotonic()))

    def take_hello(self, address: str) -> Refused | None:
        """Take one hello from the bucket of an address, whatever its first frame is; return the refusal, if any."""
        try:
            self._take_address(self._hellos, address)
        except Refused as refusal:
            return refusal
        return None

    def authenticated(self, wire: Wire | None) -> None:
        """Take a connection out of the pool of unauthenticated ones."""
        self._admission.authenticated(wire)

    def allow_user(self, user: str, *, take: bool) -> None:
        """Take one hello from the user's bucket, or without `take` only check that there is one."""
        if take or self._hellos.users[user].lacks(self._env.monotonic()):
            self._take_user(self._hellos, user)

    def allow_login(self, address: str, user: str) -> None:
        """Take one login from the buckets of an address and of the user it names, whether or not that exists."""
        self.allow_login_of_address(address)
        self.allow_login_of_user(user)

    def allow_login_of_address(self, address: str) -> None:
        """Take one login from the bucket of an address, and of its site."""
        self._take_address(self._logins, address)

    def allow_login_of_user(self, user: str) -> None:
        """Take one login from the bucket of a user."""
        self._take_user(self._logins, user)

    def _take_address(self, attempts: Attempts, address: str) -> None:
        """Take one of an address, IPv6 by /64, and one of its /48, since that owner has 65,536 of the first kind."""
        if self._enabled:
            whole = site(address)
            shared = [] if whole is None else [("address", attempts.sites[whole])]
            buckets = [("address", attempts.addresses[customer(address)]), *shared]
            self._refuse_if_limited(take(buckets, self._env.monotonic()))

    def _take_user(self, attempts: Attempts, user: str) -> None:
        if self._enabled:
            self._refuse_if_limited(take((("user", attempts.users[user]),), self._env.monotonic()))

    def _refuse_if_limited(self, taken: tuple[float, str]) -> None:
        """Raise Refused("rate_limited") when there is a wait."""
        wait_s, scope = taken
        if wait_s:
            self._counters.rate_limited[scope] += 1
            raise Refused("rate_limited", retry_after=retry_after_ms(wait_s), scope=scope)

    def on_refused(self, error: ChatError) -> None:
        self._counters.errors[error.code] += 1

    def on_broken(self, session: Session, address: str, broken: Broken) -> None:
        """Log a peer that broke the protocol, without the bytes it sent."""
        log.warning(
            "session %s of %s from %s: %s", session.name, session.user or "-", address, broken.message
        )

    def on_slow(self, what: str) -> None:
        self._counters.slow_consumers[what] += 1

    def on_ended(self, session: Session, address: str, code: int, since: float) -> None:
        """Log the end of a connection: user, address, close code, duration. `since`: its start, monotonic seconds."""
        lasted = self._env.monotonic() - since
        about = (session.name, session.user or "-", address, code, lasted)
        log.info("session %s of %s from %s ended with %d after %.1f s", *about)


def rates_of(rates: Rates) -> tuple[Rate, ...]:
    """Return the rates of: packets and bytes of a connection; bytes, writes, typing, contacts, invites and searches of
    a user; writes in a room; hellos of a user, of an address and of a site; logins of the same.
    """
    return (
        Rate.per_second(rates.requests_per_s, rates.requests_burst),
        Rate.per_second(rates.bytes_per_s, rates.bytes_burst),
        Rate.per_second(2 * rates.bytes_per_s, 2 * rates.bytes_burst),
        Rate.per_second(rates.writes_per_s, rates.writes_burst),
        Rate.per_second(rates.writes_per_s, rates.writes_burst),
        Rate.per_minute(rates.people_per_min),
        Rate.per_minute(rates.invites_per_min),
        Rate.per_second(rates.searches_per_s, max(1, int(SEARCHES_BURST * rates.searches_per_s))),
        Rate.per_second(rates.room_per_s, rates.room_burst),
        Rate.per_minute(rates.hello_user_per_min),
        Rate.per_minute(rates.hello_address_per_min),
        Rate.per_minute(SITE_ADDRESSES * rates.hello_address_per_min),
        Rate.per_minute(rates.login_user_per_min),
        Rate.per_minute(rates.login_address_per_min),
        Rate.per_minute(SITE_ADDRESSES * rates.login_address_per_min),
    )
