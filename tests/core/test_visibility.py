import pytest

from chatd.core.visibility import marks_shown, text_of
from chatd.protocol.messages import Body, Event


@pytest.mark.parametrize(
    ("shown_to", "direct", "group"),
    [
        ("known", [False, False, False, True], True),
        ("members", [True, True, True, True], True),
        ("nobody", [False, False, False, False], False),
    ],
)
def test_marks_are_shown_to_whom_the_operator_says(shown_to, direct, group):
    """In a direct room by who has written there: nobody, one, the other, both."""
    assert [marks_shown(shown_to, direct=True, written=written) for written in range(4)] == direct
    assert marks_shown(shown_to, direct=False, written=0) == group


@pytest.mark.parametrize(("kind", "target"), [("edit", 7), ("recall", None), ("reaction", None)])
def test_an_edit_carries_the_text_of_its_message_and_no_other_operation_does(kind, target):
    assert text_of(Event(seq=9, kind=kind, target=7, body=Body(text="x"))) == target
