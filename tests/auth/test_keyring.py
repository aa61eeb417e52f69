"""ring.py: key rotation, outages, and floods of unknown kids."""

import asyncio
import logging
from typing import Any

import pytest

from chatd.auth.keyring import KeyRing
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

    def ring(self, fixed: Any = None) -> KeyRing:
        return KeyRing(fixed or {}, self.fetch, lambda: self.now, refresh_s=3600, retry_s=60)


@pytest.fixture
async def provider() -> Provider:
    return Provider()


async def test_an_unknown_kid_is_fetched(provider, rs):
    provider.answer = key_set_of(rs)
    ring = provider.ring()
    assert ring.find("rs") is None
    await ring.wait_known("rs")
    assert ring.find("rs").algorithm == "RS256"
    await ring.wait_known("rs")
    assert provider.asked == 1


async def test_a_rotated_key_is_found_and_the_old_one_forgotten(provider, rs, es):
    provider.answer = key_set_of(rs)
    ring = provider.ring()
    await ring.refresh()
    provider.answer = key_set_of(es)
    provider.now += 60
    await ring.wait_known("es")
    assert ring.find("es") is not None
    assert ring.find("rs") is None


async def test_a_flood_of_unknown_kids_asks_once_a_retry(provider, rs):
    provider.answer = key_set_of(rs)
    ring = provider.ring()
    await asyncio.gather(*(ring.wait_known(f"forged-{n}") for n in range(1000)))
    provider.now += 59.9
    later = [ring.wait_known(f"later-{n}") for n in range(1000)]
    told = {refusal.retry_after for refusal in await asyncio.gather(*later, return_exceptions=True)}
    assert (provider.asked, told) == (1, {100})
    provider.now += 0.1
    await asyncio.gather(*(ring.wait_known(f"again-{n}") for n in range(1000)))
    assert provider.asked == 2


async def test_those_who_ask_during_a_fetch_wait_for_it(provider, rs):
    provider.answer = key_set_of(rs)
    provider.open.clear()
    ring = provider.ring()
    first = asyncio.create_task(ring.wait_known("forged"))
    await asyncio.sleep(0)
    honest = asyncio.create_task(ring.wait_known("rs"))
    await asyncio.sleep(0)
    provider.open.set()
    await asyncio.gather(first, honest)
    assert ring.find("rs") is not None
    assert provider.asked == 1


async def test_who_hangs_up_does_not_end_the_fetch_of_others(provider, rs):
    provider.answer = key_set_of(rs)
    provider.open.clear()
    ring = provider.ring()
    first = asyncio.create_task(ring.wait_known("rs"))
    await asyncio.sleep(0)
    second = asyncio.create_task(ring.wait_known("rs"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    provider.open.set()
    await second
    assert ring.find("rs") is not None


@pytest.mark.parametrize("answer", [OSError("down"), TimeoutError(), b"<html>login</html>", b'{"keys":[]}'])
async def test_an_outage_keeps_the_keys(provider, rs, answer, caplog):
    provider.answer = key_set_of(rs)
    ring = provider.ring()
    assert await ring.refresh()
    provider.answer = answer
    provider.now += 3600
    with caplog.at_level(logging.WARNING):
        assert not await ring.refresh()
    assert ring.find("rs") is not None
    assert "1 keys kept" in caplog.text
    provider.now += 60
    provider.answer = key_set_of(rs)
    assert await ring.refresh()


async def test_a_failed_fetch_counts_for_the_retry(provider):
    ring = provider.ring()
    for kid, passed, retry_after in (("a", 0, 60_000), ("b", 12.5, 47_500)):
        provider.now += passed
        with pytest.raises(Unavailable) as refusal:
            await ring.wait_known(kid)
        assert refusal.value.retry_after == retry_after
    assert provider.asked == 1


async def test_an_outage_is_told_once_and_so_is_its_end(provider, rs, caplog):
    ring = provider.ring()
    with caplog.at_level(logging.INFO):
        for answer in (OSError("down"), OSError("down"), key_set_of(rs), key_set_of(rs)):
            provider.answer = answer
            await ring.refresh()
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [
        ("WARNING", "key set not refreshed, 0 keys kept: down"),
        ("INFO", "the key set is refreshed again"),
    ]


async def test_its_age_is_that_of_the_last_answer(provider, rs):
    ring = provider.ring()
    provider.now += 5
    await ring.refresh()
    assert ring.age_s == 5, "since the start, when there was none"
    provider.answer = key_set_of(rs)
    await ring.refresh()
    provider.now += 7
    provider.answer = OSError("down")
    await ring.refresh()
    assert ring.age_s == 7


async def test_a_fixed_key_is_not_replaced_and_not_asked_for(provider, rs, es):
    provider.answer = key_set_of(rs)
    pinned = es.known
    ring = provider.ring({"rs": pinned})
    await ring.wait_known("rs")
    assert provider.asked == 0
    await ring.refresh()
    assert ring.find("rs") is pinned


async def test_without_a_url_nothing_is_fetched(rs):
    ring = KeyRing({"rs": rs.known}, None, lambda: 0.0, refresh_s=1, retry_s=1)
    await ring.wait_known("x")
    assert await ring.refresh()
    await ring.keep_fresh()
    assert ring.find("x") is None
    assert ring.find("rs") is not None


async def test_it_refreshes_by_itself_sooner_after_a_failure(provider, rs, monkeypatch):
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        provider.answer = key_set_of(rs)
        if len(pauses) == 2:
            raise asyncio.CancelledError

    ring = provider.ring()
    monkeypatch.setattr("chatd.auth.keyring.asyncio.sleep", pause)
    with pytest.raises(asyncio.CancelledError):
        await ring.keep_fresh()
    assert pauses == [60, 3600]
