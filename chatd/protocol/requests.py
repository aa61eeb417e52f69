"""The union of all requests, each of which is defined in its chapter."""

from chatd.protocol.bots import BotsGet
from chatd.protocol.connection import Auth, Hello, Ping, Pong, SetMode
from chatd.protocol.discovery import RoomsFind
from chatd.protocol.drafts import Draft, Schedule
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

AnyRequest = (
    Hello | Auth | SetMode | Ping | Pong | Sync
    | Log | History | Changes | Messages | Comments
    | Send | Edit | Recall | React | Pin | Forward
    | Read | Delivered | Readers | Focus | Typing | Watch
    | RoomCreate | RoomDirect | RoomGet | RoomUpdate | RoomDelete | RoomJoin | RoomLeave
    | InvitesCreate | InvitesList | InvitesRevoke | InvitesLook | InvitesUse
    | JoinsList | JoinsDecide
    | MembersList | MembersGet | MembersAdd | MembersRemove | MembersRole
    | MembersUnban | MembersSilence | MembersNickname | Announce
    | RoomsFind
    | RoomAccept | RoomDecline | PrivacySet
    | Preferences | ProfileSet | UsersFind | UsersGet | DevicesPush | DevicesList | DevicesRemove
    | FriendRequest | FriendAccept | FriendDecline | FriendCancel | FriendRemove
    | ContactSet | CircleSet | CircleDelete
    | Report | BotsGet
    | FileLink | FileList | StickerList | Played
    | PushTest | PushDecisions
    | Unread | Reads | Verify
    | Search
    | Delete | Clear | Draft | Schedule
)  # fmt: skip
