"""The file descriptors of a process: shared out, raised as far as possible, and logged when they do not suffice."""

import resource

import pytest

from chatd.http.tls import ACCEPTS
from chatd.server.descriptors import ADMIN_SOCKETS, FILES, OPS_SOCKETS, needed, raised, shared_out

WATCHERS_MAX = 64  # of console.watchers


@pytest.mark.parametrize("connections", [1, 7, 8, 100, 1000, 100_000, 10_000_000])
def test_what_is_needed_suffices_and_no_less(connections):
    assert shared_out(needed(connections)).connections >= connections
    assert shared_out(needed(connections) - 2).connections < connections or connections == 1


def test_what_does_not_suffice_is_said_with_the_way_out():
    usual = shared_out(1024)
    assert usual.connections + usual.http + FILES == 1024
    assert usual.shortage(usual.connections) == ""
    assert usual.shortage(5000) == (
        f"room for {usual.connections} of limits.connections = 5000, because this process may open 1024 files: "
        f"set LimitNOFILE={needed(5000)} or lower limits.connections"
    )


def test_spare_descriptors_are_enough_for_operations_administration_and_files():
    assert OPS_SOCKETS + ADMIN_SOCKETS + ACCEPTS + 40 + 2 * WATCHERS_MAX <= FILES


def test_no_address_has_more_than_its_share_nor_less_than_a_burst():
    assert shared_out(1_000_000).http_per_address == shared_out(1_000_000).http // 8
    assert shared_out(1024).http_per_address == 2 * ACCEPTS


def test_a_tiny_limit_still_leaves_one_of_each():
    assert (shared_out(10).connections, shared_out(10).http) == (1, 1)


class Limits:
    """getrlimit and setrlimit without a system."""

    def __init__(self, soft, hard):
        self.soft, self.hard = soft, hard

    def get(self, kind):
        return self.soft, self.hard

    def set(self, kind, limits):
        assert limits[1] == self.hard
        self.soft = limits[0]


ENDLESS = resource.RLIM_INFINITY


def test_a_sandbox_that_forbids_it_is_no_reason_not_to_start(monkeypatch):
    def forbidden(kind, limits):
        raise PermissionError

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1024, ENDLESS))
    monkeypatch.setattr(resource, "setrlimit", forbidden)
    assert raised(5000) == 1024


@pytest.mark.parametrize(
    ("soft", "hard", "gives"),
    [
        (1024, 4096, 4096),
        (1024, 1 << 20, 5000),
        (1024, ENDLESS, 5000),
        (8000, 1 << 20, 8000),
        (ENDLESS, ENDLESS, 5000),
        (1024, 1024, 1024),
    ],
)
def test_the_limit_is_raised_as_far_as_the_system_allows_and_never_lowered(monkeypatch, soft, hard, gives):
    limits = Limits(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    assert raised(5000) == gives
    assert limits.soft in (gives, soft)
