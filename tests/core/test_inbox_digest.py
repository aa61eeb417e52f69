"""The digest of a list of rooms (protocol.md "The inbox")."""

from chatd.core.inbox_digest import ListedRoom, inbox_digest
from tests.kit import document


def test_a_digest_is_the_same_in_any_order_and_another_when_a_number_differs() -> None:
    first, second = ListedRoom("gA", 1, 1, 1, 0, 0, 1, 0), ListedRoom("gB", 9, 7, 5, 2, 1, 3, 1)
    assert inbox_digest([first, second]) == inbox_digest([second, first])
    for field in ListedRoom._fields[1:]:
        changed = second._replace(**{field: getattr(second, field) + 1})
        assert inbox_digest([first, changed]) != inbox_digest([first, second])


def test_the_document_has_the_digest_of_a_room():
    text = "g4fKz81QwXe2 1042 987 1040 2 0 1 0"
    room, *numbers = text.split()
    digest = inbox_digest([ListedRoom(room, *map(int, numbers))])
    assert f"`{text}` it is {digest}." in document.section("24.6.3").text
