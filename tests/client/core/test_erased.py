"""An `erased` empties what a client keeps of a person (protocol.md, "Erased people"); vectors R56 and R57 have more."""

from chatd.client.core.changes import EventAdded
from chatd.client.core.replica import Owner
from chatd.client.core.timeline import Timeline


def text(seq, user="bob"):
    return {"seq": seq, "kind": "message", "user": user, "time": seq, "body": {"text": "t"}}


def erased(seq, **more):
    return {"seq": seq, "kind": "erased", "user": "bob", "time": seq, **more}


def started():
    timeline = Timeline("room", Owner("me"))
    timeline.resume(0)
    return timeline


def test_an_erased_person_keeps_no_text_and_others_keep_theirs():
    timeline = started()
    timeline.feed([text(1), text(2, user="ann"), text(3), text(4)])
    changes = timeline.feed([erased(5, **{"from": 2, "to": 3})])
    assert changes[0] == EventAdded("room", erased(5, **{"from": 2, "to": 3}))
    assert [change.message.seq for change in changes[1:]] == [3]
    assert [message.recalled for message in timeline.between(1, 4)] == [False, False, True, False]
    timeline.feed([erased(6)])
    # A reaction that an erased person had logged.
    assert timeline.feed([erased(7, **{"from": 7})]) == []
    assert [(message.recalled, message.changed) for message in timeline.between(1, 4)] == [
        (True, 6), (False, 0), (True, 6), (True, 6),
    ]  # fmt: skip
    assert [message.text for message in timeline.between(1, 4)] == ["", "t", "", ""]
