import pytest
from msgspec import UNSET

from chatd.core.room import Room
from chatd.protocol.errors import Refused
from chatd.protocol.groups import Policy
from chatd.protocol.members import MembersRemove, RoomJoin
from chatd.protocol.messages import Body, Recall, Send
from chatd.protocol.rooms import RoomDelete, RoomUpdate
from tests.core.test_channels import RULES, channel, keyed
from tests.kit.memory_writer import MemoryWriter, group

CHANNEL, GROUP, OTHER, OF_BOB, NEWS = 1, 2, 3, 4, 5


def linked() -> MemoryWriter:
    """Return a writer whose channel, with three events, has a group with five. Ann owns all rooms but one of Bob."""
    rooms = [
        channel(CHANNEL, ann="owner", eve="admin", bob="member"),
        *(group(number, ann="owner", eve="admin") for number in (GROUP, OTHER)),
        group(OF_BOB, bob="owner", ann="member"),
        channel(NEWS, ann="owner"),
    ]
    rooms[0].seq, rooms[1].seq = 2, 4
    writer = MemoryWriter(*rooms, rules=RULES)
    link(writer, GROUP)
    return writer


def link(writer: MemoryWriter, number: int, user: str = "ann", of: int = CHANNEL) -> None:
    name = writer.room(number).name if number else ""
    writer.ask(user, keyed(RoomUpdate, writer.room(of), key=f"{user}-{of}-to-{number}", comments=name))


def sides(writer: MemoryWriter, *numbers: int) -> list[str]:
    """Return the name in the details of each room."""
    rooms = [writer.room(number) for number in numbers]
    return [room.details.comments or room.details.channel for room in rooms]


def test_a_link_is_on_both_sides_or_on_none():
    writer = linked()
    name = writer.room(CHANNEL).name
    assert sides(writer, CHANNEL, GROUP, OTHER) == [writer.room(GROUP).name, name, ""]
    link(writer, OTHER)
    assert sides(writer, CHANNEL, GROUP, OTHER) == [writer.room(OTHER).name, "", name]
    writer.decide([("ann", keyed(RoomUpdate, writer.room(CHANNEL), comments=""))])
    assert sides(writer, CHANNEL, GROUP, OTHER) == ["", "", ""]
    writer.writes.rollback()
    assert sides(writer, CHANNEL, GROUP, OTHER) == [writer.room(OTHER).name, "", name]


def test_a_group_that_had_comments_has_those_of_no_other_channel():
    """Its comments name posts by their numbers, which another channel has, too."""
    writer = linked()
    link(writer, 0)
    with pytest.raises(Refused) as refused:
        link(writer, GROUP, of=NEWS)
    assert refused.value.code == "conflict"
    writer.ask("ann", keyed(RoomUpdate, writer.room(CHANNEL), key="again", comments=writer.room(GROUP).name))
    assert sides(writer, CHANNEL, GROUP) == [writer.room(GROUP).name, writer.room(CHANNEL).name]


@pytest.mark.parametrize(
    ("user", "of", "number", "code"),
    [
        ("eve", CHANNEL, OTHER, "forbidden"),
        ("eve", CHANNEL, 0, "forbidden"),
        ("bob", CHANNEL, OF_BOB, "forbidden"),
        ("ann", CHANNEL, OF_BOB, "forbidden"),
        ("ann", CHANNEL, NEWS, "bad_request"),
        ("ann", OTHER, GROUP, "bad_request"),
        ("ann", NEWS, GROUP, "conflict"),
    ],
)
def test_who_owns_both_rooms_links_a_channel_to_a_group_of_no_other(user, of, number, code):
    writer = linked()
    before = sides(writer, CHANNEL, GROUP, OTHER, NEWS)
    with pytest.raises(Refused) as refused:
        link(writer, number, user, of)
    assert refused.value.code == code
    assert sides(writer, CHANNEL, GROUP, OTHER, NEWS) == before


@pytest.mark.parametrize("gone", [CHANNEL, GROUP])
def test_the_other_room_is_linked_no_more_when_one_is_deleted(gone):
    writer = linked()
    other = GROUP if gone == CHANNEL else CHANNEL
    writer.ask("ann", keyed(RoomDelete, writer.room(gone)))
    assert sides(writer, other) == [""]


@pytest.mark.parametrize(
    ("number", "post", "refused"),
    [(GROUP, 3, False), (GROUP, 4, True), (OTHER, 1, True), (CHANNEL, 1, True)],
)
def test_a_comment_is_on_a_post_of_the_channel_of_its_group(number, post, refused):
    writer = linked()
    assert writer.room(CHANNEL).seq == 3
    sent = keyed(Send, writer.room(number), body=Body(text="hi"), post=post)
    if refused:
        with pytest.raises(Refused) as error:
            writer.ask("ann", sent)
        assert (error.value.code, error.value.field) == ("not_found", "post")
    else:
        writer.ask("ann", sent)
        assert [step.event.post for step in events(writer, number)] == [post]


def events(writer: MemoryWriter, number: int) -> list:
    return list(writer.writes.steps[number])


def test_followers_enter_a_closed_group_and_see_all_of_it():
    writer = linked()
    room: Room = writer.room(GROUP)
    assert room.details.policy == Policy()
    with pytest.raises(Refused):
        writer.ask("stranger", keyed(RoomJoin, room))
    writer.ask("bob", keyed(RoomJoin, room))
    assert (room.members["bob"].first_visible, room.members["bob"].unread(room.ordinal)) == (1, 0)
    writer.ask("ann", keyed(MembersRemove, room, key="ban-" + "k" * 8, users=["bob"], ban=True, until=UNSET))
    with pytest.raises(Refused):
        writer.ask("bob", keyed(RoomJoin, room, key="again" + "k" * 8))


def test_a_recalled_comment_keeps_its_post_for_readers_of_the_log():
    writer = linked()
    writer.ask("ann", keyed(Send, writer.room(GROUP), body=Body(text="hi"), post=2))
    seq = writer.room(GROUP).seq
    writer.ask("ann", keyed(Recall, writer.room(GROUP), key="r" * 22, target=seq))
    message = writer.writes.messages[GROUP, seq].event
    assert (message.post, message.body) == (2, UNSET)
