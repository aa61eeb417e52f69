import pytest

from chatd.core.visibility import marks_shown


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
