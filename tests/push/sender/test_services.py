"""services.py with apns.py, fcm.py, gateway.py and web.py, each against a service that speaks the real protocol."""

import asyncio
import json
from base64 import urlsafe_b64decode
from contextlib import asynccontextmanager

import pytest

from chatd.config.push import PushApp
from chatd.core.push import Address, Notification
from chatd.egress.guard import target_of
from chatd.push.sender import apns as apns_module
from chatd.push.sender.web import Web
from chatd.server.system_env import SystemEnv
from tests.kit.push_services import apns, fcm
from tests.kit.push_services.apns import TOPIC, Apns
from tests.kit.push_services.example import FULL
from tests.kit.push_services.fcm import Fcm
from tests.kit.push_services.gateway import Gateway
from tests.kit.push_services.listener import Response, json_response
from tests.kit.push_services.sending import sending as running_sender
from tests.kit.push_services.web_push import Keys, WebPush

LATER = 2_000_000_000_000
SUBJECT = "mailto:ops@example.com"
OBJECT = {
    "v": 1,
    "kind": "message",
    "tag": FULL.tag,
    "room": FULL.room,
    "seq": 1041,
    "user": "u7",
    "name": "Bob",
    "title": "Bike tour",
    "text": FULL.text,
    "badge": 3,
    "time": FULL.time,
}
READ = Notification("read", FULL.tag, room=FULL.room, seq=1041, badge=0)


class Send:
    """Sends what it is called with, and returns the answer."""

    def __init__(self, running):
        self.running, self.sender = running, running.sender

    async def __call__(self, address, notification=FULL, **more):
        return await self.running.one(address, notification, **{"expires_at": LATER, **more})


@asynccontextmanager
async def sending(*apps, allow=()):
    async with running_sender(None, *apps, vapid_subject=SUBJECT, allow=allow) as running:
        yield Send(running)


def sealing(address, keys):
    return Address(address.platform, address.app, address.token, p256dh=keys.p256dh_bytes, auth=keys.secret)


def opened(keys, sealed):
    return json.loads(keys.open(urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))))


# --- APNs


async def test_apns_gets_the_loc_key_and_the_payload(tmp_path, trusted):
    async with Apns(tmp_path, trusted) as service, sending(service.app()) as send:
        address = Address("apns", TOPIC, service.add("ab12"))
        assert (await send(address)).result == "sent"
        (one,) = service.accepted
        assert one.payload == {
            "aps": {
                "alert": {
                    "loc-key": "MESSAGE_IN_TEXT",
                    "loc-args": ["Bob", "Bike tour", "Who brings the map?"],
                },
                "thread-id": FULL.tag,
                "badge": 3,
                "mutable-content": 1,
                "sound": "default",
            },
            **OBJECT,
        }
        assert {name: one.headers[name] for name in one.headers if name.startswith("apns-")} == {
            "apns-topic": TOPIC,
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-expiration": "2000000000",
            "apns-collapse-id": FULL.tag,
        }
        await send(address, Notification("message", "t", quiet=True), is_urgent=False)
        assert service.accepted[-1].aps["interruption-level"] == "passive"
        assert "sound" not in service.accepted[-1].aps
        assert service.accepted[-1].headers["apns-priority"] == "5"
        assert service.objections == []


async def test_apns_takes_a_sealed_payload_a_badge_and_what_the_app_takes_without_a_word(tmp_path, trusted):
    keys = Keys()
    async with Apns(tmp_path, trusted) as service, sending(service.app()) as send:
        address = Address("apns", TOPIC, service.add("ab12"))
        assert (await send(sealing(address, keys))).result == "sent"
        payload = service.accepted[-1].payload
        assert opened(keys, payload.pop("sealed")) == OBJECT
        assert payload == {
            "aps": {
                "alert": {"loc-key": "MESSAGE"},
                "thread-id": FULL.tag,
                "badge": 3,
                "mutable-content": 1,
                "sound": "default",
            },
            "v": 1,
            "kind": "message",
            "tag": FULL.tag,
            "badge": 3,
        }
        assert (await send(address, READ, form="badge")).result == "sent"
        assert service.accepted[-1].payload == {"aps": {"badge": 0}}
        assert (await send(address, READ, form="background")).result == "sent"
        assert service.accepted[-1].aps == {"content-available": 1}
        assert service.accepted[-1].payload["seq"] == 1041
        assert service.accepted[-1].headers["apns-push-type"] == "background"
        assert (await send(sealing(address, keys), READ, form="background")).result == "sent"
        assert opened(keys, service.accepted[-1].payload["sealed"])["room"] == FULL.room
        assert "room" not in service.accepted[-1].payload
        assert service.objections == []


@pytest.mark.parametrize("timestamp", [-1, 1 << 60, 1 << 80])
async def test_a_time_that_is_none_is_not_passed_on(tmp_path, trusted, timestamp):
    async with Apns(tmp_path, trusted) as service, sending(service.app()) as send:
        service.always = apns.refusal("Unregistered", timestamp=timestamp)
        answer = await send(Address("apns", TOPIC, "ab12"))
        assert (answer.result, answer.since) == ("dead", 0)


@pytest.mark.parametrize("reason", apns.REASONS)
async def test_every_reason_of_apns_has_its_result(tmp_path, trusted, reason):
    expected = {403: "credential", 410: "dead", 429: "busy", 500: "retry", 503: "retry"}
    special = {"BadDeviceToken": "dead", "DeviceTokenNotForTopic": "dead", "MissingDeviceToken": "dead"}
    special["TopicDisallowed"] = "credential"
    async with Apns(tmp_path, trusted) as service, sending(service.app()) as send:
        service.always = apns.refusal(
            reason, **({"timestamp": 1_700_000_000_000} if "Unreg" in reason else {})
        )
        answer = await send(Address("apns", TOPIC, "ab12"))
        assert answer.result == special.get(reason, expected.get(apns.REASONS[reason], "refused"))
        assert (answer.detail, answer.status) == (reason, apns.REASONS[reason])
        assert answer.since == (1_700_000_000_000 if reason == "Unregistered" else 0)
        assert len(service.requests) == 1


async def test_a_token_of_the_other_environment_is_found_and_told(tmp_path, trusted, monkeypatch):
    (tmp_path / "sandbox").mkdir()
    async with Apns(tmp_path, trusted) as production, Apns(tmp_path / "sandbox", trusted) as sandbox:
        sandbox.key_file.write_bytes(production.key_file.read_bytes())
        sandbox._key = production._key
        monkeypatch.setattr(apns_module, "HOSTS", {"production": production.url, "sandbox": sandbox.url})
        async with sending(production.app(url="")) as send:
            address = Address("apns", TOPIC, sandbox.add("ab12"))
            answer = await send(address)
            assert (answer.result, answer.environment) == ("sent", "sandbox")
            known = Address("apns", TOPIC, "ab12", environment="sandbox")
            assert (await send(known)).environment == ""
            assert len(production.requests) == 1
            answer = await send(Address("apns", TOPIC, "cd34"))
            assert (answer.result, answer.detail, answer.environment) == ("dead", "BadDeviceToken", "")


async def test_a_credential_that_expired_is_made_anew_once(tmp_path, trusted):
    async with Apns(tmp_path, trusted) as service, sending(service.app()) as send:
        address = Address("apns", TOPIC, service.add("ab12"))
        token = send.sender._services["apns", TOPIC]._token
        token.bearer()
        token._made_at -= 61
        service.next.append(apns.refusal("ExpiredProviderToken"))
        assert (await send(address)).result == "sent"
        service.next.extend([apns.refusal("ExpiredProviderToken")] * 2)
        assert (await send(address)).result == "credential"
        assert len(service.requests) == 3


@pytest.mark.parametrize(
    ("address", "more", "result"),
    [
        (Address("apns", TOPIC, "ab12", purpose="voip"), {}, "refused"),
        (Address("apns", TOPIC, "../../ab12"), {}, "dead"),
        (Address("apns", TOPIC, "\x00\r\n" * 1000), {}, "dead"),
        (Address("apns", "other", "ab12"), {}, "refused"),
        (Address("fcm", TOPIC, "ab12"), {}, "refused"),
        (Address("apns", TOPIC, "ab12"), {"notification": READ}, "refused"),
        (
            Address("apns", TOPIC, "ab12"),
            {"notification": Notification("read", "t"), "form": "badge"},
            "refused",
        ),
        (Address("apns", TOPIC, "ab12", p256dh=b"x", auth=b"y"), {}, "refused"),
    ],
)
async def test_what_cannot_be_said_to_apns_is_not_sent(tmp_path, trusted, address, more, result):
    async with Apns(tmp_path, trusted) as service, sending(service.app()) as send:
        assert (await send(address, **more)).result == result
        assert service.requests == []


# --- FCM


async def test_fcm_gets_data_and_shows_what_the_app_lets_it_show(tmp_path, trusted):
    keys = Keys()
    async with Fcm(tmp_path, trusted) as service:
        shown = {"app": "shown", "display": True}
        async with sending(service.app(), service.app(**shown)) as send:
            address = Address("fcm", "com.example.android", service.add("t1"))
            assert (await send(address)).result == "sent"
            (one,) = service.accepted
            assert one.data == {key: str(value) for key, value in OBJECT.items()}
            assert (one.android.priority, one.android.notification) == ("HIGH", None)
            assert one.android.collapse_key is None
            assert await send(address, READ, form="background")
            assert service.accepted[-1].android.priority == "NORMAL"
            await send(sealing(address, keys))
            data = dict(service.accepted[-1].data)
            assert opened(keys, data.pop("sealed")) == OBJECT
            assert data == {"v": "1", "kind": "message", "tag": FULL.tag, "badge": "3"}
            assert (await send(Address("fcm", "shown", "t1"))).result == "sent"
            display = service.accepted[-1].android.notification
            assert (display.body_loc_key, display.body_loc_args[0]) == ("MESSAGE_IN_TEXT", "Bob")
            assert (display.tag, display.notification_count) == (FULL.tag, 3)
            await send(
                Address("fcm", "shown", "t1"), Notification("message", "t", text="😀" * 4000, name="B")
            )
            assert len(service.accepted[-1].data["text"]) == 160
        assert service.grants == 2
        assert service.objections == []


@pytest.mark.parametrize("code", fcm.ERRORS)
async def test_every_error_of_fcm_has_its_result(tmp_path, trusted, code):
    expected = {"UNREGISTERED": "dead", "SENDER_ID_MISMATCH": "dead", "QUOTA_EXCEEDED": "busy"}
    expected |= {"THIRD_PARTY_AUTH_ERROR": "credential", "INVALID_ARGUMENT": "refused"}
    async with Fcm(tmp_path, trusted) as service, sending(service.app()) as send:
        service.always = fcm.error(code)
        answer = await send(Address("fcm", "com.example.android", "t1"))
        assert (answer.result, answer.detail) == (expected.get(code, "retry"), code)
        assert len(service.requests) == 1


async def test_fcm_is_believed_when_it_asks_for_patience_and_when_a_token_is_none(tmp_path, trusted):
    address = Address("fcm", "com.example.android", "t1")
    async with Fcm(tmp_path, trusted) as service, sending(service.app()) as send:
        for code in ("QUOTA_EXCEEDED", "UNAVAILABLE"):
            service.next.append(fcm.error(code, retry_after_s=17))
            answer = await send(address)
            assert (answer.result, answer.retry_after_s) == ("busy", 17)
        service.next.append(
            fcm.error("INVALID_ARGUMENT", "The registration token is not a valid FCM registration token")
        )
        assert (await send(address)).result == "dead"
        service.next.append(json_response(404, {"error": {"code": 404, "status": "NOT_FOUND"}}))
        assert (await send(address)).result == "refused", "a wrong project says nothing about a device"
        for body in (b"", b"[]", b"{", b'{"error":7}', b"\xff", b"[" * 5000):
            service.next.append(Response(500, body))
            assert (await send(address)).result == "retry"


async def test_an_access_token_is_asked_for_once_and_again_when_it_is_refused(tmp_path, trusted):
    async with Fcm(tmp_path, trusted) as service, sending(service.app()) as send:
        address = Address("fcm", "com.example.android", service.add("t1"))
        answers = await asyncio.gather(*(send(address) for _ in range(20)))
        assert ({answer.result for answer in answers}, service.grants) == ({"sent"}, 1)
        service.forget_access()
        assert (await send(address)).result == "credential", "it was made just now"
        send.sender._services["fcm", "com.example.android"]._oauth._made_at -= 61
        assert (await send(address)).result == "sent"
        assert service.grants == 2


async def test_an_account_that_google_does_not_know_is_told(tmp_path, trusted):
    async with Fcm(tmp_path, trusted) as service, sending(service.app()) as send:
        address = Address("fcm", "com.example.android", service.add("t1"))
        service.token_faults = [Response(503), json_response(400, {"error": "invalid_grant"})]
        assert (await send(address)).result == "retry"
        answer = await send(address)
        assert (answer.result, answer.detail) == ("credential", "invalid_grant")


# --- gateway


async def test_a_gateway_gets_the_form_of_matrix_signed(tmp_path, trusted):
    keys = Keys()
    async with Gateway(tmp_path) as service, sending(service.app()) as send:
        address = Address("gateway", "com.example.gateway", "t1")
        assert (await send(address)).result == "sent"
        (one,) = service.accepted
        assert (one.event_id, one.room_id, one.type) == ("g4fKz81QwXe2:1041", FULL.room, "m.room.message")
        assert (one.sender, one.sender_display_name, one.room_name) == ("u7", "Bob", "Bike tour")
        assert one.content == {**OBJECT, "msgtype": "m.text", "body": FULL.text}
        assert (one.counts.unread, one.prio) == (3, "high")
        (device,) = one.devices
        assert (device.app_id, device.pushkey) == ("com.example.gateway", "t1")
        await send(address, READ, form="background")
        assert (service.accepted[-1].type, service.accepted[-1].prio) == ("chatd.read", "low")
        await send(sealing(address, keys))
        sealed = service.accepted[-1]
        assert opened(keys, sealed.content["sealed"]) == OBJECT
        assert (sealed.room_id, sealed.sender, sealed.event_id) == (None, None, None)
        service.dead.add("t1")
        assert (await send(address)).result == "dead"
        assert service.unsigned == 0


@pytest.mark.parametrize(
    ("told", "result"),
    [
        (Response(200, b"hello"), "refused"),
        (Response(400), "refused"),
        (Response(401), "credential"),
        (Response(404), "refused"),
        (Response(410), "refused"),
        (Response(429), "busy"),
        (Response(502), "retry"),
        (Response(503, headers={"retry-after": "9"}), "busy"),
        (Response(301, headers={"location": "http://127.0.0.1:1/"}), "refused"),
        ("drop", "retry"),
    ],
)
async def test_every_answer_of_a_gateway_has_its_result(tmp_path, told, result):
    async with Gateway(tmp_path) as service, sending(service.app()) as send:
        service.always = told
        assert (await send(Address("gateway", "com.example.gateway", "t1"))).result == result


async def test_a_gateway_without_a_url_is_told_and_logged(tmp_path, caplog):
    service = Gateway(tmp_path)
    async with sending(service.app(url="ftp://x")) as send:
        answer = await send(Address("gateway", "com.example.gateway", "t1"))
    assert (answer.result, answer.detail) == ("refused", "no such app")
    assert "gateway com.example.gateway" in caplog.text


# --- Web Push


def endpoint(subscription, keys):
    return Address("web", "", subscription["token"], p256dh=keys.p256dh_bytes, auth=keys.secret)


LOOPBACK = ("127.0.0.0/8",)


async def test_a_browser_gets_the_payload_and_nobody_else_reads_it(tmp_path):
    async with WebPush(tmp_path) as service, sending(service.app(), allow=LOOPBACK) as send:
        one, other = service.subscribe(), service.subscribe()
        for subscription in (one, other):
            address = endpoint(subscription, service.subscriptions[subscription["token"]])
            assert (await send(address)).result == "sent"
        received = service.of(one["token"])[0]
        assert received.payload == OBJECT
        headers = {name: received.headers[name] for name in ("topic", "urgency", "content-encoding")}
        assert headers == {"topic": FULL.tag, "urgency": "high", "content-encoding": "aes128gcm"}
        assert 0 < int(received.headers["ttl"]) <= 2_419_200
        address = endpoint(one, service.subscriptions[one["token"]])
        await send(address, Notification("message", "not a topic!", quiet=True), expires_at=0)
        headers = service.of(one["token"])[-1].headers
        assert (headers.get("topic"), headers["urgency"], headers["ttl"]) == (None, "low", "0")
        assert (await send(address, READ, form="background")).result == "refused"
        service.gone.add(one["token"])
        assert (await send(address)).result == "dead"
        assert service.objections == []


@pytest.mark.parametrize(
    ("told", "result"),
    [
        (Response(201), "sent"),
        (Response(202), "sent"),
        (Response(404), "dead"),
        (Response(410), "dead"),
        (Response(400), "refused"),
        (Response(400, b'{"reason":"VapidPkHashMismatch"}'), "dead"),
        (Response(401), "refused"),
        (Response(403, b"the credentials do not correspond to the subscription"), "dead"),
        (Response(403), "refused"),
        (Response(406), "busy"),
        (Response(413), "refused"),
        (Response(429), "busy"),
        (Response(500), "retry"),
        (Response(307, headers={"location": "http://127.0.0.1:1/"}), "refused"),
        (Response(201, b"x" * 70_000), "retry"),
        ("drop", "retry"),
    ],
)
async def test_every_answer_of_a_browsers_service_has_its_result(tmp_path, told, result):
    async with WebPush(tmp_path) as service, sending(service.app(), allow=LOOPBACK) as send:
        subscription = service.subscribe()
        service.always = told
        answer = await send(endpoint(subscription, service.subscriptions[subscription["token"]]))
        assert answer.result == result


async def test_a_server_of_a_stranger_slows_nobody_down(tmp_path, monkeypatch):
    """Three failures are tried again; then it is left alone, and what is for it is over at once."""
    async with WebPush(tmp_path) as service, sending(service.app(), allow=LOOPBACK) as send:
        web = send.sender._services["web", ""]
        monkeypatch.setattr(web, "_is_known", lambda host: False)
        subscription = service.subscribe()
        address = endpoint(subscription, service.subscriptions[subscription["token"]])
        service.next.extend([Response(500)] * 4)
        assert [(await send(address)).result for _ in range(5)] == ["retry"] * 3 + ["refused"] * 2
        assert len(service.requests) == 4
        next(iter(web._origins.values())).held_until = 0.0
        assert (await send(address)).result == "sent"
        service.next.append(Response(429, headers={"retry-after": "30"}))
        answer = await send(address)
        assert (answer.result, answer.retry_after_s) == ("refused", 0.0)
        assert (await send(address)).detail == "the server is down"


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("http://127.0.0.1:1/x", "refused"),
        ("https://169.254.169.254/latest", "refused"),
        ("https://[::1]/x", "refused"),
        ("http://93.184.215.14/x", "refused"),
        ("https://user@example.com/x", "dead"),
        ("ftp://example.com", "dead"),
        ("\x00" * 4096, "dead"),
    ],
)
async def test_an_endpoint_at_an_address_of_ours_is_not_asked(tmp_path, url, result):
    service = WebPush(tmp_path)
    keys = Keys()
    async with sending(service.app()) as send:
        answer = await send(Address("web", "", url, p256dh=keys.p256dh_bytes, auth=keys.secret))
        assert answer.result == result


async def test_servers_of_strangers_that_hang_leave_room_for_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr("chatd.push.sender.web.STRANGERS_MAX", 5)
    async with WebPush(tmp_path) as service, sending(service.app(), allow=LOOPBACK) as send:
        web = send.sender._services["web", ""]
        monkeypatch.setattr(web, "_is_known", lambda host: False)
        subscription = service.subscribe()
        address = endpoint(subscription, service.subscriptions[subscription["token"]])
        service.hold()
        waiting = [asyncio.ensure_future(send(address)) for _ in range(5)]
        await service.came(5)
        assert (await send(address)).detail == "too many slow servers"
        service.release()
        assert {(await one).result for one in waiting} == {"sent"}
        assert (await send(address)).result == "sent"
        assert web._strangers == 0


async def test_names_that_clients_invent_say_nothing_about_a_service(tmp_path):
    """Only a server of a browser's vendor that has answered counts for the others."""
    web = Web(PushApp(**WebPush(tmp_path).app()), SUBJECT, (), SystemEnv())
    known = {
        url: web._is_known(target_of(url))
        for url in (
            "https://fcm.googleapis.com/x",
            "https://fcm.googleapis.com:81/x",
            "https://invented.googleapis.com/x",
            "https://web.push.apple.com:8443/x",
            "https://updates.push.services.mozilla.com/x",
        )
    }
    assert [url for url, is_known in known.items() if is_known] == [
        "https://fcm.googleapis.com/x",
        "https://updates.push.services.mozilla.com/x",
    ]
    async with WebPush(tmp_path) as service, sending(service.app(), allow=LOOPBACK) as send:
        subscription = service.subscribe()
        address = endpoint(subscription, service.subscriptions[subscription["token"]])
        service.next.extend([Response(500), Response(201), Response(500)])
        nowhere = Address("web", "", "https://127.0.0.1:1/x", p256dh=address.p256dh, auth=address.auth)
        told = [await send(one) for one in (nowhere, address, address, address)]
        assert [(one.result, one.is_stranger) for one in told] == [
            ("retry", True),
            ("retry", False),
            ("sent", False),
            ("retry", False),
        ]


async def test_one_server_takes_not_all_of_the_places(tmp_path, monkeypatch):
    monkeypatch.setattr("chatd.push.sender.web.STRANGERS_OF_ONE_MAX", 2)
    async with WebPush(tmp_path) as service, sending(service.app(), allow=LOOPBACK) as send:
        web = send.sender._services["web", ""]
        monkeypatch.setattr(web, "_is_known", lambda target: False)
        subscription = service.subscribe()
        address = endpoint(subscription, service.subscriptions[subscription["token"]])
        service.hold()
        waiting = [asyncio.ensure_future(send(address)) for _ in range(2)]
        await service.came(2)
        told = await send(address)
        assert (told.result, told.is_stranger) == ("retry", True)
        service.release()
        assert {(await one).result for one in waiting} == {"sent"}


async def test_connections_to_many_servers_are_few(tmp_path, monkeypatch):
    monkeypatch.setattr("chatd.push.sender.web.ORIGINS_MAX", 2)
    async with WebPush(tmp_path) as service, sending(service.app()) as send:
        keys = Keys()
        for port in range(1, 6):
            url = f"https://127.0.0.1:{port}/x"
            await send(Address("web", "", url, p256dh=keys.p256dh_bytes, auth=keys.secret))
        assert len(send.sender._services["web", ""]._origins) == 2


# --- all of them


@pytest.mark.parametrize("platform", ["apns", "fcm", "web", "gateway"])
async def test_a_key_that_is_missing_is_told_for_each_and_logged_once(tmp_path, platform, caplog):
    keys = Keys()
    app = {"platform": platform, "app": "a", "key_file": str(tmp_path / "none"), "url": "http://127.0.0.1:1"}
    token = "https://127.0.0.1:1/x" if platform == "web" else "ab12"
    async with sending(app, allow=LOOPBACK) as send:
        address = Address(platform, "a", token, p256dh=keys.p256dh_bytes, auth=keys.secret)
        answers = [await send(address) for _ in range(3)]
    assert {(answer.result, answer.detail) for answer in answers} == {("credential", "key_file")}
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_what_is_under_way_at_the_end_is_answered(tmp_path, trusted):
    async with Apns(tmp_path, trusted) as service, sending(service.app()) as send:
        service.hold()
        under_way = [send.running.begin(Address("apns", TOPIC, "ab12"), FULL) for _ in range(3)]
        await service.came(1)
        await send.sender.close()
        assert [(await one).result for one in under_way] == ["retry"] * 3


async def test_a_defect_is_logged_and_answered(tmp_path, trusted, monkeypatch, caplog):
    async with Apns(tmp_path, trusted) as service, sending(service.app()) as send:
        monkeypatch.setattr(apns_module, "aps_of", None)
        answer = await send(Address("apns", TOPIC, "ab12"))
        assert (answer.result, answer.detail) == ("refused", "defect")
        assert "TypeError" in caplog.text
