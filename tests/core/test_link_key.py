"""core/link_key.py: the key of links, as decided and as stored."""

from chatd.core.link_key import SetLinkKey
from chatd.storage.sqlite.link_key import link_key
from tests.kit.daemon import config_for, running_daemon


async def test_another_key_is_in_force_when_it_is_stored_and_after_a_restart(tmp_path):
    async with running_daemon(config_for(tmp_path)) as daemon:
        assert await daemon.app.store.read(link_key) == b""
        for key in (b"first" * 6, b"other" * 6):
            await daemon.app.writer.submit_and_wait("", SetLinkKey(key))
            assert await daemon.app.store.read(link_key) == key
        await daemon.restart()
        assert await daemon.app.store.read(link_key) == b"other" * 6


def test_a_key_is_shown_nowhere():
    assert "secret" not in repr(SetLinkKey(b"secret"))
