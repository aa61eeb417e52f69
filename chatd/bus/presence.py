"""Who is online, in one process: counted by live sessions, told to watchers, coalesced, with a linger."""

from collections.abc import Callable, Collection, Mapping

from msgspec import UNSET

from chatd.ports import Env, Present, Timer
from chatd.protocol.objects import State, UserState

Tell = Callable[[Present, list[UserState]], None]


class LocalPresence:
    """`tell(watcher, changed states)` is called at most once an interval for each watcher.

    A user is `online` with a session in the foreground, `away` with sessions in the background only, and `offline`
    when the last one has been gone for `linger_s` seconds: a lift or a reconnect is no news.
    """

    def __init__(self, env: Env, tell: Tell, *, interval_s: float, linger_s: float) -> None:
        self._env = env
        self._tell = tell
        self.interval_s = interval_s
        self.linger_s = linger_s
        self._sessions: dict[str, dict[Present, None]] = {}
        self._states: dict[str, State] = {}  # as told; offline ones left out
        self._lingering: dict[str, Timer] = {}
        self._watchers: dict[str, dict[Present, None]] = {}
        self._watched: dict[Present, tuple[str, ...]] = {}
        self._changed: dict[str, UserState] = {}

    def up(self, session: Present) -> None:
        """`session` is live, or changed its mode."""
        self._sessions.setdefault(session.user, {})[session] = None
        lingering = self._lingering.pop(session.user, None)
        if lingering is not None:
            lingering.cancel()
        self._judge(session.user)
        watched = self._watched.get(session)
        if watched is not None and session.mode == "foreground":  # back: what it was not told meanwhile
            self._tell(session, [UserState(user, self._states.get(user, "offline")) for user in watched])

    def down(self, session: Present) -> None:
        """`session` is gone; it watches nobody any more."""
        self.watch(session, ())
        sessions = self._sessions.get(session.user)
        if sessions is None or session not in sessions:
            return
        del sessions[session]
        if sessions:
            self._judge(session.user)
            return
        user, left_at = session.user, self._env.now_ms()
        del self._sessions[user]
        self._lingering[user] = self._env.call_later(self.linger_s, lambda: self._end_linger(user, left_at))

    def watch(self, session: Present, users: Collection[str]) -> None:
        """Replace the set of users `session` hears of."""
        for user in self._watched.pop(session, ()):
            self._watchers[user].pop(session, None)
            if not self._watchers[user]:
                del self._watchers[user]
        for user in users:
            self._watchers.setdefault(user, {})[session] = None
        if users:
            self._watched[session] = tuple(users)

    def watched(self, session: Present) -> tuple[str, ...]:
        """The users `session` hears of: the same object until that changes."""
        return self._watched.get(session, ())

    def lose(self, session: Present, users: Collection[str]) -> None:
        """`session` hears no more of these; whoever of them is not offline becomes so for it."""
        if not users:
            return
        self.watch(session, [user for user in self.watched(session) if user not in users])
        shown = [UserState(user, "offline") for user in users if user in self._states]
        if shown:
            self._tell(session, shown)

    def concerned(self, user: str) -> list[Present]:
        """The connections that watch `user`, and those of `user` that watch somebody."""
        own = [session for session in self._sessions.get(user, ()) if session in self._watched]
        return [*self._watchers.get(user, ()), *own]

    def states(self, users: Collection[str]) -> Mapping[str, State]:
        """State words of those who are not offline."""
        return {user: self._states[user] for user in users if user in self._states}

    def _end_linger(self, user: str, left_at: int) -> None:
        self._lingering.pop(user, None)
        self._judge(user, left_at)

    def _judge(self, user: str, left_at: int | None = None) -> None:
        """Work out the state of a user; a change is told within the interval."""
        sessions = self._sessions.get(user, {})
        state: State = "offline"
        if sessions:
            state = "online" if any(session.mode == "foreground" for session in sessions) else "away"
        if state == self._states.get(user, "offline"):
            return
        if state == "offline":
            del self._states[user]
        else:
            self._states[user] = state
        if user in self._watchers:
            if not self._changed:
                self._env.call_later(self.interval_s, self._flush)
            self._changed[user] = UserState(user, state, UNSET if left_at is None else left_at)

    def _flush(self) -> None:
        changed, self._changed = self._changed, {}
        news: dict[Present, list[UserState]] = {}
        for user, row in changed.items():
            for watcher in self._watchers.get(user, ()):
                news.setdefault(watcher, []).append(row)
        for watcher, rows in news.items():
            self._tell(watcher, rows)
