"""The envelope of every packet (protocol.md "Envelope"): the bases of requests, replies and pushes, and `error`."""

from msgspec import UNSET, Raw, Struct, UnsetType

from chatd.protocol.errors import ChatError, Retry
from chatd.protocol.identifiers import U53, Key, RequestId, Room, Token

# The packet has no `id`: no reply is wanted.
NO_ID = 0


class Request(Struct, tag_field="type", frozen=True, kw_only=True):
    """The base of requests: `type` is the tag, `id` is chosen by the client and absent when no reply is wanted."""

    id: RequestId = NO_ID


class Mutation(Request, frozen=True, kw_only=True):
    """A request that may be repeated: it is carried out once for each (room, author, key)."""

    key: Key


class RoomMutation(Mutation, frozen=True, kw_only=True):
    room: Room


class Bearer(Request, frozen=True, kw_only=True):
    """A request with a token, which its `repr` does not show."""

    token: Token

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id}, token='********')"


class Envelope(Struct, frozen=True):
    """The readable part of a packet whose type or fields are not known: enough to answer it."""

    type: Raw = Raw()
    id: Raw = Raw()


class Ok(Struct, tag_field="type", tag="ok", omit_defaults=True):
    """The reply to a request that succeeded. `id` is filled in by the session that sends it."""

    id: U53 = 0


class Error(Struct, tag_field="type", tag="error", omit_defaults=True):
    """The reply to a request that failed; `retry` says what to do to a client that does not know `code`."""

    id: U53 = 0
    code: str = ""
    retry: Retry | UnsetType = UNSET
    retry_after: U53 | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET

    @classmethod
    def of(cls, id: int, error: ChatError) -> "Error":
        """Return the packet that answers request `id` with `error`."""
        return cls(
            id=id,
            code=error.code,
            retry=error.retry,
            retry_after=UNSET if error.retry_after is None else error.retry_after,
            scope=error.scope or UNSET,
            message=error.message or UNSET,
            field=error.field or UNSET,
            reason=error.reason or UNSET,
        )


class Push(Struct, tag_field="type", omit_defaults=True):
    pass
