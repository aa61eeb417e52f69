"""Notifications of the TypeScript client against what others seal: the sender of chatd, and http_ece, not ours."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chatd.push.sender.sealing import PLAINTEXT_MAX, seal
from tests.kit.node import WEB, Node
from tests.kit.node import node as node

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
