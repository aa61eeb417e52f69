"""docs/push.md and docs/why-notified.md: examples of configuration are accepted, and commands do what is said."""

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
from tests.kit.clients import Clients
from tests.kit.daemon import daemon_process
from tests.kit.document_commands import needs_curl, run_commands
from tests.kit.newcomer import ROOT, blocks
from tests.kit.push_services.gateway import Gateway

DOCUMENT, WHY = ROOT / "docs" / "push.md", ROOT / "docs" / "why-notified.md"
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


@needs_curl
async def test_the_commands_of_both_documents_work(tmp_path: Path) -> None:
    # The document makes a secret of that name where its commands run.
    (tmp_path / "services").mkdir()
    async with Gateway(tmp_path / "services") as gateway:
        app = gateway.app()
        settings = {"PUSH__ENABLED": "true", "PUSH__APPS": json.dumps([app]), "PUSH__DELAY_S": "0"}
        async with daemon_process(tmp_path, **settings) as daemon:
            clients = Clients(daemon.url)
            alice = await clients.connect("alice", hello={"features": ["push"]})
            place = {"platform": "gateway", "app": app["app"], "token": "token-of-alice"}
            await alice.request({"type": "devices.push", **place})
            device = alice.device
            bob = await clients.connect("bob")
            room = await bob.open_direct("alice")
            await alice.hang_up()
            seq = (await bob.send(room, "the secret plan"))["seq"]
            await gateway.until(lambda: len(gateway.of("token-of-alice")) == 1)
            await clients.leave()
            data = {"/var/lib/chatd": str(daemon.database.parent)}
            pushed = await run_commands(DOCUMENT, daemon, tmp_path)
            why = await run_commands(WHY, daemon, tmp_path, data)
            await gateway.until(lambda: len(gateway.of("token-of-alice")) == 2)
            code, about = await daemon.run(
                "push", "why", "alice", "--room", room, "--seq", str(seq), "--rules"
            )
            assert code == 0
            assert await daemon.run("push", "test", "nobody") == (
                1,
                "chatd: no device of nobody is registered: an app does it with devices.push, at each start\n",
            )
    assert gateway.objections == []
    assert gateway.unsigned == 0
    for words in (
        f"{app['platform']} {app['app']}",
        f"✓ {device}  gateway com.example.gateway  sent: the push service took it",
        "paused by an operator",
        f"✓ {device}  gateway com.example.gateway  would be sent",
        'key_file = "',
        "Wrote vapid.pem",
    ):
        assert words in pushed, words
    assert re.search(rf"{device}  message  {room} {seq}  sent: the push service took it", why)
    assert "would be sent" in why
    assert f'"device":"{device}"' in why
    assert '"badge":1' in why
    assert "this message would go this way" in about
    assert "they have not read it" in about
    assert "secret plan" not in pushed + why + about
