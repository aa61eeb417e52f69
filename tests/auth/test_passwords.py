"""passwords.py: the stored hash, the check, and many checks at once."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters

from chatd.auth.passwords import DUMMY_HASH, Passwords
from chatd.protocol.errors import Refused, Unavailable


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    pool = Passwords()
    yield pool
    pool.close()


async def test_the_stored_hash_has_the_promised_cost(passwords):
    found = extract_parameters(await passwords.hash("correct horse"))
    assert (found.type.name, found.memory_cost, found.time_cost, found.parallelism) == ("ID", 19456, 2, 1)


async def test_only_the_right_password_is_right(passwords):
    stored = await passwords.hash("correct horse")
    assert (await passwords.check("correct horse", stored)).right
    assert not (await passwords.check("Correct horse", stored)).right
    assert not (await passwords.check("correct horse ", stored)).right


async def test_two_hashes_of_one_password_differ(passwords):
    assert await passwords.hash("correct horse") != await passwords.hash("correct horse")


async def test_composed_and_decomposed_umlauts_are_the_same(passwords):
    stored = await passwords.hash("M\u00fcllerstra\u00dfe")
    assert (await passwords.check("Mu\u0308llerstra\u00dfe", stored)).right


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129, "x" * 1_000_000, "\ud800" * 10])
async def test_unusable_lengths_are_refused_before_hashing(passwords, password, monkeypatch):
    monkeypatch.setattr(passwords._threads, "submit", None)
    with pytest.raises(Refused) as caught:
        await passwords.hash(password)
    assert (caught.value.code, caught.value.field) == ("bad_request", "password")
    assert not (await passwords.check(password, DUMMY_HASH)).right


@pytest.mark.parametrize("password", ["12345678", "x" * 128, "\U0001f511" * 8, "u\u0308" * 128])
async def test_the_bounds_themselves_are_usable(passwords, password):
    assert (await passwords.check(password, await passwords.hash(password))).right


async def test_nothing_is_cut_off(passwords):
    stored = await passwords.hash("x" * 127 + "a")
    assert not (await passwords.check("x" * 127 + "b", stored)).right


async def test_an_unknown_user_costs_the_same_work_and_is_never_right(passwords):
    found = extract_parameters(DUMMY_HASH)
    assert (found.memory_cost, found.time_cost, found.parallelism) == (19456, 2, 1)
    assert not (await passwords.check("correct horse", None)).right


async def test_a_broken_hash_is_not_right(passwords):
    for stored in ("", "x", "$argon2id$v=19$m=1,t=1,p=1$a$b", "$2b$12$abcdefghijklmnopqrstuv"):
        assert not (await passwords.check("correct horse", stored)).right


async def test_a_cheaper_hash_is_replaced_at_login(passwords):
    cheap = PasswordHasher(1, 8192, 1).hash("correct horse")
    verdict = await passwords.check("correct horse", cheap)
    assert verdict.right
    assert extract_parameters(verdict.rehashed or "").memory_cost == 19456
    assert (await passwords.check("correct horse", verdict.rehashed)).rehashed is None
    assert (await passwords.check("wrong horse", cheap)).rehashed is None


async def test_too_many_are_told_to_come_again(passwords):
    pool = Passwords(waiting_max=3)
    released = threading.Event()
    held = [asyncio.ensure_future(pool._run(released.wait)) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as caught:
        await pool.check("correct horse", None)
    assert caught.value.code == "overloaded"
    assert caught.value.retry_after == 1000
    released.set()
    await asyncio.gather(*held)
    assert not (await pool.check("correct horse", None)).right
    pool.close()


async def test_hashing_leaves_the_event_loop_alone(passwords):
    seen: list[str] = []
    work = passwords._hasher.hash

    def spied(text: str) -> str:
        seen.append(threading.current_thread().name)
        return work(text)

    await passwords._run(lambda: spied("correct horse"))
    assert seen[0].startswith("password")
    assert threading.current_thread().name not in seen
