"""Notifications by the API: registrations, decisions, tests and the brake, with a sender that a test holds."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.config.push import PushApp
from chatd.core.push import Address
from chatd.core.push_registrations import Registration
from chatd.push.interface import Answer
from chatd.push.key_files import VAPID, new_vapid_key, public_of, signing_key
from tests.http.api.conftest import ADDRESS
from tests.kit import http
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for
from tests.kit.push_peer import PushPeer
from tests.kit.waiting import until

DEVICE = "Zk3vN0b1Q2mXr8sT5uWy7A"
TOKEN = "9f2c41d8" * 8
POLL_S = 0.05
APPS = (PushApp(platform="fcm", key_file="k"), PushApp(platform="gateway", key_file="k", url="https://g/"))


@pytest.fixture
def peer() -> PushPeer:
    return PushPeer()


@pytest.fixture
async def pushed(tmp_path: Path, peer: PushPeer) -> AsyncIterator[RunningDaemon]:
    config = config_for(tmp_path, listen=ADDRESS, push={"enabled": True, "apps": APPS, "delay_s": 0})
    daemon = RunningDaemon(config)
    daemon._daemon.make_sender = peer.make
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.stop()


async def register(daemon: RunningDaemon, user: str, device: str = DEVICE, platform: str = "fcm") -> None:
    address = Address(platform, "", f"{TOKEN}{user}{device}", p256dh=b"p" * 65, auth=b"a" * 16)
    registration = Registration(
        user, device, address, daemon.app.context.env.now_ms(), daemon.app.store.epoch
    )
    await daemon.app.writer.submit_and_wait(user, registration)


async def write(daemon: RunningDaemon, *, to: str = "alice", by: str = "bob") -> tuple[str, int]:
    """Post a message in the direct room of two users; return the room and the number."""
    room = (await daemon.api("POST", "/v1/rooms/direct", users=[by, to])).json["room"]
    body = {"text": "the secret plan"}
    answer = await daemon.api(
        "POST", f"/v1/rooms/{room}/messages", **{"as": by, "key": f"key-of-{by}-1", "body": body}
    )
    return room, answer.json["seq"]


async def decided(daemon: RunningDaemon, count: int, query: str = "user=alice") -> Any:
    """Return an answer with so many decisions."""
    while True:
        answer = (await daemon.api("GET", f"/v1/push/decisions?{query}")).json
        if len(answer["decisions"]) >= count:
            return answer
        # Each question is an entry in the audit, and what is planned makes way for what is stored.
        await asyncio.sleep(POLL_S)


async def test_registrations_are_shown_without_tokens_and_forgotten(pushed: RunningDaemon) -> None:
    await register(pushed, "alice")
    answer = (await pushed.api("GET", "/v1/users/alice/push")).json
    (row,) = answer["registrations"]
    assert (row["device"], row["platform"], row["sealed"], len(row["digest"])) == (DEVICE, "fcm", True, 16)
    assert TOKEN not in str(answer)
    assert (answer["enabled"], answer["badge"], answer["preferences"]) == (True, 0, {})
    assert (await pushed.api("DELETE", f"/v1/users/alice/push/{DEVICE}")).json == {}
    assert (await pushed.api("GET", "/v1/users/alice/push")).json["registrations"] == []
    again = await pushed.api("DELETE", f"/v1/users/alice/push/{DEVICE}")
    assert (again.status, again.json["code"], again.json["field"]) == (404, "not_found", "device")


async def test_a_message_is_explained_before_and_after_it_is_read(
    pushed: RunningDaemon, peer: PushPeer
) -> None:
    await register(pushed, "alice")
    room, seq = await write(pushed)
    answer = await decided(pushed, 1)
    (one,) = answer["decisions"]
    assert {**one, "time": 0} == {
        "time": 0, "kind": "message", "outcome": "sent", "device": DEVICE, "room": room, "seq": seq,
    }  # fmt: skip
    assert answer["badge"] == 1
    about = f"user=alice&room={room}&seq={seq}"
    (now,) = (await pushed.api("GET", f"/v1/push/decisions?{about}")).json["now"]
    assert (now["device"], now["platform"], now["outcome"]) == (DEVICE, "fcm", "sent")
    assert not any(line["fits"] for line in now["lines"] if line["outcome"] != "sent")
    await pushed.api("PUT", f"/v1/rooms/{room}/read", **{"as": "alice", "seq": seq})
    answer = (await pushed.api("GET", f"/v1/push/decisions?{about}")).json
    assert (answer["now"][0]["outcome"], answer["badge"]) == ("read", 0)
    assert [one.notification.text for one in peer.deliveries if one.form == "alert"] == ["the secret plan"]
    assert "secret" not in str(answer)


async def test_what_would_happen_now_needs_no_message(pushed: RunningDaemon) -> None:
    room, _ = await write(pushed)
    answer = (await pushed.api("GET", f"/v1/push/decisions?user=alice&room={room}")).json
    assert [(one["device"], one["outcome"]) for one in answer["now"]] == [("", "no_token")]
    await register(pushed, "alice")
    for query in ("user=alice", f"user=alice&room={room}"):
        (now,) = (await pushed.api("GET", f"/v1/push/decisions?{query}")).json["now"]
        assert (now["device"], now["outcome"]) == (DEVICE, "sent"), query
    clients = Clients(pushed.url)
    alice = await clients.connect("alice")
    await alice.request({"type": "preferences", "room": room, "muted_until": 1})
    (now,) = (await pushed.api("GET", f"/v1/push/decisions?user=alice&room={room}")).json["now"]
    assert now["outcome"] == "muted"
    (now,) = (await pushed.api("GET", "/v1/push/decisions?user=alice")).json["now"]
    assert now["outcome"] == "sent"
    (now,) = (await pushed.api("GET", f"/v1/push/decisions?user=carol&room={room}")).json["now"]
    assert now["outcome"] == "departed"
    await clients.leave()


async def test_a_test_shows_the_answer_of_each_device(pushed: RunningDaemon, peer: PushPeer) -> None:
    other = "A" * 22
    await register(pushed, "alice")
    await register(pushed, "alice", other, "gateway")
    dry = (await pushed.api("POST", "/v1/push/test", user="alice", dry_run=True)).json["devices"]
    assert ([one["outcome"] for one in dry], peer.deliveries) == (["sent", "sent"], [])
    peer.answer = lambda one: (
        Answer(one.number, "refused", "BadTopic", 400)
        if one.address.platform == "gateway"
        else Answer(one.number, "sent", status=200)
    )
    tested = (await pushed.api("POST", "/v1/push/test", user="alice")).json["devices"]
    assert {one["device"]: (one["outcome"], one["detail"], one["status"]) for one in tested} == {
        DEVICE: ("sent", "", 200),
        other: ("provider_error", "BadTopic", 400),
    }
    assert {one.notification.kind for one in peer.deliveries} == {"test"}
    peer.take()
    tested = (await pushed.api("POST", "/v1/push/test", user="alice", device=DEVICE)).json["devices"]
    assert [one["device"] for one in tested] == [DEVICE]
    assert (await pushed.api("POST", "/v1/push/test", user="carol")).json == {"devices": []}


async def test_a_platform_is_held_back_and_goes_on(pushed: RunningDaemon, peer: PushPeer) -> None:
    await register(pushed, "alice")
    paused = (await pushed.api("POST", "/v1/push/pause", platform="fcm", on=True)).json["apps"]
    assert {one["platform"]: bool(one["paused"]) for one in paused} == {"fcm": True, "gateway": False}
    await write(pushed)
    while (await pushed.api("GET", "/v1/push")).json["apps"][0]["waiting"] == 0:
        await asyncio.sleep(POLL_S)
    assert peer.deliveries == []
    going = (await pushed.api("POST", "/v1/push/pause", platform="fcm", on=False)).json["apps"]
    assert [one["paused"] for one in going] == ["", ""]
    await until(lambda: len(peer.deliveries) == 1)
    unknown = await pushed.api("POST", "/v1/push/pause", platform="apns", on=True)
    assert (unknown.status, unknown.json["code"]) == (404, "not_found")


async def test_scopes_and_the_audit(pushed: RunningDaemon) -> None:
    made = await pushed.api("POST", "/v1/keys", name="support", scopes=["push.read"])
    bearer = {"Authorization": f"Bearer {made.json['secret']}"}

    async def ask(method: str, path: str, content: Any = None) -> int:
        answer = await http.request(pushed.api_url + path, method, content=content, headers=bearer)
        return answer.status

    reads = ("/v1/push", "/v1/push/decisions?user=alice", "/v1/users/alice/push")
    assert [await ask("GET", path) for path in reads] == [200, 200, 200]
    assert await ask("POST", "/v1/push/test", {"user": "alice"}) == 403
    assert await ask("POST", "/v1/push/pause", {"platform": "fcm", "on": True}) == 403
    assert await ask("DELETE", f"/v1/users/alice/push/{DEVICE}") == 403
    audit = (await pushed.api("GET", "/v1/audit?target=alice")).json["audit"]
    assert [one["action"] for one in audit] == ["GET /v1/users/{user}/push", "GET /v1/push/decisions"]


async def test_a_key_of_browsers_is_told_from_the_reload_on(pushed: RunningDaemon, tmp_path: Path) -> None:
    path = tmp_path / "vapid.pem"
    path.touch(0o600)
    path.write_text(new_vapid_key())
    clients = Clients(pushed.url)
    before = await (await clients.open("alice")).say_hello(features=["push"])
    assert before["push"] == {"platforms": ["fcm", "gateway"]}
    web = PushApp(platform="web", key_file=str(path))
    pushed.reconfigure(push={"enabled": True, "apps": (web,), "vapid_subject": "mailto:a@example.org"})
    after = await (await clients.open("alice")).say_hello(features=["push"])
    assert after["push"] == {"platforms": ["web"], "vapid": public_of(signing_key(str(path), VAPID))}
    await clients.leave()


@pytest.mark.parametrize("enabled", [True, False])
async def test_push_comes_and_goes_with_its_setting(tmp_path: Path, peer: PushPeer, enabled: bool) -> None:
    settings = {"enabled": enabled, "apps": APPS}
    daemon = RunningDaemon(config_for(tmp_path, listen=ADDRESS, push=settings))
    daemon._daemon.make_sender = peer.make
    await daemon.start()
    try:
        for is_on in (enabled, not enabled, enabled):
            daemon.reconfigure(push={**settings, "enabled": is_on})
            answer = await daemon.api("GET", "/v1/push")
            assert answer.status == (200 if is_on else 501)
            assert is_on or answer.json["code"] == "not_supported"
            assert (await daemon.api("GET", "/v1/users/alice/push")).json["enabled"] is is_on
            clients = Clients(daemon.url)
            phone = await clients.open("alice")
            welcome = await phone.say_hello(features=["push"])
            assert ("push" in welcome.get("features", [])) is is_on
            reply = await phone.reply_to({"type": "devices.push", "platform": "fcm", "token": TOKEN})
            assert reply.get("code") == (None if is_on else "not_supported")
            await clients.leave()
    finally:
        await daemon.stop()
