"""A client that knows nothing of governed groups keeps its place and its numbers (protocol.md, "Governed groups")."""

from chatd.client.core.changes import EventAdded
from chatd.client.core.replica import Owner
from chatd.client.core.timeline import Timeline
from tests.kit import document


def test_events_of_governed_groups_are_passed_over():
    (vector,) = [one for one in document.vectors() if "kinds of governed groups" in one.title]
    timeline = Timeline("room", Owner("me"))
    timeline.resume(0)
    first = {"seq": 1, "kind": "message", "user": "bob", "time": 1, "ordinal": 1, "body": {"text": "t"}}
    timeline.feed([first])
    # As a log without gaps has them.
    events = [{**event, "seq": seq} for seq, event in enumerate(vector.value["events"], 2)]
    assert timeline.feed(events) == [EventAdded("room", event) for event in events]
    last = {**first, "seq": len(events) + 2, "ordinal": 2}
    timeline.feed([last])
    assert [message.seq for message in timeline.between(1, 99)] == [1, last["seq"]]
    assert timeline.applied == last["seq"]
