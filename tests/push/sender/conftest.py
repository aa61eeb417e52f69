"""Trust in the authority of a test, for clients made by the sender, and both event loops for what has connections."""

import pytest

from tests.kit.loops import Loops, loops_of
from tests.kit.push_services.authority import Authority
from tests.kit.push_services.sending import trusting


@pytest.fixture
def trusted(tmp_path):
    """The authority of this test, which the sender trusts as it does those of the system."""
    made = Authority(tmp_path)
    with trusting(made):
        yield made


def pytest_asyncio_loop_factories(item) -> Loops:
    return loops_of(item, {"test_http2"})
