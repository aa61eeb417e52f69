import pytest

from chatd.core.write_set import WriteSet
from chatd.telemetry.counters import Counters
from chatd.telemetry.logs import defects_counted
from chatd.writer.commit_hooks import Subscribers
from tests.kit.inprocess import new_key


@pytest.fixture
def called():
    return []


def noting(called, name):
    return lambda writes: called.append(name)


def failing(writes):
    raise ZeroDivisionError


def test_subscribers_are_called_in_the_order_they_came(called):
    hooks = Subscribers(noting(called, "first"), noting(called, "second"))
    hooks.subscribe(noting(called, "third"))
    hooks(WriteSet(now=1, stamp=1))
    assert called == ["first", "second", "third"]


def test_one_that_fails_is_logged_and_counted_and_hurts_no_other(called, caplog):
    hooks, counters = Subscribers(failing, noting(called, "second")), Counters()
    with defects_counted(counters):
        hooks(WriteSet(now=1, stamp=7))
    assert (called, counters.defects) == (["second"], 1)
    assert "commit 7" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_memory_is_in_step_before_anything_is_published_and_connections_come_first(server, called):
    ann = await server.connect("ann")

    def noting_what_ann_received(moment):
        return lambda writes: called.append((moment, [packet["type"] for packet in ann.wire.packets[1:]]))

    server.app.hooks.committed.subscribe(noting_what_ann_received("committed"))
    server.app.hooks.published.subscribe(noting_what_ann_received("published"))
    await ann.create_group()
    assert called == [("committed", []), ("published", ["room", "ok"])]


async def test_whatever_fails_after_a_commit_what_was_asked_is_answered_and_stored(server):
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = await ann.create_group("bob")
    bob.wire.take()
    for hooks in (server.app.hooks.committed, server.app.hooks.published):
        hooks._hooks = (failing, *hooks._hooks)
    sent = await ann.send(room)
    (push,) = bob.take("event")
    assert push["events"][0]["seq"] == sent["seq"]
    later = await ann.request(type="log", room=room, **{"from": sent["seq"]})
    assert [event["seq"] for event in later["events"]] == [sent["seq"]]
    assert (await ann.request(type="room.leave", room=room, key=new_key()))["type"] == "ok"
