"""Layer G in several steps: what a stranger finds out about somebody who never answered."""

from tests.hostile.case import OWN, Stories
from tests.hostile.conduct import phone
from tests.hostile.siege import Siege
from tests.kit.phone import Phone

STORIES = Stories()


@STORIES(133, "writes to somebody, and watches whether they come, get it and read it")
async def stalks(siege: Siege) -> None:
    mallory, hermit = await phone(siege), await Phone.connect(siege.daemon.url, "hermit")
    await hermit.says_hello()
    room = await mallory.opens_direct(hermit)
    sent = (await mallory.sends(room, "I see you"))["seq"]
    watched = {"type": "watch", "users": ["hermit", "alice"]}
    assert (await mallory.asks(watched))["users"] == [
        {"user": "hermit"},
        {"user": "alice", "state": "online"},
    ]
    await mallory.asks({"type": "focus", "rooms": [room, siege.names[OWN]]})
    await mallory.forgets()
    await lives(siege, hermit, room, sent)
    await mallory.receives("receipts", room=siege.names[OWN])  # what the hermit did came before
    await mallory.receives("presence", users=[{"user": "alice", "state": "away"}])
    assert "hermit" not in repr(mallory.waiting())
    (focused,) = (await mallory.asks({"type": "focus", "rooms": [room]}))["rooms"]
    readers = (await mallory.asks({"type": "readers", "room": room, "seq": sent}))["readers"]
    assert ("receipts" in focused, [row["user"] for row in readers]) == (False, [])
    assert not {"peer_read", "peer_delivered"} & (await mallory.gets(room)).keys()
    await answers(mallory, hermit, room, sent)
    await siege.alice.asks({"type": "mode", "mode": "foreground"})
    for spy in (mallory, hermit):
        await spy.hangs_up()
    await siege.alice.forgets()


async def lives(siege: Siege, hermit: Phone, room: str, sent: int) -> None:
    """The hermit gets it, reads it and puts the phone away; alice does the same behind, and that is heard."""
    for who, place, seq in (
        (hermit, room, sent),
        (siege.alice, siege.names[OWN], (await siege.alice.sends(siege.names[OWN], "busy"))["seq"]),
    ):
        await who.posts({"type": "delivered", "rooms": [{"room": place, "seq": seq}]})
        await who.reads(place, seq)
        await who.asks({"type": "mode", "mode": "background"})


async def answers(mallory: Phone, hermit: Phone, room: str, sent: int) -> None:
    """From the answer on both see each other, until one of them does not want to."""
    await mallory.forgets()
    await hermit.asks({"type": "mode", "mode": "foreground"})
    await hermit.sends(room, "who is this?")
    assert (await mallory.receives("presence"))["users"] == [{"user": "hermit", "state": "online"}]
    assert (await mallory.receives("room"))["summary"]["peer_read"] == sent
    assert (await hermit.asks({"type": "watch", "users": ["mallory"]}))["users"][0]["state"] == "online"
    await hermit.asks({"type": "preferences", "presence": False})
    assert (await mallory.receives("presence"))["users"] == [{"user": "hermit"}]
    assert (await hermit.receives("presence"))["users"] == [{"user": "mallory"}]
    await hermit.asks({"type": "preferences", "presence": True})
    assert (await mallory.receives("presence"))["users"] == [{"user": "hermit", "state": "online"}]
