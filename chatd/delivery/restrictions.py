"""Restrictions on the connections of this process: a commit that changes one is in force before anybody is answered."""

from chatd.core.restrictions import is_banned
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.delivery.hub import Hub
from chatd.env import Env
from chatd.protocol import close_codes


class Restrictions:
    """The commit hook that restrains connections: those of a banned user end, the others keep it in mind."""

    def __init__(self, env: Env, hub: Hub) -> None:
        self._env = env
        self._hub = hub

    def on_commit(self, writes: WriteSet) -> None:
        """Restrain the connections of users whose accounts changed. A commit hook, behind the fan-out."""
        for account in writes.records_of(Account) if writes.records else ():
            self._restrain(account)

    def _restrain(self, account: Account) -> None:
        restriction, now_ms = account.restriction, self._env.now_ms()
        for session in self._hub.of(account.user):
            session.restrain(restriction)
            if restriction is not None and is_banned(restriction, now_ms):
                session.close(close_codes.BANNED, retry_after=restriction.left_ms(now_ms))
