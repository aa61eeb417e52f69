"""The operations of the back end on accounts, on a whole daemon without connections."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chatd.commands.admin import Admin
from chatd.core.accounts import Amend
from chatd.server.daemon import Daemon
from tests.kit.daemon import config_for
from tests.kit.inprocess import InProcessServer


@pytest.fixture
async def daemon(tmp_path_factory) -> AsyncIterator[Daemon]:
    # A short name: the path of a Unix socket has at most 107 bytes.
    one = Daemon(config_for(tmp_path_factory.mktemp("a")))
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def admin(daemon: Daemon) -> Admin:
    return daemon.app.host.admin


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


async def test_so_many_changes_of_the_host_wait_that_phones_wait_little(server: InProcessServer) -> None:
    ann, places = await server.connect("ann"), server.config.api.writes_waiting
    hold = server.store.hold("commit")
    first = ann.send_request(type="room.direct", user="bob")
    await hold.reached.wait()
    changes = [
        asyncio.create_task(server.app.host.admin.amend(f"u{number}", Amend(name="Uma")))
        for number in range(3 * places)
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    second = ann.send_request(type="room.direct", user="cat")
    assert server.app.writer.depth == places + 1
    hold.release()
    await asyncio.gather(*changes)
    await server.wait_idle()
    assert [ann.reply(id)["type"] for id in (first, second)] == ["ok"] * 2
    assert len(await server.app.store.accounts("u", 1000)) == 3 * places
