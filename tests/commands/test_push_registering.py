"""Registrations, preferences and the badge of a whole daemon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatd.config.push import PushApp
from chatd.core.accounts import Amend, Revoke
from chatd.core.push_registrations import Dropped, Registration, Relocated, digest_of
from chatd.storage.sqlite.backup import backup, restore
from chatd.storage.sqlite.connection import open_file
from chatd.storage.sqlite.push import registrations
from tests.kit.inprocess import InProcessClient, InProcessServer, device_of, in_process, new_key

APPS = tuple(PushApp(platform=platform, key_file="of nobody") for platform in ("apns", "fcm", "gateway"))
PUSH = {"enabled": True, "workers": 0, "apps": APPS}
POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, push=PUSH, rates={"enabled": False}) as running:
        yield running


async def hello(server: InProcessServer, user: str, device: int = 1, **keys: Any) -> dict[str, Any]:
    """The reply to a hello with push."""
    client = server.client()
    id = client.say_hello(user, device, features=["push", "account"], **keys)
    await server.wait_idle()
    return client.reply(id)


async def register(client: InProcessClient, token: str = "9f2c41d8", **keys: Any) -> str:
    """Register; return the code of a refusal with its field, or "ok"."""
    reply = await client.request(type="devices.push", platform="apns", token=token, **keys)
    return (
        str(reply["type"]) if reply["type"] == "ok" else f"{reply['code']} {reply.get('field', '')}".strip()
    )


async def places(server: InProcessServer, user: str) -> dict[tuple[str, str], str]:
    """The tokens of a user by device and purpose."""
    found: list[Registration] = await server.store.read(registrations, user)
    return {(one.device, one.address.purpose): one.address.token for one in found}


async def test_a_device_has_one_place_for_each_purpose(server: InProcessServer) -> None:
    ann = await server.connect("ann")
    assert await register(ann) == "ok"
    assert await register(ann, "aa", purpose="voip", environment="sandbox") == "ok"
    assert await register(ann, "bb") == "ok"
    assert await places(server, "ann") == {(device_of(1), "alert"): "bb", (device_of(1), "voip"): "aa"}
    assert await register(ann, "") == "ok"
    assert await places(server, "ann") == {(device_of(1), "voip"): "aa"}
    sealed = {"type": "devices.push", "platform": "fcm", "token": "t:1", "p256dh": POINT, "auth": AUTH}
    assert (await ann.request(**sealed))["type"] == "ok"
    (registration, _) = await server.store.read(registrations, "ann")
    assert (registration.address.platform, len(registration.address.p256dh)) == ("fcm", 65)
    assert registration.registered_at == server.env.now_ms()
    assert registration.epoch == server.store.epoch


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", [("ann", "bob"), ("bob", "ann")])
async def test_a_token_has_one_owner(server: InProcessServer, order: tuple[str, str], together: bool) -> None:
    """Two users on one phone, one behind the other or in one commit."""
    clients = [await server.connect(user, 7) for user in order]
    for client in clients:
        client.send_request(type="devices.push", platform="apns", token="9f2c41d8")
        if not together:
            await server.wait_idle()
    await server.wait_idle()
    first, last = order
    assert await places(server, first) == {}
    assert await places(server, last) == {(device_of(7), "alert"): "9f2c41d8"}
    assert not (await hello(server, first, 7))["push"].get("registered")
    assert (await hello(server, last, 7))["push"]["registered"]


async def test_a_hello_says_where_to_register_and_whether_it_is(server: InProcessServer) -> None:
    assert (await hello(server, "ann"))["push"] == {"platforms": ["apns", "fcm", "gateway"]}
    ann = await server.connect("ann")
    await register(ann, purpose="voip")
    assert "registered" not in (await hello(server, "ann"))["push"]
    ann = await server.connect("ann")
    await register(ann)
    assert (await hello(server, "ann"))["push"]["registered"] is True
    assert "registered" not in (await hello(server, "ann", 2))["push"]
    client = server.client()
    id = client.say_hello("ann")
    await server.wait_idle()
    assert not {"push"} & client.reply(id).keys()


async def test_where_push_is_off_nothing_of_it_is_there(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        reply = await hello(server, "ann")
        assert (reply["features"], "push" in reply) == (["account"], False)
        assert "badge" not in reply["sync"]["totals"]
        ann = await server.connect("ann", features=["push"])
        assert await register(ann) == "not_supported"
        refused = await ann.request(type="preferences", push={})
        assert (refused["code"], refused["field"]) == ("not_supported", "push")


@pytest.mark.parametrize("end", ["remove", "revoke", "revoke all", "disable", "sign out"])
async def test_what_ends_a_device_ends_its_registrations(server: InProcessServer, end: str) -> None:
    ann, other = await server.connect("ann"), await server.connect("ann", 2)
    await register(ann)
    await register(other, "aa")
    submit = server.app.writer.submit_and_wait
    if end == "remove":
        await other.request(type="devices.remove", device=device_of(1))
    elif end == "revoke":
        await submit("ann", Revoke(device_of(1)))
    elif end == "revoke all":
        await submit("ann", Revoke())
    elif end == "disable":
        await submit("ann", Amend(disabled=True))
    else:
        await register(ann, "")
    left = {} if end in ("revoke all", "disable") else {(device_of(2), "alert"): "aa"}
    assert await places(server, "ann") == left


@pytest.mark.parametrize("end", ["remove", "revoke", "disable"])
async def test_a_device_that_ends_meanwhile_keeps_nothing(server: InProcessServer, end: str) -> None:
    """Its request is under way when it is removed, and is decided after that."""
    ann, other = await server.connect("ann"), await server.connect("ann", 2)
    submit = server.app.writer.submit_and_wait
    if end == "remove":
        other.send_request(type="devices.remove", device=device_of(1))
    else:
        change = Revoke(device_of(1)) if end == "revoke" else Amend(disabled=True)
        # Its batch begins with the next turn of the loop.
        ending = asyncio.ensure_future(submit("ann", change))
        await asyncio.sleep(0)
    ann.send_request(type="devices.push", platform="apns", token="9f2c41d8")
    await server.wait_idle()
    if end != "remove":
        await ending
    assert await places(server, "ann") == {}


async def test_a_dead_token_is_dropped_unless_it_was_registered_since(server: InProcessServer) -> None:
    ann = await server.connect("ann")
    await register(ann)
    (registration,) = await server.store.read(registrations, "ann")
    digest, submit = digest_of(registration.address), server.app.writer.submit_and_wait
    before = Dropped("ann", device_of(1), "alert", digest, until=registration.registered_at - 1)
    await submit("", before)
    await submit("", Dropped("ann", device_of(1), "alert", b"of another"))
    assert len(await places(server, "ann")) == 1
    await submit("", Relocated(digest, "sandbox"))
    (registration,) = await server.store.read(registrations, "ann")
    assert registration.address.environment == "sandbox"
    await submit("", Dropped("ann", device_of(1), "alert", digest, until=registration.registered_at))
    assert await places(server, "ann") == {}


WEB = {"type": "devices.push", "platform": "web", "p256dh": POINT, "auth": AUTH}


@pytest.mark.parametrize(("url", "allowed"), [
    ("https://push.example/s/1", True), ("https://8.8.8.8/s", True), ("http://push.example/s", False),
    ("https://127.0.0.1/s", False), ("https://169.254.169.254/latest", False), ("https://[::1]/", False),
    ("https://10.0.0.7/", False), ("https://user:pw@push.example/", False), ("ftp://push.example/", False),
    ("/", False), ("https://push.example/" + "x" * 2048, False), ("https://100.100.100.200/", False),
])  # fmt: skip
async def test_an_endpoint_is_a_public_address(tmp_path: Path, url: str, allowed: bool) -> None:
    app = PushApp(platform="web", key_file=str(vapid(tmp_path)))
    async with in_process(tmp_path, push=PUSH | {"apps": (app,)}) as server:
        ann = await server.connect("ann")
        reply = await ann.request(token=url, **WEB)
        assert (reply["type"], reply.get("field")) == (("ok", None) if allowed else ("error", "token"))
        assert len((await hello(server, "ann"))["push"]["vapid"]) == 87


async def test_an_operator_may_allow_endpoints_of_their_own(tmp_path: Path) -> None:
    app = PushApp(platform="web", key_file=str(vapid(tmp_path)))
    egress = {"allow": ("127.0.0.0/8",)}
    async with in_process(tmp_path, push=PUSH | {"apps": (app,)}, egress=egress) as server:
        ann = await server.connect("ann")
        assert (await ann.request(token="http://127.0.0.1:8999/s", **WEB))["type"] == "ok"
        assert (await ann.request(token="http://10.0.0.7/s", **WEB))["type"] == "error"


def vapid(directory: Path) -> Path:
    from chatd.push.key_files import new_vapid_key

    path = directory / "vapid.pem"
    path.write_text(new_vapid_key())
    path.chmod(0o600)
    return path


async def test_after_a_restore_a_device_registers_again(tmp_path: Path) -> None:
    place, chance = tmp_path / "data", lambda count: b"\x07" * count
    place.mkdir()
    async with in_process(place, push=PUSH) as server:
        ann = await server.connect("ann")
        await register(ann)
        old = server.store.epoch
    with closing(open_file(place / "chatd.sqlite", mode="rw")):
        backup(place, tmp_path / "backup")
    (place / "chatd.sqlite").unlink()
    restore(tmp_path / "backup", place, chance)
    async with in_process(place, push=PUSH) as server:
        assert "registered" not in (await hello(server, "ann"))["push"]
        (registration,) = await server.store.read(registrations, "ann")
        assert registration.epoch == old != server.store.epoch
        ann = await server.connect("ann")
        await register(ann)
        assert (await hello(server, "ann"))["push"]["registered"]


async def test_preferences_come_with_the_account_and_the_level_with_the_room(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob", features=["push", "account"])
    room = await ann.create_group("bob")
    bob.take()
    quiet = [{"from": "22:30", "to": "07:00"}]
    await bob.request(type="preferences", push={"quiet": quiet, "timezone": "Europe/Berlin"})
    (told,) = bob.take("account")
    (row,) = told["sections"]["account"]
    assert row["value"]["push"] == {"quiet": quiet, "timezone": "Europe/Berlin"}
    await bob.request(type="preferences", room=room, notify="mentions")
    (pushed,) = bob.take("room")
    assert pushed["summary"]["notify"] == "mentions"
    sync = (await hello(server, "bob", 2))["sync"]
    assert [one["notify"] for one in sync["rooms"]] == ["mentions"]
    await bob.request(type="preferences", room=room, notify="default")
    (pushed,) = bob.take("room")
    assert "notify" not in pushed["summary"]


@pytest.mark.parametrize(("asked", "field"), [
    ({"push": {"timezone": "Mars/Olympus"}}, "push.timezone"), ({"push": {"groups": "some"}}, "push.groups"),
    ({"push": {"quiet": [{"from": "24:00", "to": "07:00"}], "timezone": "UTC"}}, "push.quiet[0].from"),
    ({"push": {"quiet": [{"from": "22:00"}], "timezone": "UTC"}}, "push.quiet[0].to"), ({"notify": "some"}, "notify"),
])  # fmt: skip
async def test_what_nobody_can_want_is_refused(
    server: InProcessServer, asked: dict[str, Any], field: str
) -> None:
    ann = await server.connect("ann")
    refused = await ann.request(type="preferences", receipts=False, **asked)
    assert (refused["code"], refused["field"]) == ("bad_request", field)
    assert ann.take("account") == []


async def test_the_badge_follows_what_the_user_wants(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob", features=["push"])
    room = await ann.create_group("bob")
    await ann.send(room)
    await ann.request(type="send", room=room, key=new_key(), body={"text": "you", "mentions": ["bob"]})

    async def badge() -> int:
        synced = await bob.request(type="sync")
        assert synced["totals"]["unread"] == 2
        shown = (await hello(server, "bob", 2))["sync"]["totals"]["badge"]
        assert shown == synced["totals"]["badge"]
        return int(shown)

    assert await badge() == 2
    await bob.request(type="preferences", push={"groups": "none"})
    assert await badge() == 0
    await bob.request(type="preferences", room=room, notify="all", muted_until=server.env.now_ms() + 1000)
    assert await badge() == 1
    await server.advance(2)
    assert await badge() == 2
    client = server.client()
    id = client.say_hello("bob", 3)
    await server.wait_idle()
    assert "badge" not in client.reply(id)["sync"]["totals"]
