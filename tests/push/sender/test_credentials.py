import json
import logging

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from chatd.config.push import PushApp
from chatd.egress.client import Answer, Unreachable
from chatd.push.key_files import new_vapid_key
from chatd.push.sender.credentials import ApnsToken, NoCredential, OAuthToken, VapidToken
from tests.kit.env import ManualEnv

EC_KEY = new_vapid_key()
RSA_KEY = rsa.generate_private_key(65537, 2048)
RSA_PEM = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ACCOUNT = {
    "type": "service_account",
    "project_id": "demo",
    "client_email": "push@demo.iam.gserviceaccount.com",
    "private_key": RSA_PEM,
    "token_uri": "https://oauth2.example/token",
}


@pytest.fixture
def env():
    return ManualEnv()


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.touch(0o600)
    return path


def app(platform, key_file, **more):
    return PushApp(platform=platform, app="com.example", key_file=str(key_file), **more)


def public(pem):
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.public_key()


def apns(key_file, env):
    return ApnsToken(app("apns", key_file, team="TEAM123456", key_id="KEY1234567"), env)


class TokenEndpoint:
    """Answers in their order; the last one again and again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, uri, form):
        self.asked.append((uri, form.decode()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer[0], json.dumps(answer[1]).encode(), "")


def test_the_token_of_apns_is_as_apple_asks_and_lives_40_minutes(key_file, env):
    key_file.write_text(EC_KEY)
    token = apns(key_file, env)
    first = token.bearer()
    scheme, _, text = first.partition(" ")
    assert scheme == "bearer"
    assert jwt.get_unverified_header(text) == {"alg": "ES256", "kid": "KEY1234567"}
    now = env.now_ms() // 1000
    claims = jwt.decode(text, public(EC_KEY), ["ES256"], options={"verify_iat": False})
    assert claims == {"iss": "TEAM123456", "iat": now - now % 1200}
    env.advance(2399 - now % 1200)
    assert token.bearer() == first
    env.advance(1)
    assert token.bearer() != first


def test_a_process_that_starts_again_makes_no_token_of_another_time(key_file, env):
    """Apple refuses a team that has more than one in 20 minutes."""
    key_file.write_text(EC_KEY)
    issued = set()
    for _ in range(10):
        text = apns(key_file, env).bearer().removeprefix("bearer ")
        issued.add(jwt.decode(text, public(EC_KEY), ["ES256"], options={"verify_iat": False})["iat"])
        env.advance(120)
    assert len(issued) == 2


def test_a_token_that_is_refused_is_renewed_once_and_not_when_it_is_new(key_file, env):
    key_file.write_text(EC_KEY)
    token = apns(key_file, env)
    first = token.bearer()
    assert not token.renew(first), "the same key makes another of the same kind"
    env.advance(60)
    assert token.renew(first)
    assert token.bearer() != first
    assert token.renew(first), "of another request, which had the old one: it may go again"
    assert not token.renew(token.bearer())


@pytest.mark.parametrize("content", ["", "no key", RSA_PEM])
def test_a_key_that_cannot_be_used_is_logged_once_and_found_when_it_is_mended(key_file, env, caplog, content):
    key_file.write_text(content)
    token = apns(key_file, env)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with pytest.raises(NoCredential):
                token.bearer()
            env.advance(31)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "apns com.example" in record.getMessage()
    assert "PRIVATE" not in record.getMessage()
    key_file.write_text(EC_KEY)
    with caplog.at_level(logging.INFO):
        assert token.bearer()
    assert "can be used again" in caplog.records[-1].getMessage()


def test_a_key_that_is_missing_is_not_looked_for_at_every_request(tmp_path, env):
    token = apns(tmp_path / "key", env)
    with pytest.raises(NoCredential):
        token.bearer()
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_text(EC_KEY)
    env.advance(29)
    with pytest.raises(NoCredential):
        token.bearer()
    env.advance(1)
    assert token.bearer()


def test_web_push_is_signed_for_its_origin(key_file, env):
    key_file.write_text(EC_KEY)
    vapid = VapidToken(app("web", key_file), "mailto:ops@example.com", env)
    value = vapid.authorization("https://push.example")
    scheme, _, rest = value.partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    assert scheme == "vapid"
    assert len(parts["k"]) == 87
    claims = jwt.decode(
        parts["t"], public(EC_KEY), ["ES256"], options={"verify_aud": False, "verify_exp": False}
    )
    assert claims == {
        "aud": "https://push.example",
        "exp": env.now_ms() // 1000 + 12 * 3600,
        "sub": "mailto:ops@example.com",
    }
    assert vapid.authorization("https://push.example") == value
    assert vapid.authorization("https://other.example") != value
    env.advance(6 * 3600)
    assert vapid.authorization("https://push.example") != value


def test_a_clock_that_was_put_right_makes_a_new_token_of_web_push(key_file, env, monkeypatch):
    """One of another time is refused by every service, and 401 of one of them pauses nothing."""
    key_file.write_text(EC_KEY)
    vapid = VapidToken(app("web", key_file), "mailto:ops@example.com", env)
    now_ms = env.now_ms()
    for days in (0, -30, 30):
        monkeypatch.setattr(env, "now_ms", lambda days=days: now_ms + days * 86_400_000)
        token = vapid.authorization("https://push.example").partition("=")[2].partition(",")[0]
        assert (
            jwt.decode(token, options={"verify_signature": False})["exp"] == env.now_ms() // 1000 + 12 * 3600
        )


def test_many_origins_take_little_memory(key_file, env):
    key_file.write_text(EC_KEY)
    vapid = VapidToken(app("web", key_file), "mailto:ops@example.com", env)
    for number in range(300):
        vapid.authorization(f"https://{number}.example")
    assert len(vapid._made) == 256


async def test_the_access_token_of_fcm_is_asked_for_once_in_50_minutes(key_file, env):
    key_file.write_text(json.dumps(ACCOUNT))
    endpoint = TokenEndpoint((200, {"access_token": "ya29.A", "expires_in": 3599, "token_type": "Bearer"}))
    token = OAuthToken(app("fcm", key_file), env, endpoint)
    assert token.project == "demo"
    assert token.known() == ""
    await token.ask()
    assert token.known() == "Bearer ya29.A"
    ((uri, form),) = endpoint.asked
    assert uri == ACCOUNT["token_uri"]
    grant, assertion = form.split("&")
    assert grant == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
    claims = jwt.decode(
        assertion.removeprefix("assertion="),
        RSA_KEY.public_key(),
        ["RS256"],
        options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == ACCOUNT["client_email"]
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    env.advance(2999)
    assert token.known()
    env.advance(1)
    assert not token.known()


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ((400, {"error": "invalid_grant", "error_description": "secret"}), "invalid_grant"),
        ((401, {"error": "x\ny"}), "401"),
        ((404, []), "404"),
        ((200, {"access_token": "a\r\nb"}), "access_token"),
    ],
)
async def test_a_service_account_that_is_refused_is_logged_once_and_asked_about_seldom(
    key_file, env, caplog, answer, word
):
    key_file.write_text(json.dumps(ACCOUNT))
    endpoint = TokenEndpoint(answer)
    token = OAuthToken(app("fcm", key_file), env, endpoint)
    with caplog.at_level(logging.INFO):
        for _ in range(4):
            with pytest.raises(NoCredential, match=word):
                await token.ask()
            env.advance(16)
    assert len(endpoint.asked) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "secret" not in caplog.text


async def test_a_token_endpoint_that_is_ill_is_asked_again(key_file, env):
    key_file.write_text(json.dumps(ACCOUNT))
    endpoint = TokenEndpoint((503, {}), Unreachable("cut"), (200, {"access_token": "ya29.A"}))
    token = OAuthToken(app("fcm", key_file), env, endpoint)
    for _ in range(2):
        with pytest.raises(Unreachable):
            await token.ask()
    await token.ask()
    assert token.known()
    assert not token.renew(token.known())
    env.advance(60)
    assert token.renew(token.known())
    assert not token.known()
