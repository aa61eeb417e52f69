"""Notices: texts of the host app in a room, which have no author."""

from msgspec import UNSET, Struct
from msgspec.structs import replace

from chatd.core import maintenance
from chatd.http.api.route import BODY_BYTES_MAX, Asked, Call, Route
from chatd.protocol.codec import host_data
from chatd.protocol.identifiers import Key, Milliseconds
from chatd.protocol.messages import SentBody, WriteOk, without_empties


class PostNotice(Asked, frozen=True, kw_only=True):
    """A notice. A repeated request with the same `key` is answered like the first one."""

    key: Key
    body: SentBody


class NoticeAnswer(Struct, frozen=True, omit_defaults=True):
    """The place of the notice in the log of its room. `duplicate`: it was there before."""

    seq: int
    time: Milliseconds
    duplicate: bool = False


async def post_notice(call: Call, asked: PostNotice) -> NoticeAnswer:
    room, body = call.path["room"], without_empties(asked.body)
    if body.data is not UNSET:
        # At level 2 of what is asked, as in a packet; the whole body is bounded when it is decided.
        body = replace(body, data=host_data(body.data, True, 3, BODY_BYTES_MAX))
    notice = maintenance.PostNotice(room=room, key=asked.key, body=body)
    reply = await call.admin.notice(notice, call.audit(room))
    assert isinstance(reply, WriteOk)
    assert isinstance(reply.seq, int)
    assert isinstance(reply.time, int)
    return NoticeAnswer(reply.seq, reply.time, reply.duplicate)


ROUTES = (Route("POST", "/v1/rooms/{room}/notices", "messages", post_notice, PostNotice, NoticeAnswer),)
