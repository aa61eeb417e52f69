"""A daemon with another identity than the one of this package, given to the composition root."""

from pathlib import Path

from chatd.server.daemon import Daemon
from tests.kit.client import TestClient
from tests.kit.daemon import config_for
from tests.kit.inprocess import FakeIdentity


async def test_a_daemon_believes_the_identity_it_is_given(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    daemon = Daemon(config, make_identity=lambda rules, env, directory: FakeIdentity(env))
    await daemon.start()
    alice = await TestClient.connect(f"ws://127.0.0.1:{daemon.public_port}/v1/ws", "alice")
    await alice.expect_refusal("token_invalid", alice.hello(token="bad word"))
    await alice.stop_listening()
    alice = await TestClient.connect(f"ws://127.0.0.1:{daemon.public_port}/v1/ws", "alice", token="alice")
    assert (await alice.say_hello())["user"] == "alice"
    assert daemon.reconfigure(config) == []
    assert (await daemon.checks())["keys"] is None
    await alice.hang_up()
    await daemon.stop()
