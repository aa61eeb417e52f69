import base64
from pathlib import Path

import pytest

from chatd.config.hooks import BeforeHook, Endpoint, Hooks
from chatd.config.model import Config
from chatd.webhooks.settings import hook_problems, receivers_of


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    path = tmp_path / "hook.secret"
    path.touch(0o600)
    path.write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    return str(path)


def config(secret_file, url="https://example.org/", **more):
    return Config(hooks=Hooks(endpoints=(Endpoint(name="a", url=url, secret_file=secret_file, **more),)))


def said(config):
    return [f"{problem.what} {problem.fix}" for problem in hook_problems(config)]


@pytest.mark.parametrize(
    "url", ["https://example.org/", "http://backend:8080/x", "http://10.0.0.1/", "http://[::1]:80/"]
)
def test_hooks_that_can_be_used_have_no_problem(secret_file, url):
    assert said(config(secret_file, url)) == []
    [receiver] = receivers_of(config(secret_file, url))
    assert len(receiver.secrets) == 1


@pytest.mark.parametrize(
    ("url", "more", "says"),
    [
        ("https://host:0/", {}, "a URL has"),
        ("http://8.8.8.8/", {}, "the address of the host is not"),
        ("https://169.254.169.254/", {}, "the address of the host is not"),
        ("https://example.org/", {"types": ("mesage",)}, "Change the types of a"),
    ],
)
def test_what_cannot_be_used_is_told_before_the_start(secret_file, url, more, says):
    [problem] = said(config(secret_file, url, **more))
    assert says in problem


def test_a_secret_that_is_missing_is_told_before_the_start(tmp_path):
    judge = BeforeHook(on=("message",), url="https://example.org/", secret_file=str(tmp_path / "none"))
    [problem] = said(Config(hooks=Hooks(before=(judge,))))
    assert "cannot be opened" in problem
