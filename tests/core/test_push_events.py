"""The event that a notification is about: two looks at the same events, one for a room and one for a device."""

from hypothesis import given
from hypothesis import strategies as st

from chatd.core.push_events import Choice, PlannedEvents, PushEvent, choose
from chatd.protocol.messages import EVERYBODY

USERS = ("alice", "bob", "carol")
SOME = st.lists(st.sampled_from(USERS), max_size=2, unique=True).map(tuple)


def said(seq: int, author: str = "alice", *mentions: str, **changed: object) -> PushEvent:
    return PushEvent(seq, "message", author, 1000 * seq, seq, mentions)._replace(**changed)  # type: ignore[arg-type]


def test_who_is_named_is_told_of_that_before_newer_messages() -> None:
    events = [said(1, "alice", "bob"), said(2, "alice", EVERYBODY), said(3)]
    assert choose(events, "bob", 0) == Choice(events[0], 3, 2)
    assert choose(events, "carol", 0) == Choice(events[1], 3, 1)
    assert choose(events, "bob", 1) == Choice(events[1], 2, 1)
    assert [event.seq for event in PlannedEvents(events).of("bob")] == [1, 2, 3]


def test_nobody_is_told_of_what_does_not_concern_them() -> None:
    ignored, recalled = said(2, ignored=("bob",)), said(3, is_recalled=True)
    events = [said(1, "bob"), ignored, recalled]
    assert choose(events, "bob", 0) is None
    assert list(PlannedEvents(events).of("bob")) == []
    assert [event.seq for event in PlannedEvents(events).of("carol")] == [2]


def test_reactions_are_for_those_they_are_about() -> None:
    events = [
        said(2, "carol", topic="reaction", users=("bob",), emoji="👍"),
        said(3, "alice", topic="reaction", users=("bob",), emoji="👎"),
    ]
    planned = PlannedEvents(events)
    assert [event.seq for event in planned.of("bob")] == [3]
    assert list(planned.of("carol")) == list(planned.of("alice")) == []
    assert planned.named == ["bob"]
    assert planned.messages == []


@given(
    st.lists(
        st.builds(
            said,
            st.just(0),
            st.sampled_from(USERS),
            mentions=st.one_of(SOME, st.just((EVERYBODY,))),
            ignored=SOME,
            is_recalled=st.booleans(),
        ),
        max_size=12,
    )
)
def test_the_plan_begins_with_what_a_look_would_choose(events: list[PushEvent]) -> None:
    numbered = [event._replace(seq=seq) for seq, event in enumerate(events, 1)]
    planned = PlannedEvents(numbered)
    for user in USERS:
        offered, choice = list(planned.of(user)), choose(numbered, user, 0)
        assert (choice is None) == (not offered)
        if choice is not None:
            assert offered[0] == choice.event
            assert max(offered, key=lambda event: event.seq).seq == max(
                event.seq for event in numbered if event.concerns(user)
            )
