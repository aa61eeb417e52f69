"""Every route against every kind of caller: what opens it, what does not, and what is told then."""

import asyncio
import base64
from functools import partial
from pathlib import Path

import pytest

from chatd.core.audit import SOCKET, Audit
from chatd.http.api import access, application, ndjson
from chatd.http.api.application import TABLE
from chatd.http.api.route import OPEN, SOCKET_ONLY, Call, Route, scopes_of
from chatd.http.api.route import Caller as Sender
from chatd.protocol.errors import Refused
from tests.http.api.conftest import ADDRESS, Caller, WithKey
from tests.kit import http
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.stepped_env import SteppedEnv

VALUES = {
    "user": "alice",
    "device": "A" * 22,
    "room": "gAbCdEfGhIj0",
    "seq": 2,
    "key": "a" * 8,
    "code": "gone",
    "report": "r1",
    "name": "search",
    "entry": "k7Qd-1-0",
    "sticker": "cat-waving",
    "file": "Fz3kQ0aaaaaaaaaaaaaaaa",
    "filter": "insults",
}
# Each asks for a thousand routes: the loop makes no difference.
ONE_LOOP = pytest.mark.asyncio(loop_factories=["uvloop"])
REFUSED = {"key_invalid", "forbidden", "rate_limited"}
DAY_MS = 86_400_000


def path_of(route: Route) -> str:
    return route.path.format(**VALUES)


async def code_of(caller: Caller, route: Route) -> str:
    """The code with which a caller is turned away; "" when the request got past all checks of its sender."""
    answer = await caller(route.method, path_of(route), {} if route.has_body else None)
    code = "" if answer.status == 200 else answer.json["code"]
    return code if code in REFUSED else ""


def expected(route: Route, scope: str) -> str:
    opens = route.scope == OPEN or scope == route.scope or (route.reads and scope == f"{route.scope}.read")
    return "" if opens else "forbidden"


async def wrong_answers(with_key: WithKey) -> list[tuple[str, str, str]]:
    """(scope, route, code) of every route that a key with one scope can use and should not, or the other way."""
    wrong = []
    for scope in sorted(scopes_of(TABLE)):
        caller = await with_key(scope)
        for route in TABLE:
            code = await code_of(caller, route)
            if code != expected(route, scope):
                wrong.append((scope, f"{route.method} {route.path}", code))
    return wrong


@ONE_LOOP
async def test_a_key_opens_the_routes_of_its_scopes_and_no_other(with_key: WithKey) -> None:
    assert await wrong_answers(with_key) == []


@pytest.mark.parametrize("broken", ["require_scope"])
@ONE_LOOP
async def test_a_scope_that_is_not_checked_is_found(
    with_key: WithKey, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(access.Access, broken, lambda self, caller, route: None)
    assert await wrong_answers(with_key) != []


@ONE_LOOP
async def test_without_a_valid_key_nothing_opens(tmp_path: Path) -> None:
    clock = SteppedEnv()
    async with running_daemon(config_for(tmp_path, listen=ADDRESS), clock) as daemon:
        every, now = sorted(scopes_of(TABLE)), clock.now_ms()
        keys = {}
        for name in ("good", "expired", "deleted", "rotated"):
            expires_at = now + DAY_MS if name == "expired" else 0
            made = await daemon.api("POST", "/v1/keys", name=name, scopes=every, expires_at=expires_at)
            keys[name] = Caller(daemon.api_url, made.json["secret"], made.json["key"]["id"])
        await daemon.api("DELETE", f"/v1/keys/{keys['deleted'].id}")
        await daemon.api("POST", f"/v1/keys/{keys['rotated'].id}/rotate", overlap_s=0)
        clock.advance(DAY_MS / 1000)
        secret = keys["good"].secret
        callers = {
            "nobody": Caller(daemon.api_url),
            "a wrong secret": Caller(daemon.api_url, secret[:-1] + ("A" if secret[-1] != "A" else "B")),
            "an unknown id": Caller(daemon.api_url, "ck_" + "b" * 8 + secret[11:]),
            "no key at all": Caller(daemon.api_url, "ck_"),
            "two keys": Caller(daemon.api_url, secret + "\r\nAuthorization: Bearer " + secret),
            **{name: keys[name] for name in ("expired", "deleted", "rotated")},
        }
        for who, caller in callers.items():
            for route in TABLE:
                wanted = "" if route.scope == OPEN else "key_invalid"
                assert await code_of(caller, route) == wanted, (who, route.path)
        for scheme in ("Basic", "bearer", "Bearer"):
            answer = await http.request(
                f"{daemon.api_url}/v1/keys", headers={"Authorization": f"{scheme} {secret}"}
            )
            assert answer.status == (401 if scheme == "Basic" else 200)
        assert (await Caller(daemon.api_url)("GET", "/v1/keys")).headers["www-authenticate"] == "Bearer"


async def test_the_admin_socket_needs_no_key_and_heeds_one(daemon: RunningDaemon, with_key: WithKey) -> None:
    for route in TABLE:
        answer = await daemon.api(route.method, path_of(route))
        assert answer.status == 200 or answer.json["code"] not in REFUSED, route.path
    caller = await with_key("tokens")
    socket_path = Path(daemon.config.storage.directory) / "chatd.sock"
    bearer = {"Authorization": f"Bearer {caller.secret}"}
    answer = await http.request("http://admin/v1/users", headers=bearer, socket_path=socket_path)
    assert (answer.status, answer.json["code"]) == (403, "forbidden")


async def test_every_listener_for_operators_serves_it_and_no_other(
    daemon: RunningDaemon, with_key: WithKey
) -> None:
    caller = await with_key("users")
    for url in (daemon.api_url, daemon.ops_url):
        assert (await Caller(url, caller.secret)("GET", "/v1/users")).status == 200
    assert (await Caller(daemon.http_url, caller.secret)("GET", "/v1/users")).status == 404
    assert (await http.request(f"{daemon.api_url}/metrics")).status == 404


async def test_a_console_link_is_for_the_socket_alone(with_key: WithKey) -> None:
    caller = await with_key(*sorted(scopes_of(TABLE)))
    [route] = [route for route in TABLE if route.scope == SOCKET_ONLY]
    assert await code_of(caller, route) == "forbidden"


async def test_keys_do_not_belong_in_web_pages_nor_in_urls(
    daemon: RunningDaemon, with_key: WithKey, caplog: pytest.LogCaptureFixture
) -> None:
    caller = await with_key("users")
    for origin in ("https://evil.example", "null", daemon.api_url):
        answer = await caller("GET", "/v1/users", headers={"Origin": origin})
        assert (answer.status, answer.json["code"]) == (403, "forbidden")
    escaped = caller.secret.replace("_", "%5F")
    for path in (
        f"/v1/users?key={caller.secret}",
        f"/v1/users?limit={escaped}",
        f"/v1/users/{caller.secret}",
    ):
        answer = await caller("GET", path)
        assert (answer.status, answer.json["code"]) == (401, "key_invalid")
        assert caller.secret not in answer.body.decode()
    # pytest switches the access log of uvicorn on, which a daemon does not have.
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("chatd")]
    assert caller.secret not in "".join(ours)


async def test_keys_cross_a_network_only_encrypted_or_behind_a_trusted_proxy(
    daemon: RunningDaemon, with_key: WithKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await with_key("users")
    monkeypatch.setattr(access, "is_loopback", lambda host: False)
    answer = await caller("GET", "/v1/users")
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    daemon.reconfigure(listen={"trusted_proxies": ("127.0.0.0/8",)})
    assert (await caller("GET", "/v1/users")).status == 200


async def test_each_key_has_a_rate_of_its_own(tmp_path: Path) -> None:
    clock = SteppedEnv()
    async with running_daemon(config_for(tmp_path, listen=ADDRESS, api={"burst": 3}), clock) as daemon:
        one, other = [
            Caller(
                daemon.api_url,
                (await daemon.api("POST", "/v1/keys", name=name, scopes=["users"])).json["secret"],
            )
            for name in ("one", "other")
        ]
        for _ in range(3):
            assert (await one("GET", "/v1/users")).status == 200
        answer = await one("GET", "/v1/users")
        assert (answer.status, answer.json["code"], answer.json["scope"]) == (429, "rate_limited", "key")
        assert answer.headers["retry-after"] == "1"
        assert (await other("GET", "/v1/users")).status == 200
        for _ in range(5):
            assert (await daemon.api("GET", "/v1/users")).status == 200
        clock.advance(answer.json["retry_after"] / 1000)
        assert (await one("GET", "/v1/users")).status == 200


async def begun(
    caller: Caller, line: str, body_bytes: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request past the checks of its sender, whose body is being waited for."""
    host, port = caller.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.secret}\r\n"
    writer.write(f"{head}Content-Length: {body_bytes}\r\nExpect: 100-continue\r\n\r\n".encode())
    assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


ENDINGS = {"deleted": ("DELETE", "", {}), "rotated": ("POST", "/rotate", {"overlap_s": 0})}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("POST /v1/keys", b'{"name":"another","scopes":["users"]}'),
        ("PUT /v1/users", b'{"user":"u1"}'),
    ],
)
async def test_a_key_that_ends_before_the_body_of_its_request_has_come_changes_nothing(
    daemon: RunningDaemon, with_key: WithKey, ending: str, line: str, body: bytes
) -> None:
    caller = await with_key("users", "keys")
    reader, writer = await begun(caller, line, len(body))
    method, below, asked = ENDINGS[ending]
    assert (await daemon.api(method, f"/v1/keys/{caller.id}{below}", **asked)).status == 200
    writer.write(body)
    answer = b""
    while b"}" not in answer:
        answer += await reader.read(4096)
    assert b'"code":"key_invalid"' in answer
    writer.close()
    assert (await daemon.api("GET", "/v1/users")).json["users"] == []
    keys = (await daemon.api("GET", "/v1/keys")).json["keys"]
    assert [one["name"] for one in keys] == (["key-1"] if ending == "rotated" else [])


async def test_a_key_that_ends_ends_its_upload(
    daemon: RunningDaemon, with_key: WithKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "TOGETHER", 1)
    caller, keys = await with_key("users"), daemon.app.host.api_keys
    [route] = [route for route in TABLE if (route.method, route.path) == ("PUT", "/v1/users")]
    services = daemon.app.host.services(lambda name, scopes: "", ())
    sender = Sender(keys.verified(caller.secret), lambda: keys.verified(caller.secret) is not None)
    call = Call(services, sender, route, {}, "job-17")
    lines = ndjson.lines_of(b'{"user":"u1"}\n{"user":"u2"}\n')
    answers = ndjson.answered(call, lines, partial(application.decoded, kind=route.asked))
    assert await anext(answers) == b'{"line":1,"ok":true}\n'
    await daemon.api("DELETE", f"/v1/keys/{caller.id}")
    assert b'"code":"key_invalid"' in await anext(answers)
    assert [row["user"] for row in (await daemon.api("GET", "/v1/users")).json["users"]] == ["u1"]


async def test_a_key_that_is_deleted_as_it_is_rotated_is_gone(
    daemon: RunningDaemon, with_key: WithKey
) -> None:
    caller, keys = await with_key("users"), daemon.app.host.api_keys
    audit = Audit(SOCKET, "a test", caller.id, "job-17")
    rotated, deleted = await asyncio.gather(
        keys.rotate(caller.id, 0, SOCKET, audit),
        keys.delete(caller.id, SOCKET, audit),
        return_exceptions=True,
    )
    assert isinstance(rotated, Refused)
    assert (rotated.code, deleted, keys.listed()) == ("not_found", None, [])
    await keys.load()
    assert keys.listed() == []


async def test_a_key_has_so_many_requests_under_way(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path, listen=ADDRESS, api={"in_flight": 1})) as daemon:
        made = await daemon.api("POST", "/v1/keys", name="k", scopes=["users"])
        caller = Caller(daemon.api_url, made.json["secret"])
        reader, writer = await begun(caller, "PUT /v1/users/alice", 2)
        answer = await caller("GET", "/v1/users")
        assert (answer.status, answer.json["code"]) == (429, "rate_limited")
        writer.write(b"{}")
        assert b"200 OK" in await reader.readuntil(b"\r\n")
        writer.close()
        assert (await caller("GET", "/v1/users")).status == 200


async def test_the_id_of_a_request_is_given_back_and_logged(
    daemon: RunningDaemon, with_key: WithKey, caplog: pytest.LogCaptureFixture
) -> None:
    caller = await with_key("users")
    caplog.set_level("INFO")
    answer = await caller("GET", "/v1/users/nobody", headers={"X-Request-Id": "job-17:3"})
    assert (answer.status, answer.headers["x-request-id"]) == (404, "job-17:3")
    [record] = [record for record in caplog.records if getattr(record, "request", "") == "job-17:3"]
    assert record.getMessage() == "GET /v1/users/{user}: 404"
    assert vars(record)["key"] == caller.id
    assert daemon.app.counters.api_requests == {"ok": 1, "not_found": 1}  # the key was made, too
    for given in ("", "a b", "x" * 65):
        made = (await caller("GET", "/v1/nowhere", headers={"X-Request-Id": given})).headers["x-request-id"]
        assert made != given
        assert len(base64.b32decode(made.upper())) == application.ID_BYTES
