import pytest

from chatd.auth.console_sessions import (
    ATTEMPTS_PER_MIN,
    KEY_S,
    KEYS_MAX,
    SESSION_S,
    SESSIONS_MAX,
    ConsoleSessions,
)
from chatd.protocol.errors import Refused
from tests.kit.env import ManualEnv


@pytest.fixture
def env() -> ManualEnv:
    return ManualEnv()


@pytest.fixture
def sessions(env: ManualEnv) -> ConsoleSessions:
    return ConsoleSessions(env)


def opened(sessions: ConsoleSessions) -> str:
    cookie = sessions.sign_in(sessions.new_key("ann", ["users"]))
    assert cookie is not None
    return cookie


def test_a_key_opens_the_console_once(sessions):
    key = sessions.new_key("ann", ["users"])
    cookie = sessions.sign_in(key)
    assert sessions.visitor(cookie)
    assert sessions.sign_in(key) is None
    assert sessions.visitor(cookie), "the key was used up, the session goes on"


def test_a_key_has_128_bits_and_no_two_are_equal(sessions):
    keys = {sessions.new_key("ann", ["users"]) for _ in range(5)}
    assert len(keys) == 5
    assert {len(key) for key in keys} == {22}


def test_a_key_is_good_for_a_minute(sessions, env):
    early, late = sessions.new_key("ann", ["users"]), sessions.new_key("ann", ["users"])
    env.advance(KEY_S - 0.1)
    assert sessions.sign_in(early) is not None
    env.advance(0.1)
    assert sessions.sign_in(late) is None


def test_a_session_ends_after_a_working_day_and_when_it_is_signed_out(sessions, env):
    cookie, other = opened(sessions), opened(sessions)
    sessions.sign_out(other)
    assert not sessions.visitor(other)
    env.advance(SESSION_S - 1)
    assert sessions.visitor(cookie)
    env.advance(1)
    assert not sessions.visitor(cookie)


@pytest.mark.parametrize("cookie", ["", "x", "é" * 40, "A" * 43])
def test_a_forged_cookie_opens_nothing(sessions, cookie):
    opened(sessions)
    sessions.new_key("ann", ["users"])
    assert not sessions.visitor(cookie)


def test_a_key_is_no_cookie_and_a_cookie_no_key(sessions):
    assert not sessions.visitor(sessions.new_key("ann", ["users"]))
    assert sessions.sign_in(opened(sessions)) is None


def test_attempts_are_limited_whatever_they_try(sessions, env):
    for _ in range(ATTEMPTS_PER_MIN):
        assert sessions.sign_in("wrong") is None
    with pytest.raises(Refused) as refused:
        sessions.sign_in(sessions.new_key("ann", ["users"]))
    assert refused.value.code == "rate_limited"
    env.advance(refused.value.retry_after / 1000)
    assert sessions.sign_in(sessions.new_key("ann", ["users"])) is not None


def test_memory_is_bounded_and_the_oldest_gives_way(sessions, env):
    keys = [sessions.new_key("ann", ["users"]) for _ in range(KEYS_MAX + 1)]
    assert sessions.sign_in(keys[0]) is None
    assert sessions.sign_in(keys[-1]) is not None
    cookies = []
    for _ in range(SESSIONS_MAX + 1):
        env.advance(60 / ATTEMPTS_PER_MIN)
        cookies.append(opened(sessions))
    assert not sessions.visitor(cookies[0])
    assert all(map(sessions.visitor, cookies[1:]))


def test_only_digests_are_kept(sessions):
    key, cookie = sessions.new_key("ann", ["users"]), opened(sessions)
    kept = repr(vars(sessions))
    assert key not in kept
    assert cookie not in kept
