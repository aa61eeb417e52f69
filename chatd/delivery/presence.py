"""Presence in one process: states by live sessions, pushed to watchers, coalesced, with a linger."""

from collections.abc import Callable, Collection, Mapping

from msgspec import UNSET

from chatd.delivery.interface import Present
from chatd.env import Env, Timer
from chatd.protocol.presence import State, UserState

PublishStates = Callable[[Present, list[UserState]], None]
OnPresence = Callable[[str, bool], None]
"""Called when a user came online or went offline; to be away is online."""


class LocalPresence:
    """The adapter of `Presence`. `publish(watcher, changed states)` is called at most once an interval and watcher.

    A user is `online` with a session in the foreground, `away` with sessions in the background only, and `offline`
    when the last one has been gone for `linger_s` seconds, so that a short loss of network changes nothing.
    """

    def __init__(
        self,
        env: Env,
        publish: PublishStates,
        *,
        interval_s: float,
        linger_s: float,
        on_presence: OnPresence | None = None,
    ) -> None:
        self._env = env
        self._publish = publish
        self._on_presence = on_presence
        self._interval_s = interval_s
        self._linger_s = linger_s
        self._sessions: dict[str, dict[Present, None]] = {}
        # Users who are offline are left out.
        self._states: dict[str, State] = {}
        self._lingering: dict[str, Timer] = {}
        # The sessions that watch a user, and whether each may see them.
        self._watchers: dict[str, dict[Present, bool]] = {}
        self._watched: dict[Present, tuple[str, ...]] = {}
        self._changed: dict[str, UserState] = {}

    def reconfigure(self, interval_s: float, linger_s: float) -> None:
        """Put another interval and linger in force."""
        self._interval_s, self._linger_s = interval_s, linger_s

    def up(self, session: Present) -> None:
        user = session.user
        self._sessions.setdefault(user, {})[session] = None
        lingering = self._lingering.pop(user, None)
        if lingering is not None:
            lingering.cancel()
        self._update_state(user)
        watched = self._watched.get(session)
        if watched is not None and session.mode == "foreground":
            # In the background it got no states.
            self._publish(session, [self._row(user, self._watchers[user][session]) for user in watched])

    def down(self, session: Present) -> None:
        self.watch(session, ())
        sessions = self._sessions.get(session.user)
        if sessions is None or session not in sessions:
            return
        del sessions[session]
        if sessions:
            self._update_state(session.user)
            return
        user, left_at = session.user, self._env.now_ms()
        del self._sessions[user]
        self._lingering[user] = self._env.call_later(self._linger_s, lambda: self._end_linger(user, left_at))

    def watch(self, session: Present, users: Collection[str]) -> None:
        for user in self._watched.pop(session, ()):
            self._watchers[user].pop(session, None)
            if not self._watchers[user]:
                del self._watchers[user]
        if not users or session not in self._sessions.get(session.user, ()):
            return
        for user in users:
            self._watchers.setdefault(user, {})[session] = False
        self._watched[session] = tuple(users)

    def show(self, session: Present, users: Collection[str], known: Collection[str]) -> None:
        for user in users:
            if session in self._watchers.get(user, ()):
                self._watchers[user][session] = user in known

    def watchers(self, user: str) -> list[Present]:
        return [*self._watchers.get(user, ())]

    def shown(self, session: Present) -> list[str]:
        return [user for user in self._watched.get(session, ()) if self._watchers[user][session]]

    def watching(self) -> list[str]:
        return list(dict.fromkeys(session.user for session in self._watched))

    def related(self, user: str) -> list[str]:
        if user not in self._watchers and user not in self._sessions:
            return []
        own = self._sessions.get(user, ())
        watched = (other for session in own for other in self._watched.get(session, ()))
        return list(dict.fromkeys([*(session.user for session in self._watchers.get(user, ())), *watched]))

    def update_visibility(
        self, user: str, others: Collection[str], known: Collection[str], last_seen: Mapping[str, int]
    ) -> None:
        among = frozenset(others)
        pairs = [(session, user, session.user) for session in self._watchers.get(user, ())]
        for session in self._sessions.get(user, ()):
            pairs += [(session, other, other) for other in self._watched.get(session, ())]
        changes: dict[Present, list[UserState]] = {}
        for session, watched, other in pairs:
            shown = other in known
            if other in among and self._watchers[watched][session] != shown:
                self._watchers[watched][session] = shown
                row = self._row(watched, shown)
                if shown and row.state == "offline":
                    row.last_seen = last_seen.get(watched, UNSET)
                changes.setdefault(session, []).append(row)
        for session, rows in changes.items():
            self._publish(session, rows)

    def states(self, users: Collection[str]) -> Mapping[str, State]:
        return {user: self._states[user] for user in users if user in self._states}

    def _row(self, user: str, shown: bool) -> UserState:
        return UserState(user, self._states.get(user, "offline") if shown else "offline")

    def _end_linger(self, user: str, left_at: int) -> None:
        self._lingering.pop(user, None)
        self._update_state(user, left_at)

    def _update_state(self, user: str, left_at: int | None = None) -> None:
        """Set the state of a user by their sessions; a change is pushed within the interval."""
        sessions = self._sessions.get(user, {})
        state: State = "offline"
        if sessions:
            state = "online" if any(session.mode == "foreground" for session in sessions) else "away"
        before = self._states.get(user, "offline")
        if state == before:
            return
        if self._on_presence is not None and "offline" in (state, before):
            self._on_presence(user, before == "offline")
        if state == "offline":
            del self._states[user]
        else:
            self._states[user] = state
        if user in self._watchers:
            if not self._changed:
                self._env.call_later(self._interval_s, self._flush)
            self._changed[user] = UserState(user, state, UNSET if left_at is None else left_at)

    def _flush(self) -> None:
        changed, self._changed = self._changed, {}
        changes: dict[Present, list[UserState]] = {}
        for user, row in changed.items():
            for watcher, shown in self._watchers.get(user, {}).items():
                if shown:
                    changes.setdefault(watcher, []).append(row)
        for watcher, rows in changes.items():
            self._publish(watcher, rows)
