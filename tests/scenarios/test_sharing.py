"""protocol.md "Sharing": cards and forwards over real sockets, in both encodings, on several devices."""

from tests.kit.client import fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon

CARD = {"type": "place", "title": "Café", "lat": 481_370_000, "lon": -1_153_400_000}


async def test_s30_a_forward_is_the_same_for_everybody_and_after_a_restart(
    daemon: RunningDaemon, clients: Clients
) -> None:
    source, (alice, bob) = await clients.in_group("alice", "bob")
    tablet = await clients.connect("bob", encoding="json")
    target = await bob.create_group("elsewhere", "cat")
    cat = await clients.connect("cat", encoding="json")
    plain = (await alice.send(source, "Hi @bob", body={"text": "Hi @bob", "mentions": ["bob"]}))["seq"]
    place = (await alice.send(source, "", body={"text": "[Place] Café", "card": CARD}))["seq"]
    key = fresh_key()
    asked = {
        "type": "forward",
        "room": target,
        "key": key,
        "from": source,
        "seqs": [place, plain],
        "credit": True,
    }
    done = await bob.request(asked)
    last = done["seqs"][-1]
    pushed = await bob.collect_until(target, last)
    assert [done["event"]["seq"], *(event["seq"] for event in pushed if event["kind"] == "message")] == done[
        "seqs"
    ]
    logs = [await one.read_log(target, done["seq"]) for one in (bob, tablet, cat)]
    assert logs[0] == logs[1] == logs[2]
    first, second = logs[0]
    times = {event["seq"]: event["time"] for event in await bob.read_log(source)}
    assert first["body"] == {
        "text": "[Place] Café", "card": CARD, "forwarded": {"user": "alice", "time": times[place]},
    }  # fmt: skip
    assert second["body"] == {"text": "Hi @bob", "forwarded": {"user": "alice", "time": times[plain]}}
    summary = await cat.get_room(target)
    assert (summary["unread"], summary.get("unread_mentions", 0)) == (2, 0)
    await alice.recall(source, place)
    await daemon.restart()
    clients.url = daemon.url
    again, _ = await clients.reconnect(bob)
    repeated = await again.request(asked)
    assert {**repeated, "id": 0} == {**done, "id": 0, "duplicate": True}
    assert await again.read_log(target, done["seq"]) == logs[0]
