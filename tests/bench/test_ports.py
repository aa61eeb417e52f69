"""Ports of what the bench and the tests start."""

import socket

import pytest

from bench import machine


def test_nobody_else_is_given_one_by_the_kernel():
    first, last = machine.handed_out()
    with socket.create_server(("127.0.0.1", 0)) as given:
        assert first <= given.getsockname()[1] <= last
    assert not any(first <= port <= last for port in machine.free_ports(20))


def test_they_differ_and_can_be_listened_on():
    found = machine.free_ports(20)
    assert len(set(found)) == 20
    for port in found:
        socket.create_server(("127.0.0.1", port)).close()


def test_one_that_is_taken_is_not_given(monkeypatch):
    taken, free = machine.free_ports(2)
    monkeypatch.setattr(machine, "_ours", lambda: [taken, free])
    with socket.create_server(("127.0.0.1", taken)):
        assert machine.free_ports(1) == [free]
        with pytest.raises(OSError, match="no 2 free ports"):
            machine.free_ports(2)


def test_where_the_system_does_not_tell_the_usual_range_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "RANGE", tmp_path / "nothing")
    assert machine.handed_out() == machine.USUAL_RANGE
