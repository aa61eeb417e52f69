"""Users: accounts, their rooms and devices, revocation."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from chatd.core.accounts import Amend
from chatd.core.restrictions import in_force
from chatd.core.users import Account
from chatd.http.api.cards import HostPage, Verified, packed_page, shown_page
from chatd.http.api.restrictions import RestrictionAnswer
from chatd.http.api.route import Asked, Call, Done, Page, Route, page_of
from chatd.protocol.identifiers import U53, Address, Device, Milliseconds, NewHandle, Title, User
from chatd.protocol.users import DeviceRow, UserKind
from chatd.protocol.users import Page as CardPage

# A hash that the host or the command line made; the memory and time in it are checked when it is used.
PasswordHash = Annotated[str, Meta(pattern=r"^\$argon2id\$[A-Za-z0-9+/$=,]{1,500}\Z")]


Prefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-.:@|+]{0,64}\Z")]


class PutValues(Asked, frozen=True, kw_only=True):
    """The values of an account to add or to change; what is absent stays. `created_at`: in the app of the host."""

    name: Title | None = None
    avatar: Address | None = None
    handle: NewHandle | None = None
    verified: Verified | None = None
    page: HostPage | None = None
    kind: UserKind | None = None
    disabled: bool | None = None
    password_hash: PasswordHash | None = None
    created_at: Milliseconds | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, password_hash='********')"


class PutUser(PutValues, frozen=True, kw_only=True):
    """`seen`: refuse a user who was never here."""

    seen: bool = False

    __repr__ = PutValues.__repr__


class PutUserLine(PutValues, frozen=True, kw_only=True):
    user: User

    __repr__ = PutValues.__repr__


class PutPassword(Asked, frozen=True, kw_only=True):
    password_hash: PasswordHash

    def __repr__(self) -> str:
        return "PutPassword(password_hash='********')"


class RevokeTokens(Asked, frozen=True, kw_only=True):
    """Which tokens to refuse: of one device, or of all. `seen`: refuse a user or device that was never here."""

    device: Device | None = None
    seen: bool = False


class UsersQuery(Page, frozen=True, kw_only=True):
    """`prefix`: only users whose ids begin so."""

    prefix: Prefix = ""


class UserAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account. `has_password`: it can log in at `POST /v1/login`. A list of accounts has no cards."""

    user: str
    name: str
    avatar: str
    handle: str | UnsetType = UNSET
    verified: str | UnsetType = UNSET
    page: CardPage | UnsetType = UNSET
    version: int
    kind: UserKind = "person"
    disabled: bool
    has_password: bool
    created_at: Milliseconds
    restriction: RestrictionAnswer | UnsetType = UNSET


class UsersAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    users: list[UserAnswer]
    more: str | UnsetType = UNSET


class Generation(Struct, frozen=True):
    """The mark that a token carries to be valid in spite of an earlier revocation."""

    generation: int


class RoomOfUser(Struct, frozen=True, omit_defaults=True):
    """A room of a user, and what they have not read there. `peer`: the other one of a direct room."""

    room: str
    kind: str
    title: str
    members: int
    role: str
    joined_at: Milliseconds
    unread: U53
    unread_mentions: U53
    read: U53
    seq: U53
    peer: str | UnsetType = UNSET


class RoomsAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    rooms: list[RoomOfUser]
    more: str | UnsetType = UNSET


class DevicesAnswer(Struct, frozen=True):
    devices: list[DeviceRow]


def answer_of(account: Account, now_ms: int) -> UserAnswer:
    restriction = in_force(account.restriction, now_ms)
    return UserAnswer(
        user=account.user,
        name=account.name,
        avatar=account.avatar,
        version=account.version,
        kind=account.kind,
        disabled=account.disabled,
        has_password=account.password is not None,
        created_at=account.created_at,
        restriction=UNSET if restriction is None else RestrictionAnswer.of(restriction),
    )


async def put_user(call: Call, asked: PutUser) -> UserAnswer:
    user = call.path["user"]
    await call.admin.amend(user, change_of(asked), seen=asked.seen, audit=call.audit(user))
    return await whole_answer(call, user)


async def whole_answer(call: Call, user: str) -> UserAnswer:
    """Return an account with its card."""
    answer = answer_of(await call.admin.account(user), call.admin.now_ms())
    (view,) = await call.admin.store.card_views(user, [user])
    return structs.replace(
        answer,
        handle=view.card.handle or UNSET,
        verified=view.card.verified or UNSET,
        page=shown_page(view.card),
    )


async def put_line(call: Call, asked: PutUserLine) -> Done:
    await call.admin.amend(asked.user, change_of(asked), audit=call.audit(asked.user))
    return Done()


def change_of(asked: PutValues) -> Amend:
    return Amend(
        name=asked.name,
        avatar=asked.avatar,
        handle=asked.handle,
        verified=asked.verified,
        page=packed_page(asked.page),
        kind=asked.kind,
        password=asked.password_hash,
        disabled=asked.disabled,
        created_at=asked.created_at,
    )


async def get_user(call: Call, asked: Asked) -> UserAnswer:
    return await whole_answer(call, call.path["user"])


async def get_users(call: Call, asked: UsersQuery) -> UsersAnswer:
    found = await call.admin.store.accounts(asked.more, asked.limit + 1, asked.prefix)
    accounts, more = page_of(found, asked.limit, lambda account: account.user)
    return UsersAnswer(users=[answer_of(account, call.admin.now_ms()) for account in accounts], more=more)


async def put_password(call: Call, asked: PutPassword) -> Generation:
    user = call.path["user"]
    return Generation(await call.admin.set_password(user, asked.password_hash, call.audit(user)))


async def revoke(call: Call, asked: RevokeTokens) -> Generation:
    user = call.path["user"]
    audit = call.audit(user)
    return Generation(await call.admin.revoke(user, asked.device or "", seen=asked.seen, audit=audit))


async def get_rooms(call: Call, asked: Page) -> RoomsAnswer:
    user, after = call.path["user"], asked.number(0)
    await call.admin.note(call.audit(user))
    found = await call.admin.store.user_rooms(user, after, asked.limit + 1)
    rooms, more = page_of(found, asked.limit, lambda room: room.number)
    return RoomsAnswer(rooms=[RoomOfUser(*room[:-2], room.peer or UNSET) for room in rooms], more=more)


async def get_devices(call: Call, asked: Asked) -> DevicesAnswer:
    user = call.path["user"]
    await call.admin.note(call.audit(user))
    devices = await call.admin.store.devices(user)
    return DevicesAnswer(
        [
            DeviceRow(row.device, app=row.app or UNSET, os=row.os or UNSET, last_seen=row.last_seen)
            for row in devices
        ]
    )


async def remove_device(call: Call, asked: Asked) -> Done:
    user = call.path["user"]
    await call.admin.remove_device(user, call.path["device"], call.audit(user))
    return Done()


ROUTES = (
    Route("GET", "/v1/users", "users", get_users, UsersQuery, UsersAnswer),
    Route("PUT", "/v1/users", "users", put_line, PutUserLine, Done, bulk=True),
    Route("GET", "/v1/users/{user}", "users", get_user, Asked, UserAnswer),
    Route("PUT", "/v1/users/{user}", "users", put_user, PutUser, UserAnswer),
    Route("PUT", "/v1/users/{user}/password", "users", put_password, PutPassword, Generation),
    Route("POST", "/v1/users/{user}/revoke", "users", revoke, RevokeTokens, Generation),
    Route("GET", "/v1/users/{user}/rooms", "users", get_rooms, Page, RoomsAnswer),
    Route("GET", "/v1/users/{user}/devices", "users", get_devices, Asked, DevicesAnswer),
    Route("DELETE", "/v1/users/{user}/devices/{device}", "users", remove_device),
)
