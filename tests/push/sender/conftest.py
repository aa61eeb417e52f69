"""Trust in the authority of a test, for clients made by the sender, and both event loops for what has connections."""

import pytest

from chatd.egress.client import trusted_certificates
from chatd.push.sender.http2 import http2_context
from tests.kit.loops import Loops, loops_of
from tests.kit.push_services.authority import Authority


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """The authority of this test, which the sender trusts as it does those of the system."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    for cached in (http2_context, trusted_certificates):
        cached.cache_clear()
    yield made
    for cached in (http2_context, trusted_certificates):
        cached.cache_clear()


def pytest_asyncio_loop_factories(item) -> Loops:
    return loops_of(item, {"test_http2"})
