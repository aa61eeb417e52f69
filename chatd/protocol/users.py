"""Profiles and devices (protocol.md "Rooms and members")."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from chatd.protocol.envelope import Bearer, Ok, Request
from chatd.protocol.identifiers import U53, Device, Milliseconds
from chatd.protocol.members import Users


class Profile(Struct, omit_defaults=True):
    """The display data of a user as far as chatd knows it; `version` rises when it changes."""

    user: str
    name: str = ""
    avatar: str = ""
    version: U53 = 0


class DeviceRow(Struct, omit_defaults=True):
    device: str
    app: str | UnsetType = UNSET
    os: str | UnsetType = UNSET
    last_seen: Milliseconds = 0


Platform = Literal["apns", "fcm", "web"]


class UsersGet(Request, tag="users.get", frozen=True, kw_only=True):
    users: Users


class DevicesPush(Bearer, tag="devices.push", frozen=True, kw_only=True):
    platform: Platform


class DevicesList(Request, tag="devices.list", frozen=True, kw_only=True):
    pass


class DevicesRemove(Request, tag="devices.remove", frozen=True, kw_only=True):
    device: Device


class UsersOk(Ok, tag="ok", kw_only=True):
    users: list[Profile]


class DevicesOk(Ok, tag="ok", kw_only=True):
    devices: list[DeviceRow]
