"""signing.py against the library of the specification."""

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from chatd.config.problems import ConfigError
from chatd.config.secret import Secret
from chatd.egress.signing import TOLERANCE_S, fault, secrets_in, signed


def secret(key=bytes(range(32))):
    return Secret("whsec_" + base64.b64encode(key).decode())


OLD, NEW, OTHER = secret(), secret(bytes(24)), secret(b"x" * 64)


def now_ms():
    return time.time_ns() // 1_000_000


@given(id=st.from_regex(r"[\x21-\x7e]{1,80}", fullmatch=True), body=st.text().map(str.encode))
def test_the_library_of_the_specification_verifies_each_of_two_secrets(id, body):
    headers = signed([NEW, OLD], id, now_ms(), body)
    for one in (NEW, OLD):
        Webhook(one.reveal()).verify(body, headers, json_parse=False)
        assert fault([one], headers, body, now_ms()) == ""
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER.reveal()).verify(body, headers, json_parse=False)


def test_a_signature_of_the_library_is_ours():
    body = b'{"test": 2432232314}'
    headers = signed([OLD], "msg_1", 1_614_265_330_000, body)
    expected = Webhook(OLD.reveal()).sign("msg_1", datetime.fromtimestamp(1_614_265_330, UTC), body.decode())
    assert headers["webhook-signature"] == expected


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"webhook-id": "other"}, "no signature"),
        ({"webhook-timestamp": "1"}, "too old"),
        ({"webhook-timestamp": "soon"}, "no id or no time"),
        ({"webhook-signature": ""}, "no signature"),
        ({"webhook-signature": "v1,AAAA v2,AAAA é"}, "no signature"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(changed, says):
    headers = {**signed([OLD], "1", now_ms(), b"{}"), **changed}
    assert fault([OLD], headers, b"{}", now_ms()).startswith(says)


def test_a_delivery_that_is_repeated_later_is_refused():
    headers = signed([OLD], "1", now_ms(), b"{}")
    assert fault([OLD], headers, b"{}", now_ms() + (TOLERANCE_S + 1) * 1000) != ""
    assert fault([OLD], headers, b"{} ", now_ms()) != ""


def test_a_file_has_one_secret_or_two(tmp_path):
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text(NEW.reveal() + "\n")
    assert secrets_in(str(path)) == (NEW,)
    path.write_text(f"{NEW.reveal()}\n{OLD.reveal()}\n")
    assert secrets_in(str(path)) == (NEW, OLD)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "secret\n",
        "whsec_\n",
        "whsec_ä\n",
        "whsec_AAAA\n",
        "whsec_" + "A" * 43 + "\n",
        "whsec_" + "A" * 100 + "\n",
        f"{OLD.reveal()}\n\n{NEW.reveal()}\n",
        f"{OLD.reveal()}\n" * 3,
    ],
)
def test_a_file_with_anything_else_is_refused_without_showing_it(tmp_path, content):
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(ConfigError) as refused:
        secrets_in(str(path))
    assert "AAAA" not in str(refused.value)


def test_a_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "secret"
    path.write_text(OLD.reveal())
    path.chmod(0o644)
    with pytest.raises(ConfigError):
        secrets_in(str(path))
