"""The operations of the back end on accounts, on a whole daemon without connections."""

from collections.abc import AsyncIterator

import pytest

from chatd.commands.admin import Admin
from chatd.core.accounts import Amend
from chatd.server.daemon import Daemon
from tests.kit.daemon import config_for


@pytest.fixture
async def daemon(tmp_path_factory) -> AsyncIterator[Daemon]:
    # A short name: the path of a Unix socket has at most 107 bytes.
    one = Daemon(config_for(tmp_path_factory.mktemp("a")))
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def admin(daemon: Daemon) -> Admin:
    return daemon.app.admin


async def account(daemon: Daemon, user: str):
    found = await daemon.app.store.account(user)
    assert found is not None
    return found


async def test_an_account_is_added(daemon, admin):
    await admin.amend("u42", Amend(name="Ann", avatar="https://a.example/1.png"))
    ann = await account(daemon, "u42")
    assert (ann.name, ann.avatar, ann.version, ann.password) == ("Ann", "https://a.example/1.png", 1, None)
    assert ann.created_at > 0


async def test_a_new_name_reaches_phones_that_cache_the_old_one(daemon, admin):
    await admin.amend("u42", Amend(name="Ann"))
    await admin.amend("u42", Amend(name="Ann B."))
    ann = await account(daemon, "u42")
    assert (ann.name, ann.version) == ("Ann B.", 2)


async def test_a_new_name_lets_nobody_back_in(daemon, admin):
    await admin.amend("u42", Amend(name="Ann", password="a hash"))
    await admin.amend("u42", Amend(disabled=True))
    await admin.revoke("u42")
    before = await account(daemon, "u42")
    await admin.amend("u42", Amend(name="Ann B."))
    after = await account(daemon, "u42")
    assert after.disabled
    assert after.revoked_before == before.revoked_before > 0
    assert (after.password, after.created_at) == ("a hash", before.created_at)
