"""Objects of groups and the inbox, and the digest of a list of rooms."""

from chatd.client.core.conversations import (
    Invite,
    Join,
    Member,
    RoomCard,
    digest_of,
    join_from,
    member_from,
    ranges_of,
)


def test_the_digest_is_that_of_the_document():
    room = ("g4fKz81QwXe2", 1042, 987, 1040, 2, 0, 1, 0)
    assert digest_of([room]) == 28298330259317
    assert digest_of([room] * 11) == 11 * 28298330259317 % 2**48 != 11 * 28298330259317
    assert digest_of([]) == 0


def test_numbers_become_ranges():
    assert ranges_of([5, 3, 9, 4, 3]) == [(3, 5), (9, 9)]
    assert ranges_of([]) == []


def test_unknown_keys_are_ignored_and_absent_ones_have_their_default():
    invite = {"invite": "i", "by": "", "created_at": 1, "expires_at": 2, "colour": "red"}
    assert Invite.from_packet(invite) == Invite("i", "", 1, 2)
    row = {
        "room": "r",
        "user": "u7",
        "kind": "offered",
        "time": 3,
        "card": {"title": "Bikes", "colour": "red"},
    }
    assert join_from(row) == Join("r", "u7", "offered", time=3, card=RoomCard(title="Bikes"))
    assert member_from({"user": "u7", "role": "king", "nickname": "Bo"}) == Member(
        "u7", "member", nickname="Bo"
    )
