"""The push services of the tests: they take what is right, and refuse what the real ones refuse."""

import base64
import json
import ssl
import time
from contextlib import asynccontextmanager

import http_ece
import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.kit.push_services.apns import KEY_ID, TEAM, TOPIC, Apns, refusal
from tests.kit.push_services.authority import Authority
from tests.kit.push_services.fcm import GRANT, PROJECT, Fcm, error
from tests.kit.push_services.gateway import Gateway
from tests.kit.push_services.web_push import Keys, WebPush, base64url

NOW_S = 1_763_900_000
ALERT = {"aps": {"alert": {"loc-key": "MESSAGE_FROM", "loc-args": ["Bob"]}, "badge": 1}}
HEADERS = {
    "apns-topic": TOPIC,
    "apns-push-type": "alert",
    "apns-priority": "10",
    "apns-expiration": "0",
    "apns-collapse-id": "a" * 64,
}
RFC8291_BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3j"
    "l7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@asynccontextmanager
async def client(authority):
    tls = ssl.create_default_context(cafile=authority.file)
    async with httpx2.AsyncClient(verify=tls, http2=True, trust_env=False) as made:
        yield made


@asynccontextmanager
async def apns(directory, authority):
    """Apple with a clock that stands still: another second would make another token."""
    async with Apns(directory, authority) as service:
        service.now_s = lambda: NOW_S
        yield service


def provider_token(service, *, kid=KEY_ID, iss=TEAM, age_s=0):
    key = service.key_file.read_text()
    claims = {"iss": iss, "iat": NOW_S - age_s}
    return "bearer " + jwt.encode(claims, key, algorithm="ES256", headers={"kid": kid})


async def push(made, service, device="d1", payload=ALERT, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    merged = {"authorization": provider_token(service)} | HEADERS | given
    merged = {name: value for name, value in merged.items() if value}
    answer = await made.post(f"{service.url}/3/device/{device}", json=payload, headers=merged)
    return answer.json()["reason"] if answer.content else answer.status_code


async def test_apns_takes_a_right_request_and_names_the_reason_for_any_other(tmp_path, authority):
    async with apns(tmp_path, authority) as service, client(authority) as made:
        service.add("d1")
        service.add("other", "com.example.other")
        service.gone["away"] = 1_700_000_000_000
        assert await push(made, service) == 200
        wrong = {
            "MissingProviderToken": {"authorization": ""},
            "InvalidProviderToken": {"authorization": provider_token(service, kid="OTHER")},
            "ExpiredProviderToken": {"authorization": provider_token(service, age_s=3700)},
            "MissingTopic": {"apns_topic": ""},
            "InvalidPushType": {"apns_push_type": ""},
            "BadTopic": {"apns_push_type": "voip"},
            "BadPriority": {"apns_push_type": "background"},
            "BadExpirationDate": {"apns_expiration": "soon"},
            "BadCollapseId": {"apns_collapse_id": "a" * 65},
            "BadMessageId": {"apns_id": "7"},
            "BadDeviceToken": {"device": "unknown"},
            "DeviceTokenNotForTopic": {"device": "other"},
            "Unregistered": {"device": "away"},
            "PayloadTooLarge": {"payload": {**ALERT, "more": "x" * 4096}},
        }
        assert {reason: await push(made, service, **keys) for reason, keys in wrong.items()} == {
            reason: reason for reason in wrong
        }
        assert len(service.accepted) == 1
        assert service.objections == []
        assert await push(made, service, payload={"aps": {"badge": "1", "alert": {"title": 1}}}) == 200
        assert service.objections == ["aps.badge", "title"]


async def test_apns_wants_a_token_for_twenty_minutes(tmp_path, authority):
    async with apns(tmp_path, authority) as service, client(authority) as made:
        service.add("d1")
        assert await push(made, service, authorization=provider_token(service, age_s=1800)) == 200
        assert await push(made, service, authorization=provider_token(service, age_s=600)) == 200
        refused = await push(made, service, authorization=provider_token(service))
        assert refused == "TooManyProviderTokenUpdates"


async def test_a_service_can_fail_as_it_is_told(tmp_path, authority):
    async with apns(tmp_path, authority) as service, client(authority) as made:
        service.add("d1")
        service.next += [refusal("Shutdown"), "reset", "drop", "goaway"]
        assert await push(made, service) == "Shutdown"
        for _ in range(3):
            with pytest.raises(httpx2.TransportError):
                await push(made, service)
        assert await push(made, service) == 200
        assert service.listener.connections == 3


async def test_fcm_gives_access_to_its_account_and_takes_what_its_schema_allows(tmp_path, authority):
    async with Fcm(tmp_path, authority) as service, client(authority) as made:
        service.add("d1")
        service.foreign.add("theirs")
        account = json.loads(service.key_file.read_text())
        now = int(time.time())
        claims = {"iss": account["client_email"], "aud": account["token_uri"], "iat": now, "exp": now + 3600}
        claims["scope"] = "https://www.googleapis.com/auth/firebase.messaging"

        async def grant(**changed):
            assertion = jwt.encode(
                claims | changed, account["private_key"], algorithm="RS256", headers={"kid": "a1b2c3"}
            )
            form = {"grant_type": GRANT, "assertion": assertion}
            return (await made.post(account["token_uri"], data=form)).json()

        assert (await grant(iss="somebody"))["error"] == "invalid_grant"
        assert (await grant(scope="email"))["error"] == "invalid_scope"
        access = (await grant())["access_token"]

        async def send(message, access=access):
            answer = await made.post(
                f"{service.url}/v1/projects/{PROJECT}/messages:send",
                json={"message": message},
                headers={"authorization": f"Bearer {access}"},
            )
            if answer.status_code == 200:
                return "sent"
            problem = answer.json()["error"]
            return problem["details"][0]["errorCode"] if "details" in problem else problem["status"]

        assert await send({"token": "d1", "data": {"a": "1"}, "android": {"ttl": "60s"}}) == "sent"
        assert await send({"token": "d1"}, access="other") == "UNAUTHENTICATED"
        assert await send({"token": "gone"}) == "UNREGISTERED"
        assert await send({"token": "theirs"}) == "SENDER_ID_MISMATCH"
        wrong = [
            {},
            {"token": "d1", "topic": "news"},
            {"token": "d1", "data": {"a": 1}},
            {"token": "d1", "data": {"from": "a"}},
            {"token": "d1", "data": {"a": "x" * 4096}},
            {"token": "d1", "android": {"ttl": "60"}},
            {"token": "d1", "android": {"ttl": "2419201s"}},
            {"token": "d1", "android": {"collapse_key": "a"}},
            {"token": "d1", "unknown": "a"},
        ]
        assert [await send(message) for message in wrong] == ["INVALID_ARGUMENT"] * len(wrong)
        service.next.append(error("QUOTA_EXCEEDED", retry_after_s=7))
        assert await send({"token": "d1"}) == "QUOTA_EXCEEDED"
        assert len(service.accepted) == 1


def bytes_of(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_second_implementation_opens_the_examples_of_the_specifications():
    """RFC 8188, sections 3.1 and 3.2, and RFC 8291, section 5."""
    assert (
        http_ece.decrypt(
            bytes_of("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg"),
            key=bytes_of("yqdlZ-tYemfogSmv7Ws5PQ"),
        )
        == http_ece.decrypt(
            bytes_of(
                "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA"
            ),
            key=bytes_of("BO3ZVPxUlnLORbVGMpbT1Q"),
        )
        == b"I am the walrus"
    )
    private = int.from_bytes(bytes_of("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    keys = Keys(ec.derive_private_key(private, ec.SECP256R1()), bytes_of("BTBZMqHH6r4Tts7J_aSIgg"))
    p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    assert keys.p256dh == p256dh
    assert keys.open(bytes_of(RFC8291_BODY)) == b"When I grow up, I want to be a watermelon"


async def test_a_push_service_of_browsers_checks_sender_headers_and_size(tmp_path, authority):
    async with WebPush(tmp_path, authority) as service, client(authority) as made:
        subscription = service.subscribe()
        endpoint = subscription["token"]
        keys = service.subscriptions[endpoint]
        own = load_pem_private_key(service.key_file.read_bytes(), None)
        public = base64url(own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        sender_key = ec.generate_private_key(ec.SECP256R1())
        sealed = http_ece.encrypt(
            b'{"v":1}', private_key=sender_key, dh=keys.p256dh_bytes, auth_secret=keys.secret
        )

        async def send(*, to=endpoint, body=sealed, life_s=3600, sub="mailto:a@example.com", **changed):
            claims = {"aud": service.url, "exp": int(time.time()) + life_s, "sub": sub}
            token = jwt.encode(claims, own, algorithm="ES256")
            headers = {"ttl": "60", "urgency": "high", "topic": "a" * 16, "content-encoding": "aes128gcm"}
            headers |= {"authorization": f"vapid t={token}, k={public}"} | changed
            return (await made.post(to, content=body, headers=headers)).status_code

        assert await send() == 201
        assert [one.payload for one in service.of(endpoint)] == [{"v": 1}]
        assert await send(life_s=90_000) == await send(life_s=-1) == await send(sub="somebody") == 403
        assert await send(authorization="") == 401
        assert await send(ttl="") == await send(urgency="soon") == await send(topic="a" * 33) == 400
        assert await send(body=bytes(4097)) == 413
        assert await send(to=f"{service.url}/wp/other") == 404
        service.gone.add(endpoint)
        assert await send() == 410
        assert len(service.accepted) == 1


async def test_a_gateway_names_the_dead_and_knows_a_signature(tmp_path, authority):
    async with Gateway(tmp_path, authority) as service, client(authority) as made:
        service.dead.add("d2")
        devices = [{"app_id": "a", "pushkey": "d1"}, {"app_id": "a", "pushkey": "d2"}]
        url = service.app()["url"]
        answer = await made.post(url, json={"notification": {"devices": devices, "counts": {"unread": 1}}})
        assert answer.json() == {"rejected": ["d2"]}
        assert (await made.post(url, json={"notification": {"devices": []}})).status_code == 400
        assert (len(service.accepted), service.unsigned) == (1, 2)
