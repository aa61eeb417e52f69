"""The push services of the tests: they take what is right, and refuse what the real ones refuse."""

import json
import ssl
import time
from contextlib import asynccontextmanager

import httpx2
import jwt
import pytest

from tests.kit.push_services.apns import KEY_ID, TEAM, TOPIC, Apns, refusal
from tests.kit.push_services.authority import Authority
from tests.kit.push_services.fcm import GRANT, PROJECT, Fcm, error

ALERT = {"aps": {"alert": {"loc-key": "MESSAGE_FROM", "loc-args": ["Bob"]}, "badge": 1}}
HEADERS = {
    "apns-topic": TOPIC,
    "apns-push-type": "alert",
    "apns-priority": "10",
    "apns-expiration": "0",
    "apns-collapse-id": "a" * 64,
}


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@asynccontextmanager
async def client(authority):
    tls = ssl.create_default_context(cafile=authority.file)
    async with httpx2.AsyncClient(verify=tls, http2=True, trust_env=False) as made:
        yield made


def provider_token(service, *, kid=KEY_ID, iss=TEAM, age_s=0):
    key = service.key_file.read_text()
    claims = {"iss": iss, "iat": int(time.time()) - age_s}
    return "bearer " + jwt.encode(claims, key, algorithm="ES256", headers={"kid": kid})


async def push(made, service, device="d1", payload=ALERT, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    merged = {"authorization": provider_token(service)} | HEADERS | given
    merged = {name: value for name, value in merged.items() if value}
    answer = await made.post(f"{service.url}/3/device/{device}", json=payload, headers=merged)
    return answer.json()["reason"] if answer.content else answer.status_code


async def test_apns_takes_a_right_request_and_names_the_reason_for_any_other(tmp_path, authority):
    async with Apns(tmp_path, authority) as service, client(authority) as made:
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
    async with Apns(tmp_path, authority) as service, client(authority) as made:
        service.add("d1")
        assert await push(made, service, authorization=provider_token(service, age_s=1800)) == 200
        assert await push(made, service, authorization=provider_token(service, age_s=600)) == 200
        refused = await push(made, service, authorization=provider_token(service))
        assert refused == "TooManyProviderTokenUpdates"


async def test_a_service_can_fail_as_it_is_told(tmp_path, authority):
    async with Apns(tmp_path, authority) as service, client(authority) as made:
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
