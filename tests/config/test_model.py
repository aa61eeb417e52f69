"""model.py: the tree of settings."""

import copy
import logging
import pickle
from typing import get_type_hints

import msgspec
import pytest

from chatd.config.model import Auth, Config, Key, Limits
from chatd.config.schema import from_plain
from chatd.config.secret import Secret


def test_everything_is_frozen():
    with pytest.raises(AttributeError):
        Config().limits.page = 5
    with pytest.raises(AttributeError):
        Config().limits = Limits()


def test_every_key_says_what_it_is_and_numbers_have_bounds():
    for section in Config.__struct_fields__:
        struct = get_type_hints(Config)[section]
        for name, hint in get_type_hints(struct, include_extras=True).items():
            assert hint.__metadata__[0].description, f"{section}.{name}"
            if hint.__origin__ in (int, float):
                meta = hint.__metadata__[0]
                assert meta.ge is not None, f"{section}.{name}"
                assert meta.le is not None, f"{section}.{name}"


def test_the_defaults_are_within_their_bounds():
    plain = msgspec.to_builtins(Config(), enc_hook=lambda secret: secret.reveal())
    assert msgspec.convert(plain, Config, dec_hook=from_plain) == Config()


def test_unknown_keys_are_refused():
    with pytest.raises(msgspec.ValidationError, match="unknown field `pgae`"):
        msgspec.convert({"limits": {"pgae": 5}}, Config)


def test_a_key_serves_only_the_listed_algorithms():
    for algorithm in ("HS256", "none", "RS256\n", "rs256"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"kid": "a", "algorithm": algorithm, "file": "f"}, Key)


CANARY = "canary-5c9b1f"


def test_a_secret_does_not_show_itself(caplog):
    secret = Secret(CANARY)
    config = Config(auth=Auth(secret=secret))
    logging.getLogger("test").error("%s %r %s", secret, secret, config)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>30}", repr(config), caplog.text]
    assert not [text for text in shown if CANARY in text]
    assert secret.reveal() == CANARY


def test_a_secret_is_not_serialised():
    secret = Secret(CANARY)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(Config(auth=Auth(secret=secret)))


def test_secrets_compare_by_content():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("a"))
    assert not Secret("")
    assert str(Secret("")) == ""


def test_a_secret_is_made_of_text_only():
    assert msgspec.convert({"secret": "x"}, Auth, dec_hook=from_plain).secret == Secret("x")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"secret": 5}, Auth, dec_hook=from_plain)
