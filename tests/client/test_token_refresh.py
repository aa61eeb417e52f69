"""Renewing the token in place."""

import asyncio

import pytest

from chatd.client import Phase, StateChanged, Timing
from tests.kit.waiting import until


class Callback:
    """Gives numbered tokens, or what the test puts in front."""

    def __init__(self):
        self.asked = 0
        self.first = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self):
        await self.hold.wait()
        self.asked += 1
        answer = self.first.pop(0) if self.first else f"token-{self.asked}"
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def callback():
    return Callback()


RETRY = Timing(token_retry_s=7.0, positions_s=1e6)
EXPIRING = {"type": "token_expiring", "token_ttl": 60}


async def test_a_warning_brings_a_fresh_token(connected, callback):
    _, peer = await connected(token=callback, timing=RETRY)
    await peer.push(EXPIRING)
    auth = await peer.expect("auth")
    assert auth["token"] == "token-2"
    await peer.ok(auth, token_ttl=3600)
    await peer.barrier()


async def test_a_second_warning_does_not_double_the_renewal(connected, callback):
    _, peer = await connected(token=callback, timing=RETRY)
    callback.hold.clear()
    await peer.push(EXPIRING, EXPIRING)
    await peer.barrier()
    callback.hold.set()
    await peer.expect("auth")
    await peer.barrier()
    assert callback.asked == 2


async def test_a_callback_that_fails_is_asked_again(connected, callback, env):
    _, peer = await connected(token=callback, timing=RETRY)
    callback.first = [RuntimeError("offline")]
    await peer.push(EXPIRING)
    await until(lambda: RETRY.token_retry_s in env.delays)
    env.advance(RETRY.token_retry_s)
    assert (await peer.expect("auth"))["token"] == "token-3"


@pytest.mark.parametrize("code", ["token_expired", "token_invalid"])
async def test_a_refused_token_is_replaced(connected, callback, env, code):
    _, peer = await connected(token=callback, timing=RETRY)
    await peer.push(EXPIRING)
    await peer.refuse(await peer.expect("auth"), code, "after_auth")
    await until(lambda: RETRY.token_retry_s in env.delays)
    env.advance(RETRY.token_retry_s)
    assert (await peer.expect("auth"))["token"] == "token-3"


@pytest.mark.parametrize(("code", "retry"), [("overloaded", "later"), ("token_expired", "after_auth")])
async def test_a_renewal_waits_as_long_as_it_is_told(connected, callback, env, code, retry):
    _, peer = await connected(token=callback, timing=RETRY)
    await peer.push(EXPIRING)
    await peer.refuse(await peer.expect("auth"), code, retry, retry_after=29_000)
    await until(lambda: 29 in env.delays)
    assert callback.asked == 2
    env.advance(29)
    assert (await peer.expect("auth"))["token"] == "token-3"


async def test_a_second_invalid_token_ends_the_trying(connected, callback, env):
    _, peer = await connected(token=callback, timing=RETRY)
    await peer.push(EXPIRING)
    for _ in range(2):
        await peer.refuse(await peer.expect("auth"), "token_invalid", "after_auth")
        await peer.barrier()
        env.advance(RETRY.token_retry_s)
    await peer.barrier()
    assert callback.asked == 3


async def test_a_token_of_somebody_else_ends_the_trying(connected, callback, env, caplog):
    _, peer = await connected(token=callback, timing=RETRY)
    await peer.push(EXPIRING)
    await peer.refuse(await peer.expect("auth"), "auth_mismatch", "never")
    await peer.barrier()
    env.advance(RETRY.token_retry_s)
    await peer.barrier()
    assert callback.asked == 2
    assert "refused" in caplog.text


async def test_a_renewal_dies_with_the_connection_that_asked(connected, server, callback, env, watch):
    client, peer = await connected(token=callback, timing=RETRY)
    changes = watch(client)
    callback.hold.clear()
    await peer.push(EXPIRING)
    await peer.barrier()
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    peer = await server.accept()
    await peer.welcome()
    callback.hold.set()
    await peer.barrier()
