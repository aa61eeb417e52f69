"""settings.py with key_files.py: keys are read before the start, and what cannot be used is told in plain words."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chatd.config.model import Config
from chatd.config.problems import ConfigError
from chatd.config.push import Push, PushApp
from chatd.push import settings
from chatd.push.key_files import new_vapid_key
from chatd.push.settings import push_problems, vapid_public

RSA_KEY = (
    rsa.generate_private_key(65537, 2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
ACCOUNT = {
    "type": "service_account",
    "project_id": "demo",
    "client_email": "push@demo.iam.gserviceaccount.com",
    "private_key": RSA_KEY,
    "token_uri": "https://oauth2.googleapis.com/token",
}


@pytest.fixture
def written(tmp_path: Path):
    def write(content: str, mode: int = 0o600) -> str:
        path = tmp_path / "key"
        path.write_text(content)
        path.chmod(mode)
        return str(path)

    return write


def config(platform, key_file, **more):
    return Config(push=Push(enabled=True, apps=(PushApp(platform=platform, key_file=key_file, **more),)))


def said(config):
    return [f"{problem.what}. {problem.fix}" for problem in push_problems(config)]


@pytest.mark.parametrize(
    ("platform", "content"),
    [
        ("apns", new_vapid_key()),
        ("web", new_vapid_key()),
        ("fcm", json.dumps(ACCOUNT)),
        ("gateway", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ],
)
def test_keys_that_can_be_used_have_no_problem(written, platform, content):
    assert said(config(platform, written(content))) == []


@pytest.mark.parametrize(
    ("platform", "content", "says"),
    [
        (
            "apns",
            "hello",
            "is no private key in PEM without a password. Download it from developer.apple.com",
        ),
        ("apns", RSA_KEY, "not one of the curve P-256"),
        ("web", RSA_KEY, "Make one with: chatd push vapid --new FILE"),
        ("fcm", new_vapid_key(), "is no service account of Google in JSON"),
        ("fcm", json.dumps({**ACCOUNT, "type": "authorized_user"}), "its type is another"),
        ("fcm", json.dumps({**ACCOUNT, "private_key": "x"}), "without a private key"),
        ("gateway", "hunter2", "a line is not whsec_"),
    ],
)
def test_a_key_of_another_kind_is_told_with_the_place_to_get_the_right_one(written, platform, content, says):
    [problem] = said(config(platform, written(content)))
    assert says in problem
    assert content not in problem


def test_a_key_that_others_may_read_is_refused(written):
    [problem] = said(config("apns", written(new_vapid_key(), 0o644)))
    assert "other users may open it (mode 0644)" in problem
    assert "Run: chmod 600" in problem


def test_a_key_that_is_missing_is_told(tmp_path):
    [problem] = said(config("fcm", str(tmp_path / "none")))
    assert "cannot be opened" in problem


def test_nothing_is_looked_at_while_push_is_off(tmp_path):
    app = PushApp(platform="apns", key_file=str(tmp_path / "none"))
    assert said(Config(push=Push(apps=(app,)))) == []


def test_packages_that_are_missing_are_named_with_their_command(written, monkeypatch):
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    [problem] = said(config("web", written(new_vapid_key())))
    assert problem == (
        "push needs packages that are not installed: h2, tzdata. Install them with: pip install 'chatd[push]'"
    )


def test_the_public_key_is_that_of_openssl(written):
    path = written(new_vapid_key())
    command = ["openssl", "ec", "-in", path, "-pubout", "-outform", "DER"]
    der = subprocess.run(command, capture_output=True, check=True).stdout
    assert base64.urlsafe_b64decode(vapid_public(config("web", path)) + "=") == der[-65:]
    assert vapid_public(config("apns", path)) == ""


def test_the_public_key_of_a_file_that_is_none_is_refused(written):
    with pytest.raises(ConfigError):
        vapid_public(config("web", written("none")))
