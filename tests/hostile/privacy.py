"""Layer G in several steps: what a stranger learns about a user who never answered."""

from tests.hostile.attacked_daemon import AttackedDaemon
from tests.hostile.case import OWN, Scenarios
from tests.hostile.member_abuse import client
from tests.kit.client import TestClient

SCENARIOS = Scenarios()


@SCENARIOS(133, "writes to somebody, and watches whether they come, get it and read it")
async def stalks(attacked: AttackedDaemon) -> None:
    mallory, hermit = await client(attacked), await TestClient.connect(attacked.daemon.url, "hermit")
    await hermit.say_hello()
    room = await mallory.open_direct(hermit)
    sent = (await mallory.send(room, "I see you"))["seq"]
    watched = {"type": "watch", "users": ["hermit", "alice"]}
    assert (await mallory.request(watched))["users"] == [
        {"user": "hermit"},
        {"user": "alice", "state": "online"},
    ]
    await mallory.request({"type": "focus", "rooms": [room, attacked.names[OWN]]})
    await mallory.forget()
    await lives(attacked, hermit, room, sent)
    # Pushes about the hermit were sent before it.
    await mallory.receive("receipts", room=attacked.names[OWN])
    await mallory.receive("presence", users=[{"user": "alice", "state": "away"}])
    assert "hermit" not in repr(mallory.waiting())
    (focused,) = (await mallory.request({"type": "focus", "rooms": [room]}))["rooms"]
    readers = (await mallory.request({"type": "readers", "room": room, "seq": sent}))["readers"]
    assert ("receipts" in focused, [row["user"] for row in readers]) == (False, [])
    assert not {"peer_read", "peer_delivered"} & (await mallory.get_room(room)).keys()
    await answers(mallory, hermit, room, sent)
    await attacked.alice.request({"type": "mode", "mode": "foreground"})
    for spy in (mallory, hermit):
        await spy.hang_up()
    await attacked.alice.forget()


async def lives(attacked: AttackedDaemon, hermit: TestClient, room: str, sent: int) -> None:
    """Let the hermit receive, read and disconnect; alice does the same behind, and her receipts arrive."""
    for who, place, seq in (
        (hermit, room, sent),
        (
            attacked.alice,
            attacked.names[OWN],
            (await attacked.alice.send(attacked.names[OWN], "busy"))["seq"],
        ),
    ):
        await who.post({"type": "delivered", "rooms": [{"room": place, "seq": seq}]})
        await who.read(place, seq)
        await who.request({"type": "mode", "mode": "background"})


async def answers(mallory: TestClient, hermit: TestClient, room: str, sent: int) -> None:
    """Let the hermit answer: from then on both see each other, until one of them hides it."""
    await mallory.forget()
    await hermit.request({"type": "mode", "mode": "foreground"})
    await hermit.send(room, "who is this?")
    await mallory.receive("presence", users=[{"user": "hermit", "state": "online"}])
    assert (await mallory.receive("room"))["summary"]["peer_read"] == sent
    assert (await hermit.request({"type": "watch", "users": ["mallory"]}))["users"][0]["state"] == "online"
    await hermit.request({"type": "preferences", "presence": False})
    # A change of before may come once more: presence is told in intervals.
    await mallory.receive("presence", users=[{"user": "hermit"}])
    await hermit.receive("presence", users=[{"user": "mallory"}])
    await mallory.forget()
    await hermit.request({"type": "preferences", "presence": True})
    await mallory.receive("presence", users=[{"user": "hermit", "state": "online"}])
