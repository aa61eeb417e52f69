"""The check before all reading commands goes by durable state."""

import pytest

from chatd.protocol.errors import Unavailable
from tests.kit.inprocess import new_key
from tests.kit.waiting import nothing_is_ready

CHANGES = [  # of bob's place: who asks what, and whether bob was a member before
    ("bob", {"type": "room.leave"}, True),
    ("ann", {"type": "members.remove", "users": ["bob"]}, True),
    ("ann", {"type": "room.delete"}, True),
    ("bob", {"type": "room.join"}, False),
    ("ann", {"type": "members.add", "users": ["bob"]}, False),
]


@pytest.mark.parametrize(("who", "change", "member"), CHANGES)
@pytest.mark.parametrize("stored", [True, False])
async def test_who_comes_or_goes_is_answered_when_that_is_on_the_disk(server, who, change, member, stored):
    people = {user: await server.connect(user) for user in ("ann", "bob")}
    room = await people["ann"].create_group(*["bob"] * member, public=True)
    hold = server.store.hold("commit")
    if not stored:
        server.store.fail("commit", Unavailable("overloaded"))
    people[who].send_request(**change, room=room, key=new_key())
    await hold.reached.wait()
    bob = people["bob"]
    ids = [
        bob.send_request(type="log", room=room, **{"from": 1}),
        bob.send_request(type="room.get", room=room),
        bob.send_request(type="members.list", room=room),
    ]
    await nothing_is_ready()
    assert [packet for packet in bob.wire.packets if packet.get("id") in ids] == []
    hold.release()
    await server.wait_idle()
    assert {bob.reply(id)["type"] for id in ids} == {"ok" if member != stored else "error"}
