"""first_secret.py: made once, private, and only when nothing else is configured."""

import stat

import pytest

from chatd.config.first_secret import secret_path, with_first_secret
from chatd.config.model import Auth, Config, Storage
from chatd.config.problems import ConfigError
from chatd.config.secret import Secret


@pytest.fixture
def config(tmp_path) -> Config:
    return Config(storage=Storage(directory=str(tmp_path / "data")))


def test_it_is_made_once_and_private(config):
    first = with_first_secret(config, create=True)
    path = secret_path(config)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(first.auth.secret.reveal()) == 43
    assert with_first_secret(config, create=True).auth.secret == first.auth.secret


def test_two_servers_have_different_secrets(config, tmp_path):
    other = Config(storage=Storage(directory=str(tmp_path / "other")))
    one, two = (with_first_secret(each, create=True).auth.secret for each in (config, other))
    assert one != two


def test_looking_for_it_makes_nothing(config):
    assert with_first_secret(config, create=False) == config
    assert not secret_path(config).parent.exists()


@pytest.mark.parametrize(
    "auth",
    [
        Auth(secret=Secret("s" * 32)),
        Auth(jwks_url="https://a.example/k"),
        Auth(jwks_file="f"),
        Auth(accounts=False),
    ],
)
def test_what_is_configured_stays(tmp_path, auth):
    config = Config(storage=Storage(directory=str(tmp_path / "data")), auth=auth)
    assert with_first_secret(config, create=True) == config
    assert not secret_path(config).exists()


def test_a_directory_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    config = Config(storage=Storage(directory=str(tmp_path / "file" / "data")))
    with pytest.raises(ConfigError, match="cannot be written"):
        with_first_secret(config, create=True)
