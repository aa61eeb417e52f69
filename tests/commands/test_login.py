"""A password for a token: the same work and answer for everybody who does not get in, and bounded work for a flood."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from chatd.auth.interface import Claims
from chatd.auth.passwords import WAITING_MAX, WORKERS, Passwords
from chatd.commands.connection import HelloRejected, Identified, checked
from chatd.commands.login import Granted, Login
from chatd.core.accounts import Amend
from chatd.protocol.errors import Unavailable
from tests.kit.inprocess import InProcessServer
from tests.kit.leak_detector import PASSWORD
from tests.kit.waiting import until

CHEAP = PasswordHasher(1, 8192, 1)  # below today's cost: replaced at the next login


class Mint:
    """Tokens that say at which generation they were made."""

    def mint(self, user: str, ttl_s: int, *, device: str | None = None, generation: int) -> str:
        return str(generation)


class Hasher:
    """Count the calls of the real one; each waits for `released`."""

    def __init__(self, passwords: Passwords) -> None:
        self._real = passwords._hasher
        self.costs: list[str] = []  # of what was verified
        self.works = True
        self.released = threading.Event()
        self.released.set()

    def verify(self, stored: str, text: str) -> bool:
        self.costs.append(stored.split("$")[3])
        self.released.wait(30)
        if not self.works:
            raise VerificationError
        return self._real.verify(stored, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
async def hasher(server: InProcessServer) -> AsyncIterator[Hasher]:
    spy = server.app.passwords._hasher = Hasher(server.app.passwords)
    yield spy
    spy.released.set()


@pytest.fixture
async def login(server: InProcessServer, hasher: Hasher) -> Login:
    for user, disabled in (("ann", False), ("dora", True)):
        change = Amend(password=await server.app.passwords.hash(PASSWORD), disabled=disabled)
        await server.app.writer.submit_and_wait(user, change)
    await server.app.writer.submit_and_wait("hosted", Amend(name="without a password"))
    return Login(server.store, server.app.writer, server.app.passwords, Mint(), 3600)


async def test_the_right_password_gives_a_token(login: Login) -> None:
    granted = await login("ann", PASSWORD, None)
    assert granted is not None
    assert granted.expires_in_s == 3600


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("ann", "wrong horse"),
        ("nobody", PASSWORD),
        ("hosted", PASSWORD),
        ("dora", PASSWORD),
        ("dora", "wrong horse"),
    ],
)
async def test_everybody_else_costs_one_read_and_one_hash(
    server: InProcessServer, hasher: Hasher, login: Login, user: str, password: str
) -> None:
    before = server.store.calls.copy()
    assert await login(user, password, None) is None
    assert hasher.costs == ["m=19456,t=2,p=1"]
    assert server.store.calls - before == {"account": 1}


@pytest.mark.parametrize("user", ["ann", "nobody"])
@pytest.mark.parametrize("password", ["short", "x" * 129, "x" * 1024, "x" * 1_048_576])
async def test_what_cannot_be_a_password_is_hashed_for_nobody(
    hasher: Hasher, login: Login, user: str, password: str
) -> None:
    assert await login(user, password, None) is None
    assert hasher.costs == []


async def test_a_flood_of_logins_is_told_to_come_again(hasher: Hasher, login: Login) -> None:
    """At most so many hashes of 19 MiB under way or waiting, however many ask."""
    hasher.released.clear()
    hasher.works = False
    asked = [asyncio.ensure_future(login(f"user{number}", PASSWORD, None)) for number in range(500)]
    await until(lambda: sum(one.done() for one in asked) >= len(asked) - WORKERS - WAITING_MAX)
    done = [one for one in asked if one.done()]
    waiting = [one for one in asked if not one.done()]
    assert all(isinstance(one.exception(), Unavailable) for one in done)
    assert len(hasher.costs) <= WORKERS
    hasher.released.set()
    assert await asyncio.gather(*waiting) == [None] * len(waiting)
    assert len(hasher.costs) == WORKERS + WAITING_MAX


# --- while the password is changed


async def _asked(login: Login, hasher: Hasher) -> "asyncio.Future[Granted | None]":
    """A login whose password is being checked."""
    hasher.released.clear()
    asked = asyncio.ensure_future(login("ann", PASSWORD, None))
    await until(lambda: hasher.costs)
    return asked


async def test_a_token_for_the_old_password_is_older_than_the_new_one(
    server: InProcessServer, hasher: Hasher, login: Login
) -> None:
    asked = await _asked(login, hasher)
    await server.app.host.admin.set_password("ann", CHEAP.hash("a new password"))
    hasher.released.set()
    granted = await asked
    assert granted is not None
    claims = Claims("ann", 0, generation=int(granted.token))
    with pytest.raises(HelloRejected):
        checked(server.app.context, Identified(claims, await server.store.account("ann"), None))


async def test_a_login_right_behind_a_revocation_is_younger_than_it(
    server: InProcessServer, login: Login
) -> None:
    """In the same millisecond; and another revocation in it is younger again."""
    generation = await server.app.host.admin.revoke("ann")
    granted = await login("ann", PASSWORD, None)
    assert granted is not None
    claims = Claims("ann", 0, generation=int(granted.token))
    assert claims.generation == generation
    checked(server.app.context, Identified(claims, await server.store.account("ann"), None))
    await server.app.host.admin.revoke("ann")
    with pytest.raises(HelloRejected):
        checked(server.app.context, Identified(claims, await server.store.account("ann"), None))


async def test_a_better_hash_of_the_old_password_does_not_replace_the_new_one(
    server: InProcessServer, hasher: Hasher, login: Login
) -> None:
    await server.app.writer.submit_and_wait("ann", Amend(password=CHEAP.hash(PASSWORD)))
    asked = await _asked(login, hasher)
    new = CHEAP.hash("a new password")
    await server.app.host.admin.set_password("ann", new)
    hasher.released.set()
    await asked
    account = await server.store.account("ann")
    assert account.password == new


async def test_a_cheap_hash_is_replaced(server: InProcessServer, login: Login) -> None:
    cheap = CHEAP.hash(PASSWORD)
    await server.app.writer.submit_and_wait("ann", Amend(password=cheap))
    assert await login("ann", PASSWORD, None) is not None
    account = await server.store.account("ann")
    assert account.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
