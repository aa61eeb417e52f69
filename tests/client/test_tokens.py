"""The token that may be shown."""

import asyncio

import pytest

from chatd.client.tokens import TokenRejected, Tokens


def tokens_of(*answers):
    waiting = list(answers)

    async def get_token():
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Tokens(get_token)


async def test_a_fetched_token_is_usable_until_the_server_says_when_it_ends():
    tokens = tokens_of("a")
    assert tokens.usable(0.0) == ""
    assert await tokens.fetch() == "a"
    assert tokens.usable(1e9) == "a"
    tokens.accepted(60.0, now=100.0)
    assert (tokens.usable(159.9), tokens.usable(160.0)) == ("a", "")


async def test_a_refused_token_is_not_usable_any_more():
    tokens = tokens_of("a")
    await tokens.fetch()
    assert tokens.refused(4100) is False
    assert tokens.usable(0.0) == ""


async def test_a_token_called_expired_is_not_taken_again():
    tokens = tokens_of("a", "a", "b")
    await tokens.fetch()
    tokens.refused(4100)
    with pytest.raises(ValueError, match="expired"):
        await tokens.fetch()
    assert await tokens.fetch() == "b"


async def test_a_second_invalid_token_running_stops_everything():
    tokens = tokens_of("a", "b")
    await tokens.fetch()
    tokens.refused(4101)
    await tokens.fetch()
    with pytest.raises(TokenRejected):
        tokens.refused(4101)


async def test_the_same_token_again_after_it_was_called_invalid_stops_everything():
    tokens = tokens_of("a", "a")
    await tokens.fetch()
    tokens.refused(4101)
    with pytest.raises(TokenRejected):
        await tokens.fetch()


async def test_an_accepted_token_forgives_an_invalid_one():
    tokens = tokens_of("a", "b", "c")
    await tokens.fetch()
    tokens.refused(4101)
    await tokens.fetch()
    tokens.accepted(60.0, 0.0)
    assert tokens.refused(4101) is False


async def test_refusals_running_are_told():
    tokens = tokens_of("a", "b")
    await tokens.fetch()
    assert tokens.refused(4100) is False
    await tokens.fetch()
    assert tokens.refused(4100) is True


async def test_callers_at_the_same_time_share_one_question():
    tokens = tokens_of("a")
    assert await asyncio.gather(tokens.fetch(), tokens.fetch()) == ["a", "a"]


async def test_a_failing_callback_is_the_callers_failure_and_can_be_asked_again():
    tokens = tokens_of(RuntimeError("offline"), "a")
    with pytest.raises(RuntimeError):
        await tokens.fetch()
    assert await tokens.fetch() == "a"


async def test_closing_ends_a_question_nobody_waits_for():
    async def never():
        await asyncio.Event().wait()

    tokens = Tokens(never)
    asking = asyncio.create_task(tokens.fetch())
    await asyncio.sleep(0)
    asking.cancel()
    tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
