"""Notifications of the TypeScript client against what others seal: the sender of chatd, and http_ece, not ours."""

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chatd.config.push import PushApp
from chatd.push.sender.sealing import PLAINTEXT_MAX, seal
from tests.kit.chat_page import client_of
from tests.kit.daemon import config_for, running_daemon
from tests.kit.node import WEB, Node
from tests.kit.node import node as node
from tests.kit.push_services.gateway import Gateway
from tests.kit.tokens import token_for

TEXTS = ("", "Who brings the map?", "你好 👋🏽 \u202eabc", "x" * (PLAINTEXT_MAX - 100))


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("by", ["chatd", "http_ece"])
def test_what_others_seal_opens(by: str, node: Node, tmp_path: Path) -> None:
    node.bundle(WEB / "sdk" / "test" / "sealing_echo.ts", folder=tmp_path)

    def ask(question: dict[str, Any]) -> Any:
        return json.loads(node.run(tmp_path / "sealing_echo.mjs", stdin=json.dumps(question)))

    keys = ask({})
    p256dh, auth = bytes_of(keys["p256dh"]), bytes_of(keys["auth"])
    payloads = [{"kind": "message", "tag": "t", "text": text} for text in TEXTS]
    sealed = []
    for payload in payloads:
        plain = json.dumps(payload, ensure_ascii=False).encode()
        if by == "chatd":
            sealed.append(seal(plain, p256dh, auth, os.urandom(16)))
        else:
            private = ec.generate_private_key(ec.SECP256R1())
            sealed.append(
                http_ece.encrypt(plain, private_key=private, dh=p256dh, auth_secret=auth, version="aes128gcm")
            )
    assert ask({"keys": keys, "sealed": [base64url(one) for one in sealed]}) == payloads
    others = ask({})
    assert ask({"keys": others, "sealed": [base64url(one) for one in sealed]}) == [None] * len(sealed)


async def test_a_device_registers_is_told_and_opens_what_came(node: Node, tmp_path: Path) -> None:
    """In Node, against a daemon and a gateway: from `register` to what a person reads, and the reasons."""
    node.bundle(WEB / "sdk" / "test" / "push_device.ts", folder=tmp_path)
    async with Gateway(tmp_path) as gateway:
        app = PushApp(**gateway.app())
        push = {"enabled": True, "apps": (app,), "workers": 0, "delay_s": 0}
        async with (
            running_daemon(config_for(tmp_path / "data", push=push)) as daemon,
            client_of(daemon, "bob") as bob,
        ):
            direct = await bob.direct("ann")
            device = await asyncio.create_subprocess_exec(
                *(
                    *node.with_sockets,
                    str(tmp_path / "push_device.mjs"),
                    daemon.url,
                    token_for("ann"),
                    app.app,
                ),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert device.stdin is not None
            assert device.stdout is not None

            async def says() -> Any:
                return json.loads(await device.stdout.readline())

            offered = {"platforms": ["gateway"], "registered": True}
            assert await says() == {"push": offered, "groups": "mentions", "quiet": []}
            assert (await says())["outcome"] == "sent"
            await gateway.until(lambda: len(gateway.accepted) == 1)
            while daemon.sockets > 1:
                await asyncio.sleep(0.01)
            seq = (await direct.send("你好 👋🏽")).seq
            await gateway.until(lambda: len(gateway.accepted) == 2)
            expected = ({"kind": "test"}, {"kind": "message", "seq": seq, "user": "bob", "text": "你好 👋🏽"})
            for notification, told in zip(gateway.accepted, expected, strict=True):
                assert "text" not in notification.content
                device.stdin.write(json.dumps(notification.content).encode() + b"\n")
                assert told.items() <= (await says()).items()
            assert ["message", "sent"] in await says()
            device.stdin.close()
            assert await device.wait() == 0
            found = await daemon.api("GET", "/v1/users/ann/push")
            assert found.json["registrations"] == []
            assert gateway.objections == []
