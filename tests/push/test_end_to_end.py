"""Push notifications end to end: a daemon on real sockets, phones that are away, services that speak the protocols."""

import logging
from collections.abc import AsyncIterator

import pytest

from chatd.push import dispatch, withdrawals
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.push_services.apns import Apns
from tests.kit.push_services.authority import Authority
from tests.kit.push_services.fcm import Fcm
from tests.kit.push_services.gateway import Gateway
from tests.kit.push_services.phones import online, phone, push, register
from tests.kit.push_services.sending import trusting
from tests.kit.push_services.web_push import WebPush
from tests.kit.waiting import until


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The same rules on a shorter clock."""
    monkeypatch.setattr(withdrawals, "DELAY_S", 0.01)
    monkeypatch.setattr(dispatch, "AGAIN_S", 0.01)


@pytest.fixture
def authority(tmp_path):
    made = Authority(tmp_path)
    with trusting(made):
        yield made


@pytest.fixture
async def apple(tmp_path, authority):
    async with Apns(tmp_path, authority) as service:
        yield service
        assert service.objections == []


@pytest.fixture
async def google(tmp_path, authority):
    async with Fcm(tmp_path, authority) as service:
        yield service
        assert service.objections == []


@pytest.fixture
async def daemon(tmp_path, apple, google) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path / "data", push=push(apple, google))) as running:
        yield running


@pytest.fixture
async def clients(daemon) -> AsyncIterator[Clients]:
    clients = Clients(daemon.url)
    yield clients
    await clients.leave()


def told(service, token):
    """Return what the alerts of a device say: the seq and the badge of each."""
    if isinstance(service, Apns):
        return [(one.payload["seq"], one.aps["badge"]) for one in service.of(token) if "seq" in one.payload]
    return [(int(one.data["seq"]), int(one.data["badge"])) for one in service.of(token)]


async def test_a_message_to_a_phone_that_is_away_arrives_with_the_number_of_its_icon(clients, apple, google):
    for service, token in ((apple, "a1"), (google, "g1")):
        await phone(clients, "bob", service, service.add(token))
    alice = await clients.connect("alice")
    direct = await alice.open_direct("bob")
    first = (await alice.send(direct, "one"))["seq"]
    await apple.until(lambda: apple.of("a1"))
    second = (await alice.send(direct, "two"))["seq"]
    await apple.until(lambda: len(apple.of("a1")) == 2)
    await google.until(lambda: len(google.of("g1")) == 2)
    assert told(apple, "a1") == told(google, "g1") == [(first, 1), (second, 2)]
    [one, two] = apple.of("a1")
    assert (
        one.headers["apns-collapse-id"] == two.headers["apns-collapse-id"] == google.of("g1")[0].data["tag"]
    )
    assert direct not in one.headers["apns-collapse-id"]
    assert (one.payload["text"], one.payload["user"]) == ("one", "alice")
    # The number is the one that a device is told when it comes.
    late = await online(clients, "bob")
    totals = (await late.request({"type": "sync"}))["totals"]
    assert totals["badge"] == two.aps["badge"] == 2


async def test_what_is_read_elsewhere_is_taken_away(clients, apple, google):
    for service, token in ((apple, "a1"), (google, "g1")):
        await phone(clients, "bob", service, service.add(token))
    alice = await clients.connect("alice")
    direct = await alice.open_direct("bob")
    seq = (await alice.send(direct, "one"))["seq"]
    await apple.until(lambda: apple.of("a1"))
    await google.until(lambda: google.of("g1"))
    laptop = await online(clients, "bob")
    await laptop.read(direct, seq)
    await google.until(lambda: len(google.of("g1")) == 2)
    await apple.until(lambda: len(apple.of("a1")) == 3)
    gone = google.of("g1")[1].data
    assert (gone["kind"], gone["room"], gone["seq"], gone["badge"]) == ("read", direct, str(seq), "0")
    background, icon = sorted(apple.of("a1")[1:], key=lambda one: one.headers["apns-push-type"] == "alert")
    assert (background.headers["apns-push-type"], background.payload["kind"]) == ("background", "read")
    assert icon.aps == {"badge": 0}
    assert {one.headers["apns-priority"] for one in (background, icon)} == {"5"}


async def test_a_phone_that_is_handed_on_tells_its_new_owner_alone(clients, apple):
    await phone(clients, "bob", apple, apple.add("cafe"))
    carol = await phone(clients, "carol", apple, "cafe")
    alice = await clients.connect("alice")
    to_bob, to_carol = await alice.open_direct("bob"), await alice.open_direct("carol")
    await alice.send(to_bob, "for bob")
    await alice.send(to_carol, "for carol")
    await apple.until(lambda: apple.accepted)
    assert [one.payload["text"] for one in apple.accepted] == ["for carol"]
    # Its former owner is told at the next start of the app that it is not registered, and takes it back.
    bob = await clients.open("bob", device=clients.peers[0].device)
    assert "registered" not in (await bob.say_hello(features=["push"]))["push"]
    await register(bob, apple, "cafe")
    _, reply = await clients.reconnect(carol, features=["push"])
    assert "registered" not in reply["push"]


async def test_a_dead_token_is_dropped_and_a_living_one_is_not(clients, daemon, apple):
    await phone(clients, "bob", apple, "dead")
    await phone(clients, "bob", apple, apple.add("a11fe"))
    apple.gone["dead"] = 9_000_000_000_000
    alice = await clients.connect("alice")
    direct = await alice.open_direct("bob")
    await alice.send(direct, "one")
    await apple.until(lambda: apple.of("a11fe"))
    await apple.came(2)
    await until(lambda: daemon.app.counters.notifications["token_dead"])
    await alice.send(direct, "two")
    await apple.until(lambda: len(apple.of("a11fe")) == 2)
    assert len(apple.requests) == 3
    push_of_bob = (await daemon.api("GET", "/v1/users/bob/push")).json
    assert len(push_of_bob["registrations"]) == 1


async def test_a_wrong_key_pauses_its_app_is_logged_once_and_harms_no_chat(
    clients, daemon, apple, google, caplog
):
    apple.new_key()
    await phone(clients, "bob", apple, apple.add("a1"))
    await phone(clients, "bob", google, google.add("g1"))
    alice = await clients.connect("alice")
    direct = await alice.open_direct("bob")
    with caplog.at_level(logging.WARNING):
        for number in range(5):
            assert (await alice.send(direct, str(number)))["type"] == "ok"
            await google.until(lambda number=number: len(google.of("g1")) == number + 1)
        push_app = daemon.app.push.push.status().apps[0]
        assert push_app.paused
        lines = [one for one in caplog.messages if "key" in one]
    assert len(apple.requests) == 1
    assert len(lines) <= 2
    assert apple.accepted == []


async def test_hostile_registrations_have_their_outcome_and_change_nothing(clients, daemon, apple):
    client = await online(clients, "mallory")
    await register(client, apple, "a1")
    control = "\0\x1b\x7f" * 1365
    cases = [
        ({"token": control}, "bad_request"),
        ({"token": "x" * 4097}, "too_large"),
        ({"app": "com.example.other"}, "not_supported"),
        ({"platform": "hms"}, "bad_request"),
        ({"platform": "web", "token": "https://127.0.0.1/a"}, "not_supported"),
        ({"auth": "AAAA"}, "bad_request"),
        ({"p256dh": "A" * 87, "auth": "A" * 22}, "bad_request"),
    ]
    for keys, code in cases:
        usual = {"platform": "apns", "app": "com.example.app", "token": "a"}
        reply = await client.reply_to({"type": "devices.push", **usual, **keys})
        assert reply.get("code") == code, keys
    assert daemon.app.counters.commit_failures == 0


async def test_browsers_and_gateways_are_told_and_no_endpoint_at_a_private_address(tmp_path, authority):
    async with WebPush(tmp_path, authority) as browsers, Gateway(tmp_path, authority) as gateway:
        settings = {"push": push(browsers, gateway), "egress": {"allow": ("127.0.0.0/8",)}}
        async with running_daemon(config_for(tmp_path / "data", **settings)) as daemon:
            clients = Clients(daemon.url)
            browser = await online(clients, "bob")
            subscription = browsers.subscribe()
            await browser.request({"type": "devices.push", **subscription})
            for token in ("https://10.0.0.1/wp", "https://[::1]/wp", "file:///wp"):
                await browser.expect_refusal(
                    "bad_request", {"type": "devices.push", **subscription, "token": token}
                )
            await phone(clients, "carol", gateway, "any-vendor-1")
            await browser.link.close()
            alice = await clients.connect("alice")
            for user in ("bob", "carol"):
                await alice.send(await alice.open_direct(user), f"for {user}")
            await browsers.until(lambda: browsers.accepted)
            await gateway.until(lambda: gateway.accepted)
            [shown] = browsers.of(subscription["token"])
            assert (shown.payload["text"], shown.payload["badge"]) == ("for bob", 1)
            [one] = gateway.of("any-vendor-1")
            assert (one.content["text"], one.counts.unread, gateway.unsigned) == ("for carol", 1, 0)
            await clients.leave()


async def test_the_most_talkative_log_names_no_token(clients, apple, caplog):
    token = "9f2c41d8a7b6c5e4"
    with caplog.at_level(logging.DEBUG):
        await phone(clients, "bob", apple, apple.add(token))
        alice = await clients.connect("alice")
        await alice.send(await alice.open_direct("bob"), "one")
        await apple.until(lambda: apple.accepted)
    credential = apple.requests[0].headers["authorization"]
    for secret in (token, credential.removeprefix("bearer ")):
        assert [one.name for one in caplog.records if secret in one.getMessage()] == []
