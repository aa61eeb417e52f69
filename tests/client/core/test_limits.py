"""The limits of the server."""

from chatd.client.core.limits import Limits


def test_limits_the_server_does_not_name_keep_their_default():
    assert Limits.from_packet({"batch": 8}) == Limits(batch=8)


def test_a_limit_of_the_future_is_ignored():
    assert Limits.from_packet({"moons": 3}) == Limits()
