"""docs/push.md and docs/why-notified.md: examples of configuration are accepted, and name every key of an app."""

import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chatd.cli.preflight import file_problems
from chatd.config.loading import load
from chatd.config.push import PushApp
from chatd.push.key_files import new_vapid_key
from tests.kit.newcomer import ROOT, blocks

DOCUMENT = ROOT / "docs" / "push.md"
TEXT = DOCUMENT.read_text()
EXAMPLES = [block.text for block in blocks(DOCUMENT) if block.language == "toml"]


def private(path: Path, content: str) -> None:
    path.touch(0o600)
    path.write_text(content)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with a key of each kind, by the names of the document."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "type": "service_account",
        "project_id": "demo",
        "client_email": "push@demo.iam.gserviceaccount.com",
        "private_key": pem,
    }
    private(tmp_path / "AuthKey_ABCDE12345.p8", new_vapid_key())
    private(tmp_path / "vapid.pem", new_vapid_key())
    private(tmp_path / "firebase.json", json.dumps(account))
    private(tmp_path / "gateway.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    return tmp_path


def test_there_is_an_example_of_each_platform() -> None:
    platforms = re.findall(r'platform = "(\w+)"', "".join(EXAMPLES))
    assert platforms == ["apns", "fcm", "web", "gateway"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_accepted_with_the_keys_it_names(example: str, keys: Path) -> None:
    path = keys / "chatd.toml"
    path.write_text(example.replace("/etc/chatd", str(keys)))
    assert load(str(path), look=file_problems).config.push.apps


def test_every_key_of_an_app_is_in_the_document() -> None:
    for key in PushApp.__struct_fields__:
        assert re.search(rf"\b{key} = |`{key}( = \w+)?`", TEXT), key
