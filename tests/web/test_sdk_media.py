"""Files of the TypeScript client in Node, against the daemon and its process for files."""

import asyncio
import json
from pathlib import Path

from tests.kit.chat_page import client_of
from tests.kit.daemon import config_for, running_daemon
from tests.kit.node import WEB, Node
from tests.kit.node import node as node
from tests.kit.tokens import token_for

SIZE = 9 * (1 << 20) + 7  # two requests, the second one short


async def test_a_file_is_sent_listed_and_fetched(node: Node, tmp_path: Path) -> None:
    node.bundle(WEB / "sdk" / "test" / "media_device.ts", folder=tmp_path)
    media = {"enabled": True, "address": "127.0.0.1:0"}
    async with (
        running_daemon(config_for(tmp_path / "data", media=media)) as daemon,
        client_of(daemon, "bob") as bob,
    ):
        room = await bob.direct("ann")
        program = str(tmp_path / "media_device.mjs")
        device = await asyncio.create_subprocess_exec(
            *(*node.with_sockets, program, daemon.url, token_for("ann"), room.id, str(SIZE)),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await device.communicate()
        assert device.returncode == 0
        said = json.loads(output)
        assert said["sent"] == said["fetched"]
        assert said["offer"]["url"] == daemon.app.media_url
        attachment = said["attachment"]
        assert (attachment["kind"], attachment["name"], attachment["size"]) == ("file", "тур.bin", SIZE)
        assert (said["files"], said["used"]) == (1, SIZE)
        (message,) = await room.timeline(1)
        assert message.text == "The tour"
