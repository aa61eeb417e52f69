"""The limits of an address: an IPv6 customer is one, and so, at sixteen times the rate, is its site."""

import pytest

from chatd.config.model import Limits
from chatd.config.rates import Rates
from chatd.protocol.errors import Refused
from chatd.session.rate_limits import SITE_ADDRESSES, RateLimits
from chatd.telemetry.counters import Counters
from chatd.websocket.admission import Admission
from tests.kit.env import ManualEnv

RATES = Rates(hello_address_per_min=3, login_address_per_min=3, login_user_per_min=1_000_000)


@pytest.fixture
def rate_limits() -> RateLimits:
    return RateLimits(RATES, ManualEnv(), Counters(), Admission(Limits()))


def allowed(take, addresses) -> int:
    """How many of these addresses were let through; the rest were refused."""
    count = 0
    for address in addresses:
        try:
            take(address)
        except Refused:
            continue
        count += 1
    return count


@pytest.fixture(params=["hello", "login"])
def take(request, rate_limits):
    def hello(address):
        if (refusal := rate_limits.take_hello(address)) is not None:
            raise refusal

    return hello if request.param == "hello" else lambda address: rate_limits.allow_login(address, "ann")


def test_ipv4_is_counted_by_address(take):
    assert allowed(take, ["192.0.2.1"] * 5 + ["192.0.2.2"] * 5) == 6


def test_ipv6_is_counted_by_customer(take):
    assert allowed(take, [f"2001:db8::{number:x}" for number in range(50)]) == 3
    assert allowed(take, ["2001:db8:0:1::1"] * 5) == 3


def test_a_site_of_ipv6_has_the_rate_of_sixteen_customers(take):
    assert allowed(take, [f"2001:db8:7:{number:x}::1" for number in range(1000)]) == 3 * SITE_ADDRESSES
    assert allowed(take, ["2001:db8:8::1"] * 5) == 3
