"""The command table: who handles a request, what a token must allow, and what it costs. Checked before the handler.

Adding a command: a struct in protocol/requests.py, a function, a row here, a chapter in protocol.md, a scenario.
Forgetting one fails a test.
"""

from chatd.commands import connection, history, members, presence, sync, users
from chatd.commands.context import Command, for_members
from chatd.protocol import requests

WRITER = None

COMMANDS: dict[type[requests.Request], Command] = {
    requests.Auth: Command(connection.auth, allow=""),
    requests.SetMode: Command(connection.mode, allow=""),
    requests.Ping: Command(connection.ping, allow=""),
    requests.Pong: Command(connection.pong, allow=""),
    requests.Sync: Command(sync.sync),
    requests.Log: Command(for_members(history.log)),
    requests.History: Command(for_members(history.history)),
    requests.Changes: Command(for_members(history.changes)),
    requests.Messages: Command(for_members(history.messages)),
    requests.Send: Command(WRITER, allow="send", writes=True),
    requests.Edit: Command(WRITER, allow="send", writes=True),
    requests.Recall: Command(WRITER, allow="send", writes=True),
    requests.React: Command(WRITER, allow="send", writes=True),
    requests.Pin: Command(WRITER, allow="send", writes=True),
    requests.Read: Command(WRITER),
    requests.Delivered: Command(WRITER),
    requests.Readers: Command(for_members(presence.readers)),
    requests.Focus: Command(presence.focus),
    requests.Typing: Command(presence.typing, allow="send", own="typing"),
    requests.Watch: Command(presence.watch),
    requests.RoomCreate: Command(WRITER, allow="create", writes=True),
    requests.RoomDirect: Command(WRITER, allow="create", writes=True),
    requests.RoomGet: Command(WRITER),
    requests.RoomUpdate: Command(WRITER, allow="create", writes=True),
    requests.RoomDelete: Command(WRITER, allow="create", writes=True),
    requests.RoomJoin: Command(WRITER, allow="create", writes=True),
    requests.RoomLeave: Command(WRITER, allow="create", writes=True),
    requests.MembersList: Command(for_members(members.members)),
    requests.MembersAdd: Command(WRITER, allow="create", writes=True),
    requests.MembersRemove: Command(WRITER, allow="create", writes=True),
    requests.MembersRole: Command(WRITER, allow="create", writes=True),
    requests.Preferences: Command(WRITER, own="writes"),
    requests.UsersGet: Command(users.users),
    requests.DevicesPush: Command(users.push),
    requests.DevicesList: Command(users.devices),
    requests.DevicesRemove: Command(WRITER, own="writes"),
}
