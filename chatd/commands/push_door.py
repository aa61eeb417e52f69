"""The way of requests to push notifications: whether they are on, and how often a test may be sent."""

from msgspec import UNSET

from chatd.config.push import Push
from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.env import Env
from chatd.protocol.errors import Refused
from chatd.protocol.push import PushOffer
from chatd.push.views import Notifications

# A test is for somebody who looks at their phone, and costs a push service as much as a message.
TEST_S = 60.0


class PushDoor:
    """`notifications`: None while push is off. `vapid`: the key that browsers subscribe with, "" without one."""

    def __init__(self, env: Env, vapid: str = "") -> None:
        self.vapid = vapid
        self.notifications: Notifications | None = None
        self._env = env
        self._tests = TokenBuckets(Rate(TEST_S, 1))

    def reconfigure(self, vapid: str) -> None:
        """Offer another key to browsers."""
        self.vapid = vapid

    def require(self) -> Notifications:
        """Return the notifications. Raises Refused("not_supported") while they are off."""
        if self.notifications is None:
            raise Refused("not_supported", "push notifications are switched off here")
        return self.notifications

    def offer(self, push: Push, is_registered: bool) -> PushOffer:
        """Return what a device learns in the reply to hello."""
        platforms = sorted({app.platform for app in push.apps})
        return PushOffer(platforms, vapid=self.vapid or UNSET, registered=is_registered)

    def take_test(self, user: str) -> None:
        """Take a test of a user. Raises Refused("rate_limited")."""
        bucket, now = self._tests[user], self._env.monotonic()
        if bucket.lacks(now):
            wait_ms = retry_after_ms(bucket.promise(now))
            raise Refused("rate_limited", retry_after=wait_ms, scope="user")
        bucket.take(now)
