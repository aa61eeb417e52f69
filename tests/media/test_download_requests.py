"""Requests for files without a socket: whatever is asked, the answer is one of the table."""

import asyncio
import os
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatd.core.file_links import LinkClaims, signed
from chatd.media.access import Access
from chatd.media.downloads import Downloads
from chatd.media.http.messages import BadHead, Request, read_head
from chatd.media.interface import Caller
from chatd.media.routes import Routes
from chatd.storage.media import Access as Found
from chatd.storage.media import Standing, StoredObject
from tests.kit.env import ManualEnv

KEY = b"k" * 32
PATH = "/v1/media/g4fKz81QwXe2/7/Fz3kQ0aaaaaaaaaaaaaaaa"
OBJECT = StoredObject("object", "image/png", 100, b"d" * 32, "picture", "name")
STATUSES = {200, 204, 206, 304, 401, 403, 404, 405, 412, 416}

pieces = st.sampled_from(
    [
        "/v1/media",
        "/",
        "own",
        "public",
        "g4fKz81QwXe2",
        "7",
        "Fz3kQ0aaaaaaaaaaaaaaaa",
        "m",
        "s",
        "..",
        "%2e",
        "%00",
        "é",
    ]
)
targets = st.one_of(
    st.lists(pieces, max_size=8).map("/".join),
    st.lists(pieces, max_size=8).map("".join),
    st.just(signed(KEY, PATH, LinkClaims("bob", "phone", 9_999_999_999))),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60).map(
        lambda text: PATH + "?sig=" + text
    ),
)
headers = st.dictionaries(
    st.sampled_from(["Authorization", "Range", "If-Range", "If-None-Match", "If-Match", "X-Forwarded-For"]),
    st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
        st.sampled_from(["Bearer x", "bytes=0-5", "bytes=-1", "bytes=100-", '"x", *', "*", "127.0.0.1"]),
    ),
)


class Rows:
    """A daemon and a database in which there is one file that everybody may have."""

    async def ask(self, request: Any) -> Caller:
        return Caller(id=0, user="bob", allow=("read",), expires_at=1 << 60)

    async def placed(self, *asked: Any) -> Found:
        return Found(Standing(), OBJECT)

    own = placed

    async def public(self, *asked: Any) -> StoredObject:
        return OBJECT


def opened(name: str) -> int:
    return os.open("/dev/null", os.O_RDONLY)


@given(st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "DELETE"]), targets, headers)
def test_no_request_is_a_defect(method: str, target: str, named: dict[str, str]) -> None:
    lines = [
        f"{method} {target or '/'} HTTP/1.1",
        "Host: a",
        *(f"{name}: {value}" for name, value in named.items()),
    ]
    try:
        request = read_head("\r\n".join([*lines, "", ""]).encode())
    except BadHead:
        return
    assert asyncio.run(status_of(request)) in STATUSES


async def status_of(request: Request) -> int:
    rows, env = Rows(), ManualEnv()
    handler = Downloads(Access(rows, KEY, env), rows, opened, env)  # type: ignore[arg-type]
    answer = await Routes((), {"/v1/media": handler})(request)
    await answer.close()
    return answer.status
