"""The client of back ends against a daemon: refusals, repetition, the admin socket, uploads."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pyvips import Image

from chatd.host import Host, HostError, api
from tests.kit.client import TestClient
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.media_client import MediaClient


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    limits = {"rate_per_s": 20, "burst": 2}
    config = config_for(tmp_path, listen={"api_address": "127.0.0.1:0"}, api=limits)
    async with running_daemon(config) as running:
        yield running


async def a_host(daemon: RunningDaemon, **options: Any) -> Host:
    made = await daemon.api("POST", "/v1/keys", name="host", scopes=["users", "rooms", "messages"])
    return Host(daemon.api_url, made.json["secret"], **options)


async def test_a_refusal_says_what_was_wrong(daemon: RunningDaemon) -> None:
    host = await a_host(daemon)
    with pytest.raises(HostError, match="must be text") as refused:
        await asyncio.to_thread(host.put_user, "u42", name=7)
    assert (refused.value.code, refused.value.status, refused.value.field) == ("bad_request", 400, "name")
    host.close()


async def test_what_is_refused_for_now_is_asked_again(daemon: RunningDaemon) -> None:
    host = await a_host(daemon)
    for _ in range(4):
        assert (await asyncio.to_thread(host.put_user, "u42", name="Ann"))["name"] == "Ann"
    assert daemon.app.counters.api_requests["rate_limited"]
    host.close()


async def test_a_broken_connection_is_replaced_and_a_daemon_that_is_away_told(daemon: RunningDaemon) -> None:
    path = f"unix:{Path(daemon.config.storage.directory, 'chatd.sock')}"
    with Host(path) as host:
        await asyncio.to_thread(host.put_user, "u42", name="Ann")
        await daemon.restart()
        assert (await asyncio.to_thread(host.put_user, "u42", avatar="a"))["name"] == "Ann"
    with Host("http://127.0.0.1:1", attempts=2) as nobody, pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(nobody.revoke, "u42")


async def test_an_upload_is_cut_and_tells_whom_it_left_out(
    daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "LINES_MAX", 2)
    host = await a_host(daemon)
    users = [
        {"user": "u1"},
        {"user": "not a user"},
        {"user": "u3", "name": "Carol"},
        {"user": "u4"},
        {"user": ""},
    ]
    refused = await asyncio.to_thread(host.put_users, users)
    assert [one.problem["user"] for one in refused] == ["not a user", ""]
    assert [one["user"] for one in (await daemon.api("GET", "/v1/users")).json["users"]] == ["u1", "u3", "u4"]
    host.close()


async def test_rooms_members_and_messages(daemon: RunningDaemon) -> None:
    path = f"unix:{Path(daemon.config.storage.directory, 'chatd.sock')}"

    def work() -> list[int]:
        with Host(path) as host:
            room = host.direct_room("ann", "bob")["room"]
            for number in range(3):
                host.post(room, "ann", f"key-{number:06}", str(number))
            host.recall(room, 3)
            group = host.make_room("group-01", "A tour", ["ann"], as_="bob")
            host.put_members(group["room"], ["carol"], "admin", as_="bob")
            ruled = host.update_room(group["room"], policy={"post": "admin"}, about="We ride")
            assert (ruled["policy"], ruled["about"]) == ({"post": "admin"}, "We ride")
            host.update_room(group["room"], policy={"post": "member"})
            host.remove_member(group["room"], "carol", ban=True, recall=True)
            assert host.put_members(group["room"], ["carol"]) == ["carol"]
            assert host.call("GET", f"/v1/rooms/{group['room']}/members")["count"] == 2
            up = [message["seq"] for message in host.messages(room, after=0)]
            down = [message["seq"] for message in host.messages(room)]
            assert down == up[::-1]
            return up

    assert await asyncio.to_thread(work) == [2, 3, 4]


async def test_files_stickers_and_what_they_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The three files are on two pages.
    monkeypatch.setattr(api, "PAGE", 2)
    config = config_for(tmp_path, media={"enabled": True, "address": "127.0.0.1:0", "inspectors": 1})
    path = f"unix:{Path(config.storage.directory, 'chatd.sock')}"
    async with running_daemon(config) as daemon:
        chat = await TestClient.connect(daemon.url, "ann")
        url = (await chat.say_hello(features=["media"]))["media"]["url"]
        key = (await daemon.api("POST", "/v1/keys", name="app", scopes=["media"])).json["secret"]
        files = MediaClient(url, key)
        given = [await files.upload(b"file %d" % n, owner="ann", filename=f"{n}.txt") for n in range(3)]
        sticker = await files.upload(Image.black(64, 64, bands=3).pngsave_buffer(), "sticker")

        # What was refused counts for nobody.
        begun = await files.begin(10, "picture", owner="ann")
        assert (await files.append(begun.headers["location"].rpartition("/")[2], b"no picture")).status == 415

        def work() -> None:
            with Host(path) as host:
                assert [one["file"] for one in host.files("ann")] == given[::-1]
                host.put_sticker("cat", sticker)
                assert host.stickers() == [{"name": "cat", "file": sticker}]
                usage = host.media_usage()
                assert (usage["files"], [one["kind"] for one in usage["kinds"]]) == (4, ["file", "sticker"])
                assert {one["name"]: one["files"] for one in usage["users"]} == {"ann": 3, "": 1}
                host.remove_sticker("cat")
                assert host.stickers() == []
                host.take_down(given[0], block=True)
                assert [one["file"] for one in host.files("ann")] == [given[2], given[1]]

        await asyncio.to_thread(work)
