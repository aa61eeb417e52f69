"""keyring.py: key rotation, outages, and floods of unknown kids."""

import asyncio
import logging
from typing import Any

import pytest

from chatd.auth.keyring import Keyring
from chatd.protocol.errors import Unavailable
from tests.kit.keysets import key_set_of


class Provider:
    """A key URL under the test's control: its answer, how often it was asked, and the clock."""

    def __init__(self) -> None:
        self.answer: bytes | Exception = OSError("down")
        self.asked = 0
        self.now = 1000.0
        self.open = asyncio.Event()
        self.open.set()

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def keyring(self, fixed: Any = None) -> Keyring:
        return Keyring(fixed or {}, self.fetch, lambda: self.now, refresh_s=3600, retry_s=60)


@pytest.fixture
async def provider() -> Provider:
    return Provider()


async def test_an_unknown_kid_is_fetched(provider, rs):
    provider.answer = key_set_of(rs)
    keyring = provider.keyring()
    assert keyring.find("rs") is None
    await keyring.wait_known("rs")
    assert keyring.find("rs").algorithm == "RS256"
    await keyring.wait_known("rs")
    assert provider.asked == 1


async def test_a_rotated_key_is_found_and_the_old_one_forgotten(provider, rs, es):
    provider.answer = key_set_of(rs)
    keyring = provider.keyring()
    await keyring.refresh()
    provider.answer = key_set_of(es)
    provider.now += 60
    await keyring.wait_known("es")
    assert keyring.find("es") is not None
    assert keyring.find("rs") is None


async def test_a_flood_of_unknown_kids_asks_once_a_retry(provider, rs):
    provider.answer = key_set_of(rs)
    keyring = provider.keyring()
    await asyncio.gather(*(keyring.wait_known(f"forged-{n}") for n in range(1000)))
    provider.now += 59.9
    later = [keyring.wait_known(f"later-{n}") for n in range(1000)]
    told = {refusal.retry_after for refusal in await asyncio.gather(*later, return_exceptions=True)}
    assert (provider.asked, told) == (1, {100})
    provider.now += 0.1
    await asyncio.gather(*(keyring.wait_known(f"again-{n}") for n in range(1000)))
    assert provider.asked == 2


async def test_those_who_ask_during_a_fetch_wait_for_it(provider, rs):
    provider.answer = key_set_of(rs)
    provider.open.clear()
    keyring = provider.keyring()
    first = asyncio.create_task(keyring.wait_known("forged"))
    await asyncio.sleep(0)
    honest = asyncio.create_task(keyring.wait_known("rs"))
    await asyncio.sleep(0)
    provider.open.set()
    await asyncio.gather(first, honest)
    assert keyring.find("rs") is not None
    assert provider.asked == 1


async def test_who_hangs_up_does_not_end_the_fetch_of_others(provider, rs):
    provider.answer = key_set_of(rs)
    provider.open.clear()
    keyring = provider.keyring()
    first = asyncio.create_task(keyring.wait_known("rs"))
    await asyncio.sleep(0)
    second = asyncio.create_task(keyring.wait_known("rs"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    provider.open.set()
    await second
    assert keyring.find("rs") is not None


@pytest.mark.parametrize("answer", [OSError("down"), TimeoutError(), b"<html>login</html>", b'{"keys":[]}'])
async def test_an_outage_keeps_the_keys(provider, rs, answer, caplog):
    provider.answer = key_set_of(rs)
    keyring = provider.keyring()
    assert await keyring.refresh()
    provider.answer = answer
    provider.now += 3600
    with caplog.at_level(logging.WARNING):
        assert not await keyring.refresh()
    assert keyring.find("rs") is not None
    assert "1 keys kept" in caplog.text
    provider.now += 60
    provider.answer = key_set_of(rs)
    assert await keyring.refresh()


async def test_a_failed_fetch_counts_for_the_retry(provider):
    keyring = provider.keyring()
    for kid, passed, retry_after in (("a", 0, 60_000), ("b", 12.5, 47_500)):
        provider.now += passed
        with pytest.raises(Unavailable) as refusal:
            await keyring.wait_known(kid)
        assert refusal.value.retry_after == retry_after
    assert provider.asked == 1


async def test_an_outage_is_told_once_and_so_is_its_end(provider, rs, caplog):
    keyring = provider.keyring()
    with caplog.at_level(logging.INFO):
        for answer in (OSError("down"), OSError("down"), key_set_of(rs), key_set_of(rs)):
            provider.answer = answer
            await keyring.refresh()
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [
        ("WARNING", "key set not refreshed, 0 keys kept: down"),
        ("INFO", "the key set is refreshed again"),
    ]


async def test_its_age_is_that_of_the_last_answer(provider, rs):
    keyring = provider.keyring()
    provider.now += 5
    await keyring.refresh()
    assert keyring.age_s == 5, "since the start, when there was none"
    provider.answer = key_set_of(rs)
    await keyring.refresh()
    provider.now += 7
    provider.answer = OSError("down")
    await keyring.refresh()
    assert keyring.age_s == 7


async def test_a_fixed_key_is_not_replaced_and_not_asked_for(provider, rs, es):
    provider.answer = key_set_of(rs)
    pinned = es.known
    keyring = provider.keyring({"rs": pinned})
    await keyring.wait_known("rs")
    assert provider.asked == 0
    await keyring.refresh()
    assert keyring.find("rs") is pinned


async def test_without_a_url_nothing_is_fetched(rs):
    keyring = Keyring({"rs": rs.known}, None, lambda: 0.0, refresh_s=1, retry_s=1)
    await keyring.wait_known("x")
    assert await keyring.refresh()
    await keyring.keep_fresh()
    assert keyring.find("x") is None
    assert keyring.find("rs") is not None


async def test_it_refreshes_by_itself_sooner_after_a_failure(provider, rs, monkeypatch):
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        provider.answer = key_set_of(rs)
        if len(pauses) == 2:
            raise asyncio.CancelledError

    keyring = provider.keyring()
    monkeypatch.setattr("chatd.auth.keyring.asyncio.sleep", pause)
    with pytest.raises(asyncio.CancelledError):
        await keyring.keep_fresh()
    assert pauses == [60, 3600]
