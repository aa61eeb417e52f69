"""Downloads over real sockets: who may have which bytes at which moment, and how browsers have to take them."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from chatd.core.rates import Rate
from chatd.core.room import Room
from chatd.media.downloads import cleaned
from tests.kit.client import TestClient
from tests.kit.http import Answer
from tests.kit.media_downloads import ServedFiles, served_files
from tests.kit.media_rows import file_id
from tests.kit.tokens import earlier_token, token_for

BYTES = random.Random(15).randbytes(3_000_000)
ALICE, BOB, EVE = (token_for(user) for user in ("alice", "bob", "eve"))


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[ServedFiles]:
    async with served_files(tmp_path) as served:
        yield served


@pytest.fixture
async def alice(files: ServedFiles) -> TestClient:
    return await files.clients.connect("alice")


async def placed(
    files: ServedFiles, alice: TestClient, word: str = "file", data: bytes = BYTES[:1000], **facts: Any
) -> str:
    """Have a message of a group of Alice and Bob hold a new file; return its path."""
    room = await alice.create_group("group", "bob")
    seq = (await alice.send(room, "look"))["seq"]
    file = files.add("alice", word, data, **facts)
    await attach(files, room, seq, file)
    return f"/v1/media/{room}/{seq}/{file}"


async def attach(files: ServedFiles, room: str, seq: int, file: str) -> None:
    found = await files.daemon.app.context.rooms.of("alice", room)
    assert isinstance(found, Room)
    files.rows.attach(found, seq, file)


def code_of(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


# --- bytes


async def test_a_member_gets_the_bytes_and_what_to_do_with_them(
    files: ServedFiles, alice: TestClient
) -> None:
    path = await placed(files, alice, kind="picture", mime="image/jpeg", variants=("full", "s"))
    answer = await files.fetch(path, BOB)
    assert (answer.status, answer.body) == (200, BYTES[:1000])
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''file.txt"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-site"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert re.fullmatch(r'"[A-Za-z0-9_-]{43}"', answer.headers["etag"])
    assert (await files.fetch(path + "/s", BOB)).status == 200
    assert code_of(await files.fetch(path + "/m", BOB)) == (404, "not_found")
    assert files.process.questions == 1


@pytest.mark.parametrize("count", [0, 1, 65_536, 65_537, len(BYTES)])
async def test_every_length_arrives_whole(files: ServedFiles, alice: TestClient, count: int) -> None:
    path = await placed(files, alice, data=BYTES[:count])
    answer = await files.fetch(path, BOB)
    assert (answer.status, answer.headers["content-length"]) == (200, str(count))
    assert answer.body == BYTES[:count]
    head = await files.fetch(path, BOB, "HEAD", Range="bytes=0-0")
    assert (head.status, head.headers["content-length"], head.body) == (200, str(count), b"")


async def test_a_part_is_sent_and_only_of_the_same_file(files: ServedFiles, alice: TestClient) -> None:
    path = await placed(files, alice, data=BYTES)
    part = await files.fetch(path, BOB, Range="bytes=1000000-2999998")
    assert (part.status, part.body) == (206, BYTES[1_000_000:2_999_999])
    assert part.headers["content-range"] == "bytes 1000000-2999998/3000000"
    etag = part.headers["etag"]
    assert (await files.fetch(path, BOB, Range="bytes=-5", If_Range=etag)).body == BYTES[-5:]
    assert (await files.fetch(path, BOB, Range="bytes=-5", If_Range='"other"')).status == 200
    assert (await files.fetch(path, BOB, Range="bytes=0-1,5-6")).status == 200
    beyond = await files.fetch(path, BOB, Range="bytes=3000000-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, "bytes */3000000")
    known = await files.fetch(path, BOB, If_None_Match=f'"x", {etag}')
    assert (known.status, known.body, known.headers["etag"]) == (304, b"", etag)
    assert code_of(await files.fetch(path, BOB, If_Match='"x"')) == (412, "conflict")
    assert (await files.fetch(path, BOB, If_Match=etag)).status == 200
    assert files.process.downloads.counters == {"fetched": 5, "known": 1}


@pytest.mark.parametrize(
    ("kind", "mime", "shown"),
    [
        ("picture", "image/png", True),
        ("voice", "audio/ogg", True),
        ("video", "video/mp4", True),
        ("file", "image/png", False),
        ("file", "text/html", False),
        ("picture", "image/svg+xml", False),
        ("video", "text/html", False),
    ],
)
async def test_what_could_run_is_a_download(
    files: ServedFiles, alice: TestClient, kind: str, mime: str, shown: bool
) -> None:
    path = await placed(files, alice, kind=kind, mime=mime, name='../\u202ea\r\nb"é.html')
    headers = (await files.fetch(path, BOB)).headers
    assert headers["content-type"] == (mime if shown else "application/octet-stream")
    disposition, _, name = headers["content-disposition"].partition("; filename*=UTF-8''")
    assert disposition == ("inline" if shown else "attachment")
    assert unquote(name) == '..ab"é.html'
    assert re.fullmatch(r"[A-Za-z0-9._~%-]+", name)


def test_names_keep_what_languages_need() -> None:
    assert cleaned("می‌خواهم 👨‍👩‍👧.txt") == "می‌خواهم 👨‍👩‍👧.txt"
    assert cleaned("\u2066a\u2028b\x00/\\") == "ab"


# --- who may


async def test_what_is_not_there_and_what_is_not_theirs_are_answered_alike(
    files: ServedFiles, alice: TestClient
) -> None:
    path = await placed(files, alice)
    _, _, _, room, seq, file = path.split("/")
    wrong = [
        (path, EVE),
        (f"/v1/media/{room}/{int(seq) + 1}/{file}", BOB),
        (f"/v1/media/{room}/{seq}/{file_id('other')}", BOB),
        (f"/v1/media/gAAAAAAAAAAA/{seq}/{file}", BOB),
        (f"/v1/media/{room}/{1 << 40}/{file}", BOB),
        (f"/v1/media/own/{file}", BOB),
        (f"/v1/media/public/{file}", ""),
        (f"/v1/media/{room}/{seq}/{file}/x", BOB),
        (f"/v1/media/{room}/{seq}/{file}/", BOB),
        (f"/v1/media/{room}/0{seq}/{file}", BOB),
        ("/v1/media", BOB),
        ("/v1/media/own/..%2f..%2fchatd.sqlite", BOB),
    ]
    answers = [await files.fetch(*one) for one in wrong]
    assert {(one.status, one.body) for one in answers} == {(404, b'{"code":"not_found"}')}
    assert len({frozenset(one.headers.items() - {("date", one.headers["date"])}) for one in answers}) == 1


async def test_a_token_is_needed_that_allows_to_read(files: ServedFiles, alice: TestClient) -> None:
    path = await placed(files, alice)
    assert code_of(await files.fetch(path)) == (401, "token_invalid")
    assert code_of(await files.fetch(path, "nonsense")) == (401, "token_invalid")
    assert code_of(await files.fetch(path, token_for("bob", iat=1000, exp=2000))) == (401, "token_expired")
    assert code_of(await files.fetch(path, token_for("bob", allow=["send"]))) == (403, "forbidden")
    assert code_of(await files.fetch(path, BOB, "DELETE")) == (405, "not_supported")
    answer = await files.fetch(path, method="OPTIONS")
    assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_access_is_asked_again_at_every_fetch(files: ServedFiles, alice: TestClient) -> None:
    path = await placed(files, alice)
    room = path.split("/")[3]
    assert (await files.fetch(path, BOB)).status == 200
    await alice.mutate("members.remove", room, users=["bob"])
    assert code_of(await files.fetch(path, BOB)) == (404, "not_found")
    assert (await files.fetch(path, ALICE)).status == 200
    await alice.mutate("room.delete", room)
    assert code_of(await files.fetch(path, ALICE)) == (404, "not_found")


@pytest.mark.parametrize(
    ("change", "content", "refusal"),
    [
        ("PUT /v1/users/bob", {"disabled": True}, (403, "forbidden")),
        ("POST /v1/users/bob/restriction", {"what": "ban", "until": 1}, (403, "forbidden")),
        ("POST /v1/users/bob/revoke", {}, (401, "token_invalid")),
    ],
)
async def test_who_is_shut_out_gets_nothing_any_more_by_token_or_link(
    files: ServedFiles, alice: TestClient, change: str, content: dict[str, Any], refusal: tuple[int, str]
) -> None:
    path = await placed(files, alice)
    token = earlier_token("bob")
    bob = await files.clients.connect("bob", token=token)
    link = await link_to(bob, path)
    await bob.hang_up()
    assert (await files.fetch(path, token)).status == 200
    assert (await files.fetch(link)).status == 200
    method, url = change.split()
    answer = await files.daemon.api("PUT" if "restriction" in url else method, url, **content)
    assert answer.status < 300, answer.body
    assert code_of(await files.fetch(path, token)) == refusal
    assert code_of(await files.fetch(link)) == refusal


async def test_a_revoked_device_loses_its_links_and_others_keep_theirs(
    files: ServedFiles, alice: TestClient
) -> None:
    path = await placed(files, alice)
    phone, tablet = await files.clients.connect_bound("bob"), await files.clients.connect_bound("bob")
    links = await link_to(phone, path), await link_to(tablet, path)
    await tablet.request({"type": "devices.remove", "device": phone.device})
    await phone.hang_up()
    assert code_of(await files.fetch(links[0])) == (401, "token_invalid")
    assert (await files.fetch(links[1])).status == 200
    # A link that is made after the revocation counts.
    assert (await files.fetch(await link_to(tablet, path))).status == 200


async def test_an_own_file_is_for_its_owner_and_for_moderators(files: ServedFiles, alice: TestClient) -> None:
    file = files.add("alice", "mine", b"words", ("full", "s"))
    path = f"/v1/media/own/{file}"
    assert (await files.fetch(path, ALICE)).body == b"words"
    assert (await files.fetch(path + "/s", ALICE)).status == 200
    assert code_of(await files.fetch(path, BOB)) == (404, "not_found")
    for scope, status in (("moderation", 200), ("media", 404)):
        secret = (await files.daemon.api("POST", "/v1/keys", name=scope, scopes=[scope])).json["secret"]
        assert (await files.fetch(path, secret)).status == status


async def test_avatars_are_for_everybody_while_they_are_shown(files: ServedFiles, alice: TestClient) -> None:
    file = files.add("alice", "face", b"face", ("full", "s"), kind="picture", mime="image/png")
    path = f"/v1/media/public/{file}/s"
    assert code_of(await files.fetch(path)) == (404, "not_found")
    files.rows.hold("avatar:u:alice", file)
    answer = await files.fetch(path)
    assert (answer.status, answer.body) == (200, b"face")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    known = await files.fetch(path, If_None_Match=answer.headers["etag"])
    assert (known.status, known.headers["cross-origin-resource-policy"]) == (304, "cross-origin")


async def test_bytes_that_are_lost_are_not_found_and_logged(
    files: ServedFiles, alice: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    path = await placed(files, alice)
    for object in files.directory.rglob("file*"):
        object.unlink()
    assert code_of(await files.fetch(path, BOB)) == (404, "not_found")
    assert "is not on the disk" in caplog.text
    assert files.process.downloads.counters == {"lost": 1}


async def test_pictures_of_a_page_ask_for_their_token_once(files: ServedFiles, alice: TestClient) -> None:
    path = await placed(files, alice)
    answers = await asyncio.gather(*(files.fetch(path, BOB) for _ in range(20)))
    assert {one.status for one in answers} == {200}
    assert files.process.questions == 1


async def test_an_address_has_only_so_many_tokens_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.media.access.VERIFIED", Rate(interval_s=1e6, burst=3))
    async with served_files(tmp_path, listen={"trusted_proxies": ("127.0.0.0/8",)}) as files:
        path = f"/v1/media/own/{files.add('alice', 'mine', b'words')}"

        async def code(token: str, address: str) -> tuple[int, str]:
            answer = await files.fetch(path, token, X_Forwarded_For=address)
            return (200, "") if answer.status == 200 else code_of(answer)

        assert await code(ALICE, "192.0.2.1") == (200, "")
        assert await code("guess1", "192.0.2.1") == (401, "token_invalid")
        assert await code("guess2", "192.0.2.1") == (401, "token_invalid")
        assert await code("guess3", "192.0.2.1") == (429, "rate_limited")
        assert await code(ALICE, "192.0.2.1") == (200, "")
        assert await code(BOB, "192.0.2.2") == (404, "not_found")
        assert files.process.questions == 4


# --- links and lists


async def link_to(client: TestClient, path: str, **more: Any) -> str:
    _, _, _, room, seq, file = path.split("/")
    place = {"room": room, "seq": int(seq), "file": file, **more}
    (link,) = (await client.request({"type": "file.link", "places": [place]}))["links"]
    return str(link["url"])


async def test_a_link_opens_its_file_for_a_while_and_says_who_asks(
    files: ServedFiles, alice: TestClient
) -> None:
    path = await placed(files, alice, variants=("full", "s"))
    room = path.split("/")[3]
    bob = await files.clients.connect("bob")
    link, small = await link_to(bob, path), await link_to(bob, path, size="s")
    answer = await files.fetch(link)
    assert answer.status == 200
    kept = re.fullmatch(r"private, max-age=(\d+), immutable", answer.headers["cache-control"])
    assert kept is not None
    assert 600 < int(kept[1]) <= 1200
    assert (await files.fetch(small)).status == 200
    assert code_of(await files.fetch(small.replace("/s?", "?"))) == (401, "token_invalid")
    assert code_of(await files.fetch(link.replace("user=bob", "user=alice"))) == (401, "token_invalid")
    await alice.mutate("members.remove", room, users=["bob"])
    assert code_of(await files.fetch(link)) == (404, "not_found")


async def test_a_place_that_one_does_not_see_gets_no_link(files: ServedFiles, alice: TestClient) -> None:
    path = await placed(files, alice)
    _, _, _, room, seq, file = path.split("/")
    right = {"room": room, "seq": int(seq), "file": file}
    places = [right, right | {"seq": 1}, right | {"file": file_id("other")}, right | {"room": "gAAAAAAAAAAA"}]
    reply = await alice.request({"type": "file.link", "places": places})
    assert [{name: one[name] for name in right} for one in reply["links"]] == [right]
    eve = await files.clients.connect("eve")
    assert (await eve.request({"type": "file.link", "places": places}))["links"] == []


async def test_own_files_are_listed_with_what_they_count(files: ServedFiles, alice: TestClient) -> None:
    for number in range(3):
        files.add("alice", f"f{number}", b"x" * number, time=number)
    files.rows.use("alice", 3)
    first = await alice.request({"type": "file.list", "limit": 2})
    assert [one["name"] for one in first["files"]] == ["f2.txt", "f1.txt"]
    assert first["files"][0] == {
        "file": file_id("f2"), "kind": "file", "size": 2, "created_at": 2, "name": "f2.txt"
    }  # fmt: skip
    assert (first["used"], first["quota"]) == (3, 5 << 30)
    rest = await alice.request({"type": "file.list", "limit": 2, "more": first["more"]})
    assert [one["name"] for one in rest["files"]] == ["f0.txt"]
    assert "more" not in rest
