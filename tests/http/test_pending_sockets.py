"""Sockets that are no connection yet: the one that is closed when there are too many."""

import pytest

from chatd.http.pending_sockets import PendingSockets


class Socket:
    """A socket that notes whether it was cut."""

    cut = False

    def abort(self):
        self.cut = True


def places(pending_sockets, *addresses):
    sockets = [Socket() for _ in addresses]
    for socket, address in zip(sockets, addresses, strict=True):
        pending_sockets.enter(socket, (address, 1))
    return sockets


def cut(sockets):
    return [socket.cut for socket in sockets]


def test_the_oldest_of_all_goes_when_there_are_too_many():
    reasons = []
    sockets = places(PendingSockets(2, cut=reasons.append), "192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert cut(sockets) == [True, False, False]
    assert reasons == ["all"]


@pytest.mark.parametrize("many", [["192.0.2.1"] * 3, [f"2001:db8::{number}" for number in range(3)]])
def test_the_oldest_of_an_address_goes_when_that_has_too_many(many):
    reasons = []
    sockets = places(PendingSockets(100, 2, cut=reasons.append), "192.0.2.9", *many, "2001:db8:0:1::")
    assert cut(sockets) == [False, True, False, False, False]
    assert reasons == ["address"]


def test_trusted_proxies_and_unix_sockets_stand_for_many():
    pending_sockets = PendingSockets(100, 1, shared=lambda peer: peer == "192.0.2.1")
    assert not any(cut(places(pending_sockets, *["192.0.2.1"] * 9)))
    unix = [Socket() for _ in range(9)]
    for socket in unix:
        pending_sockets.enter(socket, "")
    assert not any(cut(unix))


def test_who_left_makes_room_and_leaves_nothing():
    pending_sockets = PendingSockets(2, 2)
    sockets = places(pending_sockets, "192.0.2.1", "192.0.2.1")
    for socket in (*sockets, *sockets):
        pending_sockets.leave(socket)
    assert len(pending_sockets) == 0
    assert not pending_sockets._of
    assert not any(cut(places(pending_sockets, "192.0.2.1", "192.0.2.1")))
