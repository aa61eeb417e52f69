"""The sender against push services in trouble, and against what hostile users write."""

import asyncio

import pytest

from chatd.core.push import Address, Notification
from chatd.egress.client import Client
from chatd.push.sender import http2, http2_connection
from tests.kit.push_services.apns import Apns
from tests.kit.push_services.authority import Authority
from tests.kit.push_services.fcm import Fcm
from tests.kit.push_services.gateway import Gateway
from tests.kit.push_services.sending import sending
from tests.kit.push_services.web_push import WebPush

MESSAGE = Notification(
    "message", "mY3k0Qp7sT1vW9xZ", room="g4fKz81QwXe2", seq=1041, name="Bob", text="Hi", badge=3
)
SUBJECT = "mailto:ops@example.com"
# Control characters, each of which takes six bytes in JSON; and letters with a thousand accents.
HOSTILE = (
    Notification("message", "t", name="\0" * 160, title="\x1b" * 160, text="\x7f\0" * 2048, badge=1),
    Notification(
        "mention", "t", name="e" + "\u0301" * 1000, text="\u202e" + "\U0001f9d1\u200d" * 1000, badge=1
    ),
)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
async def apple(tmp_path, authority):
    async with Apns(tmp_path, authority) as service:
        service.add("d1")
        yield service


def to(service, token="d1"):
    """Return the address of a device at a service."""
    app = service.app()
    return Address(app["platform"], app["app"], token)


def subscribed(service):
    made = service.subscribe()
    keys = service.subscriptions[made["token"]]
    return Address("web", "", made["token"], p256dh=keys.p256dh_bytes, auth=keys.secret)


async def test_streams_are_used_as_far_as_apple_allows(authority, apple):
    async with sending(authority, apple.app()) as sender:
        answers = await asyncio.gather(*(sender.one(to(apple), MESSAGE) for _ in range(300)))
    assert {one.result for one in answers} == {"sent"}
    assert len(apple.accepted) == 300
    # One until a request with a token was accepted, then many, and none that was refused for being too many.
    assert (apple.listener.refused_streams, apple.listener.streams_max > 10) == (0, True)
    assert apple.listener.connections <= 2


async def test_what_a_goaway_leaves_out_is_sent_again_and_the_rest_once(authority, apple):
    async with sending(authority, apple.app()) as sender:
        await sender.one(to(apple), MESSAGE)
        apple.hold()
        under_way = [sender.begin(to(apple), MESSAGE) for _ in range(40)]
        await apple.came(41)
        apple.listener.go_away(processed=15)
        apple.release()
        assert {(await one).result for one in under_way} == {"sent"}
    # The first 15 were answered behind the GOAWAY, the other 25 came twice.
    assert len(apple.accepted) == 41
    assert len(apple.requests) == 1 + 40 + 25


async def test_a_service_that_hangs_resets_or_drops_is_asked_again(authority, apple, monkeypatch):
    monkeypatch.setattr(http2_connection, "ANSWER_S", 0.2)
    for name in ("TICK_S", "RECONNECT_S"):
        monkeypatch.setattr(http2, name, 0.01)
    async with sending(authority, apple.app()) as sender:
        for fault in ("hang", "reset", "drop"):
            apple.next.append(fault)
            assert (await sender.one(to(apple), MESSAGE)).result == "retry", fault
        assert (await sender.one(to(apple), MESSAGE)).result == "sent"


async def test_a_name_that_moves_to_a_private_address_is_not_followed(tmp_path, authority, monkeypatch):
    """The address that is judged is the one that is connected to, whatever the name led to before."""

    async def rebound(host, port):
        return ["127.0.0.1"]

    monkeypatch.setattr(Client.__init__, "__kwdefaults__", {"resolve": rebound})
    async with (
        WebPush(tmp_path, authority) as browsers,
        sending(authority, browsers.app(), vapid_subject=SUBJECT) as sender,
    ):
        there = subscribed(browsers)
        token = there.token.replace("127.0.0.1", "push.example")
        address = Address("web", "", token, p256dh=there.p256dh, auth=there.auth)
        answer = await sender.one(address, MESSAGE)
        assert (answer.result, answer.detail) == ("refused", "address")
        assert browsers.listener.connections == 0


async def test_what_hostile_users_write_is_shortened_and_taken(tmp_path, authority, apple):
    async with (
        Fcm(tmp_path, authority) as google,
        WebPush(tmp_path, authority) as browsers,
        Gateway(tmp_path, authority) as gateway,
        sending(
            authority,
            *(one.app() for one in (apple, google, browsers, gateway)),
            vapid_subject=SUBJECT,
            allow=("127.0.0.0/8",),
        ) as sender,
    ):
        google.add("d1")
        for address in (to(apple), to(google), subscribed(browsers), to(gateway)):
            for notification in HOSTILE:
                assert (await sender.one(address, notification)).result == "sent"
        assert [len(one.accepted) for one in (apple, google, browsers, gateway)] == [2, 2, 2, 2]
        assert [*apple.objections, *google.objections, *browsers.objections, *gateway.objections] == []
