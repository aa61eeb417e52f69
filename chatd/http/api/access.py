"""Who may call the API: the checks of a request before its route is looked at, and the rate of each key."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from starlette.requests import Request

from chatd.commands.api_keys import SECRET, ApiKeys
from chatd.config.addresses import is_loopback
from chatd.config.model import Config
from chatd.core.client_address import is_inside, networks
from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.env import Env
from chatd.http.answers import peer_of
from chatd.http.api.route import OPEN, SOCKET_ONLY, Caller, Route
from chatd.protocol.errors import Refused

IN_FLIGHT_RETRY_MS = 100  # most requests take a few milliseconds


class Access:
    """The checks and rates that all listeners of the API share."""

    def __init__(self, keys: ApiKeys, env: Env, config: Config) -> None:
        self._keys = keys
        self._env = env
        self._buckets = TokenBuckets(Rate.per_second(config.api.rate_per_s, config.api.burst))
        self._in_flight: Counter[str] = Counter()
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Put other settings in force."""
        self._trusted = networks(config.listen.trusted_proxies)
        self._in_flight_max = config.api.in_flight
        self._buckets.rate.become(Rate.per_second(config.api.rate_per_s, config.api.burst))

    def caller(self, request: Request, *, on_socket: bool) -> Caller:
        """Return the sender of a request. Raises Refused: "forbidden", or "key_invalid" without a valid key."""
        if "origin" in request.headers:
            raise Refused("forbidden", "keys do not belong in web pages: a request with an Origin is refused")
        sent_to = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
        if SECRET.search(unquote(sent_to)):
            raise Refused(
                "key_invalid", "a key in a URL stands in logs by now: delete it; it belongs in Authorization"
            )
        if not on_socket and not self._is_private(request):
            raise Refused(
                "forbidden",
                "keys do not cross networks in the clear: use TLS, or a proxy in listen.trusted_proxies",
            )
        sent = request.headers.getlist("authorization")
        if on_socket and not sent:
            return Caller()
        scheme, _, secret = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
        key = self._keys.verified(secret) if scheme.lower() == "bearer" else None
        if key is None:
            raise Refused("key_invalid", "the header Authorization has no valid key: Bearer ck_...")
        return Caller(key, lambda: self._keys.verified(secret) is not None)

    def require_scope(self, caller: Caller, route: Route) -> None:
        """Raise Refused("forbidden") unless `caller` may use `route`."""
        if route.scope == OPEN or caller.key is None:
            return
        if route.scope == SOCKET_ONLY:
            raise Refused("forbidden", "this is for the admin socket alone")
        if not caller.key.may(route.scope, reads=route.reads):
            raise Refused("forbidden", f"this needs a key with the scope {route.needed_scope}")

    @contextmanager
    def taking_place(self, caller: Caller) -> Iterator[None]:
        """Hold a place among the requests of a key. Raises Refused("rate_limited"). The admin socket has no limit."""
        if caller.key is None:
            yield
            return
        bucket, now = self._buckets[caller.id], self._env.monotonic()
        if bucket.lacks(now):
            wait_ms = retry_after_ms(bucket.promise(now))
            raise Refused("rate_limited", "api.rate_per_s", retry_after=wait_ms, scope="key")
        bucket.take(now)
        if self._in_flight[caller.id] >= self._in_flight_max:
            raise Refused("rate_limited", "api.in_flight", retry_after=IN_FLIGHT_RETRY_MS, scope="key")
        self._in_flight[caller.id] += 1
        try:
            yield
        finally:
            self._in_flight[caller.id] -= 1
            if not self._in_flight[caller.id]:
                del self._in_flight[caller.id]

    def _is_private(self, request: Request) -> bool:
        """Whether nobody on a network could read the request: TLS, this machine, or a proxy that is trusted."""
        peer = peer_of(request)
        return request.scope["scheme"] == "https" or is_loopback(peer) or is_inside(peer, self._trusted)
