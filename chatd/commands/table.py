"""The command table: the handler of each request, the word its token must allow, and the rates it counts against.

A new command needs a struct in its chapter of protocol/, a function, a row here, a chapter in protocol.md, and a
scenario. A test fails when one is missing.
"""

from chatd.commands import (
    bots,
    connection,
    discovery,
    files,
    history,
    inbox,
    joining,
    members,
    presence,
    profiles,
    push,
    search,
    sync,
    users,
)
from chatd.commands.context import Command, for_members
from chatd.protocol.bots import BotsGet
from chatd.protocol.connection import Auth, Ping, Pong, SetMode
from chatd.protocol.discovery import RoomsFind
from chatd.protocol.drafts import Draft, Schedule
from chatd.protocol.envelope import Request
from chatd.protocol.friends import (
    CircleDelete,
    CircleSet,
    ContactSet,
    FriendAccept,
    FriendCancel,
    FriendDecline,
    FriendRemove,
    FriendRequest,
)
from chatd.protocol.groups import Announce, MembersGet, MembersNickname, MembersSilence, MembersUnban
from chatd.protocol.history import Changes, Comments, History, Log, Messages
from chatd.protocol.inbox import Clear, Delete, Reads, Unread, Verify
from chatd.protocol.joining import (
    InvitesCreate,
    InvitesList,
    InvitesLook,
    InvitesRevoke,
    InvitesUse,
    JoinsDecide,
    JoinsList,
)
from chatd.protocol.media import FileLink, FileList, Played, StickerList
from chatd.protocol.members import MembersAdd, MembersList, MembersRemove, MembersRole, RoomJoin, RoomLeave
from chatd.protocol.messages import Edit, Forward, Pin, React, Recall, Send
from chatd.protocol.moderation import Report
from chatd.protocol.presence import Focus, Typing, Watch
from chatd.protocol.privacy import PrivacySet
from chatd.protocol.push import DevicesPush, PushDecisions, PushTest
from chatd.protocol.read_state import Delivered, Read, Readers
from chatd.protocol.rooms import (
    Preferences,
    RoomAccept,
    RoomCreate,
    RoomDecline,
    RoomDelete,
    RoomDirect,
    RoomGet,
    RoomUpdate,
)
from chatd.protocol.search import Search
from chatd.protocol.sync import Sync
from chatd.protocol.users import DevicesList, DevicesRemove, ProfileSet, UsersFind, UsersGet

WRITER = None

COMMANDS: dict[type[Request], Command] = {
    Auth: Command(connection.auth, allow=""),
    SetMode: Command(connection.mode, allow=""),
    Ping: Command(connection.ping, allow=""),
    Pong: Command(connection.pong, allow=""),
    Sync: Command(sync.sync),
    Log: Command(for_members(history.log)),
    History: Command(for_members(history.history)),
    Changes: Command(for_members(history.changes)),
    Messages: Command(for_members(history.messages)),
    Comments: Command(for_members(history.comments)),
    Send: Command(WRITER, allow="send", writes=True),
    Edit: Command(WRITER, allow="send", writes=True),
    Recall: Command(WRITER, allow="send", writes=True),
    React: Command(WRITER, allow="send", writes=True),
    Pin: Command(WRITER, allow="send", writes=True),
    Forward: Command(WRITER, allow="send", writes=True),
    Read: Command(WRITER),
    Delivered: Command(WRITER),
    Readers: Command(for_members(presence.readers)),
    Focus: Command(presence.focus),
    Typing: Command(presence.typing, allow="send", own="typing"),
    Watch: Command(presence.watch),
    RoomCreate: Command(WRITER, allow="create", writes=True),
    RoomDirect: Command(WRITER, allow="create", writes=True),
    RoomGet: Command(WRITER),
    RoomAccept: Command(WRITER, own="people", feature="people"),
    RoomDecline: Command(WRITER, own="people", feature="people"),
    PrivacySet: Command(WRITER, own="people", feature="people"),
    RoomUpdate: Command(WRITER, allow="create", writes=True),
    RoomDelete: Command(WRITER, allow="create", writes=True),
    RoomJoin: Command(WRITER, allow="create", writes=True),
    RoomLeave: Command(WRITER, allow="create", writes=True),
    RoomsFind: Command(discovery.find, own="search", feature="discovery"),
    MembersList: Command(for_members(members.members)),
    MembersGet: Command(for_members(members.get)),
    MembersAdd: Command(WRITER, allow="create", writes=True),
    MembersRemove: Command(WRITER, allow="create", writes=True),
    MembersRole: Command(WRITER, allow="create", writes=True),
    InvitesCreate: Command(WRITER, allow="create", writes=True),
    InvitesList: Command(for_members(joining.invites)),
    InvitesRevoke: Command(WRITER, allow="create", writes=True),
    InvitesLook: Command(WRITER, own="invites"),
    InvitesUse: Command(WRITER, allow="create", own="invites"),
    JoinsList: Command(for_members(joining.joins)),
    JoinsDecide: Command(WRITER, allow="create", writes=True),
    MembersUnban: Command(WRITER, allow="create", writes=True),
    MembersSilence: Command(WRITER, allow="create", writes=True),
    MembersNickname: Command(WRITER, allow="send", writes=True),
    Announce: Command(WRITER, allow="send", writes=True),
    Preferences: Command(WRITER, own="writes"),
    Delete: Command(WRITER, own="writes"),
    Clear: Command(WRITER, own="writes"),
    Draft: Command(WRITER, own="writes"),
    Schedule: Command(WRITER, allow="send", own="writes"),
    ProfileSet: Command(WRITER, allow="send", own="people", feature="people"),
    UsersFind: Command(profiles.find, feature="people"),
    UsersGet: Command(profiles.get),
    DevicesPush: Command(push.register, own="writes", feature="push"),
    DevicesList: Command(users.devices),
    DevicesRemove: Command(WRITER, own="writes"),
    FriendRequest: Command(WRITER, allow="send", own="people", feature="people"),
    FriendAccept: Command(WRITER, allow="send", own="people", feature="people"),
    FriendDecline: Command(WRITER, allow="send", own="people", feature="people"),
    FriendCancel: Command(WRITER, allow="send", own="people", feature="people"),
    FriendRemove: Command(WRITER, allow="send", own="people", feature="people"),
    ContactSet: Command(WRITER, own="people", feature="people"),
    CircleSet: Command(WRITER, own="people", feature="people"),
    CircleDelete: Command(WRITER, own="people", feature="people"),
    Report: Command(WRITER, own="writes", feature="reports"),
    BotsGet: Command(bots.get, feature="bots"),
    Played: Command(WRITER, own="writes", feature="media"),
    FileLink: Command(files.link, feature="media"),
    FileList: Command(files.listed, feature="media"),
    StickerList: Command(files.stickers, feature="media"),
    Unread: Command(inbox.unread),
    Reads: Command(inbox.reads, own="writes"),
    Verify: Command(inbox.verify),
    Search: Command(search.search, own="search", feature="search"),
    PushTest: Command(push.test, feature="push"),
    PushDecisions: Command(push.decisions, feature="push"),
}
