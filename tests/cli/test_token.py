"""`chatd token`: it prints a token that the daemon accepts, or nothing."""

import time

import jwt
import pytest

from chatd.auth.tokens import Tokens
from chatd.config.model import Auth
from chatd.config.secret import Secret

SECRET = "0123456789abcdef0123456789abcdef"


def claims_of(token, secret=SECRET):
    return Tokens(Auth(secret=Secret(secret)), {}.get).verify(token.strip(), time.time())


def test_the_token_is_accepted_and_alone_on_stdout(run):
    result = run("token", "alice", CHATD_AUTH__SECRET=SECRET)
    assert result.stdout.count("\n") == 1
    claims = claims_of(result.stdout)
    assert claims.user == "alice"
    assert claims.expires_at_s - claims.issued_at_s == 3600


def test_lifetime_device_and_rights_can_be_chosen(run):
    device = "AZh3kQm0d2K4cG9sdXMtMQ"
    arguments = ["--ttl", "10m", "--device", device, "--allow", "read", "--allow", "admin"]
    claims = claims_of(run("token", "alice", *arguments, CHATD_AUTH__SECRET=SECRET).stdout)
    assert claims.expires_at_s - claims.issued_at_s == 600
    assert claims.device == device
    assert claims.allow == {"read", "admin"}


@pytest.mark.parametrize("user", ["", "two words", "new\nline", "\x1b[31mred", "x" * 65, "ümlaut"])
def test_malformed_users_are_wrong_usage(run, user):
    result = run("token", user, CHATD_AUTH__SECRET=SECRET)
    assert result.exit_code == 2
    assert "\x1b" not in result.output


def test_a_user_that_begins_with_a_dash_needs_two(run):
    assert run("token", "-alice", CHATD_AUTH__SECRET=SECRET).exit_code == 2
    assert claims_of(run("token", "--", "-alice", CHATD_AUTH__SECRET=SECRET).stdout).user == "-alice"


@pytest.mark.parametrize("ttl", ["0", "-1", "1w", "1.5h", "2d", "", "h", "99999999999"])
def test_malformed_and_too_long_lifetimes_are_wrong_usage(run, ttl):
    assert run("token", "alice", "--ttl", ttl, CHATD_AUTH__SECRET=SECRET).exit_code == 2


def test_a_malformed_device_is_wrong_usage(run):
    assert run("token", "alice", "--device", "phone", CHATD_AUTH__SECRET=SECRET).exit_code == 2


def test_without_a_secret_it_says_how_to_get_one(run, tmp_path):
    result = run("token", "alice")
    assert result.exit_code == 3
    assert "chatd dev" in result.output
    assert not list(tmp_path.iterdir())


def test_the_secret_of_the_first_start_is_found(run, tmp_path):
    (tmp_path / "chatd-data").mkdir()
    path = tmp_path / "chatd-data" / "secret"
    path.write_text("f" * 43 + "\n")
    path.chmod(0o600)
    assert claims_of(run("token", "alice").stdout, "f" * 43).user == "alice"
    path.chmod(0o644)
    assert run("token", "alice").exit_code == 3


def test_the_key_is_the_text_of_the_secret_file_as_it_stands(run, tmp_path):
    """A secret that looks like base64 is not decoded: the other side signs with the same characters."""
    text = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    path = tmp_path / "app secret"
    path.write_text(text + "\n")
    path.chmod(0o600)
    token = run("token", "alice", "--set", f"auth.secret_file={path}").stdout.strip()
    assert jwt.decode(token, text.encode(), ["HS256"], audience="chatd")["sub"] == "alice"
