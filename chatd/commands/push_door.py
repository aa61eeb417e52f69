"""The way of requests to push notifications: whether they are on, and how often a test may be sent."""

from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.env import Env
from chatd.protocol.errors import Refused
from chatd.push.views import Notifications

# A test is for somebody who looks at their phone, and costs a push service as much as a message.
TEST_S = 60.0


class PushDoor:
    """`notifications`: None while push is off."""

    def __init__(self, env: Env) -> None:
        self.notifications: Notifications | None = None
        self._env = env
        self._tests = TokenBuckets(Rate(TEST_S, 1))

    def require(self) -> Notifications:
        """Return the notifications. Raises Refused("not_supported") while they are off."""
        if self.notifications is None:
            raise Refused("not_supported", "push notifications are switched off here")
        return self.notifications

    def take_test(self, user: str) -> None:
        """Take a test of a user. Raises Refused("rate_limited")."""
        bucket, now = self._tests[user], self._env.monotonic()
        if bucket.lacks(now):
            wait_ms = retry_after_ms(bucket.promise(now))
            raise Refused("rate_limited", retry_after=wait_ms, scope="user")
        bucket.take(now)
