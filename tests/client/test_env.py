"""Ids and time of the real world."""

import asyncio
import re
import uuid

from chatd.client.env import base64url, uuid7, wait


def test_keys_are_22_characters_and_differ(system_env):
    keys = {system_env.key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"[\w-]{22}", key) for key in keys)


def test_devices_are_22_characters_and_differ(system_env):
    assert re.fullmatch(r"[\w-]{22}", system_env.device())
    assert system_env.device() != system_env.device()


def test_a_uuid7_has_its_version_its_variant_and_the_time_in_front():
    made = uuid.UUID(bytes=uuid7(1_763_900_000_123, b"\xff" * 10))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 1_763_900_000_123


def test_keys_made_later_sort_behind():
    early, late = (uuid7(ms, b"\x00" * 10) for ms in (1, 2))
    assert early < late


def test_base64url_has_no_padding_and_fits_an_address():
    assert base64url(b"\xfb\xff") == "-_8"


def test_time_moves_and_chance_is_a_fraction(system_env):
    assert system_env.monotonic() <= system_env.monotonic()
    assert system_env.time_ms() > 1_700_000_000_000
    assert 0 <= system_env.random() < 1


async def test_waiting_ends_by_the_clock_of_the_env(env):
    waiting = asyncio.create_task(wait(env, 5.0))
    await asyncio.sleep(0)
    assert env.delays == [5.0]
    env.advance(5)
    await waiting


async def test_waiting_that_is_given_up_leaves_no_timer(env):
    waiting = asyncio.create_task(wait(env, 5.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert env.delays == []


async def test_a_timer_of_the_real_world_fires(system_env):
    await wait(system_env, 0.0)
