import asyncio
import json
import logging
from dataclasses import dataclass

import pytest

from chatd.config.model import Config, Listen
from chatd.config.web import Web
from chatd.http.listeners import Listener, ListenerOptions
from chatd.http.login import LOGIN_BYTES_MAX
from chatd.http.routes import ops_application, public_application
from chatd.protocol.errors import Refused, Unavailable
from chatd.telemetry.counters import Counters
from chatd.web.site import Website
from chatd.websocket.acceptor_config import acceptor_config
from chatd.websocket.admission import Admission
from tests.kit import http
from tests.kit.echo_server import Echo, LoopEnv

RIGHT = {"user": "alice", "password": "correct horse"}
POST = b"POST /v1/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
DEVICE = "Zk3vN0b1Q2mXr8sT5uWy7A"


@dataclass
class Granted:
    token: str = "a token"
    expires_in_s: int = 3600
    session: str | None = None


class Logins:
    """Accounts that remember what they were asked and give or raise what a test sets."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.result: object = Granted()

    async def log_in(self, asked, address, remember_s):
        self.asked.append((asked.user, asked.password, asked.device, address))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def logins() -> Logins:
    return Logins()


@pytest.fixture
async def serve():
    """Serves applications and gives their URLs."""
    listeners = []

    async def _serve(application) -> str:
        listener = Listener("127.0.0.1:0", application, ListenerOptions(request_deadline_s=10.0, backlog=16))
        await listener.start()
        listeners.append(listener)
        return f"http://127.0.0.1:{listener.port}"

    yield _serve
    for listener in listeners:
        await listener.stop(0.0)


ORIGIN = "https://app.example"


@pytest.fixture
def acceptor():
    """The configuration of an acceptor, with one trusted proxy and one web page that may connect."""
    listen = Listen(trusted_proxies=("127.0.0.0/8",), origins=(ORIGIN,))
    config, counters = Config(listen=listen), Counters()
    return acceptor_config(config, Echo, env=LoopEnv(), admission=Admission(config.limits), counters=counters)


@pytest.fixture
async def public(serve, logins, acceptor) -> str:
    return await serve(public_application(lambda: logins, acceptor, Website(Web())))


async def login(url: str, **changes):
    return await http.request(f"{url}/v1/login", "POST", content={**RIGHT, **changes})


async def test_health_is_six_bytes_and_not_stored(public):
    answer = await http.request(f"{public}/v1/health")
    assert (answer.status, answer.body) == (200, b"chatd\n")
    assert answer.headers["cache-control"] == "no-store"


async def test_health_has_a_head(public):
    answer = await http.request(f"{public}/v1/health", "HEAD")
    assert (answer.status, answer.body) == (200, b"")


PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


class TestWebPages:
    """A browser on behalf of a page: it sends a preflight, and reads only replies that name the page's origin."""

    async def test_of_a_listed_origin_fetches_health(self, public):
        answer = await http.request(f"{public}/v1/health", headers={"Origin": ORIGIN})
        assert (answer.status, answer.body) == (200, b"chatd\n")
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["vary"] == "Origin"

    async def test_of_a_listed_origin_logs_in(self, public):
        asked = {"Origin": ORIGIN, **PREFLIGHT}
        answer = await http.request(f"{public}/v1/login", "OPTIONS", headers=asked)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-allow-headers"].lower() == "content-type"
        answer = await http.request(f"{public}/v1/login", "POST", content=RIGHT, headers={"Origin": ORIGIN})
        assert (answer.status, answer.json["token"]) == (200, "a token")
        assert answer.headers["access-control-allow-origin"] == ORIGIN

    async def test_of_a_listed_origin_reads_refusals_and_when_to_come_back(self, public, logins):
        logins.result = Refused("rate_limited", retry_after=4500, scope="address")
        answer = await http.request(f"{public}/v1/login", "POST", content=RIGHT, headers={"Origin": ORIGIN})
        assert (answer.status, answer.headers["retry-after"]) == (429, "5")
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
        answer = await http.request(f"{public}/v1/nothing", headers={"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.evil.example"])
    async def test_of_another_origin_log_nobody_in_and_are_named(self, public, logins, origin, caplog):
        for method, content, more in (("POST", RIGHT, {}), ("OPTIONS", None, PREFLIGHT)):
            answer = await http.request(
                f"{public}/v1/login", method, content=content, headers={"Origin": origin, **more}
            )
            assert (answer.status, answer.json) == (403, {"code": "forbidden"})
            assert "access-control-allow-origin" not in answer.headers
        assert logins.asked == []
        (line,) = [
            record.getMessage() for record in caplog.records if record.name == "chatd.websocket.origins"
        ]
        assert "may not connect" in line

    async def test_of_another_origin_cannot_read_health(self, public):
        answer = await http.request(f"{public}/v1/health", headers={"Origin": "https://evil.example"})
        assert answer.status == 200
        assert "access-control-allow-origin" not in answer.headers

    async def test_without_an_origin_nothing_of_it_is_said(self, public):
        answer = await http.request(f"{public}/v1/health")
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert (await http.request(f"{public}/v1/login", "OPTIONS")).status == 405


UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket"}


class TestWebSocketWithoutUpgrade:
    @pytest.mark.parametrize(
        ("version", "headers", "what"),
        [
            ("1.1", {}, "the Upgrade header is missing"),
            ("1.1", {"Connection": "Upgrade"}, "the Upgrade header is missing"),
            (
                "1.1",
                {"Connection": "keep-alive", "Upgrade": "websocket"},
                "the Connection header is not Upgrade",
            ),
            ("1.1", {**UPGRADE, "Upgrade": "h2c"}, "the Upgrade header is not websocket but 'h2c'"),
            ("1.1", {**UPGRADE, "Upgrade": "\xff" * 99}, "the Upgrade header is not websocket but '"),
            ("1.0", UPGRADE, "HTTP/1.0 has no upgrade"),
            ("1.0", {}, "HTTP/1.0 has no upgrade"),
        ],
    )
    async def test_is_told_what_is_wrong_and_how_proxies_are_told(
        self, public, acceptor, version, headers, what
    ):
        lines = [f"{name}: {value}" for name, value in {"Connection": "close", **headers}.items()]
        head = "\r\n".join([f"GET /v1/ws HTTP/{version}", "Host: a", *lines, "", ""])
        answer = await http.exchange(public, head.encode("latin-1"))
        assert answer.status == 426
        assert answer.headers["upgrade"] == "websocket"
        text = answer.body.decode("ascii")
        for words in (what, "proxy_http_version 1.1;", "proxy_set_header Upgrade", "Caddy"):
            assert words in text
        assert acceptor.counters.handshakes_rejected == {"upgrade": 1}

    async def test_names_the_proxy_once(self, public, caplog):
        for key in ({}, {"Sec-WebSocket-Key": "c2hvcnQ="}, {"Sec-WebSocket-Key": "c2hvcnQ="}):
            await http.request(f"{public}/v1/ws", headers=key)
        (line,) = [
            record.getMessage()
            for record in caplog.records
            if record.name == "chatd.websocket.acceptor_config"
        ]
        assert line.startswith("127.0.0.1 forwards WebSocket requests without their upgrade")


class TestLogin:
    async def test_gives_a_token(self, public, logins):
        answer = await login(public)
        assert (answer.status, answer.json) == (200, {"token": "a token", "expires_in": 3600})
        assert logins.asked == [("alice", "correct horse", None, "127.0.0.1")]

    async def test_knows_the_device_and_the_address_behind_the_proxy(self, public, logins):
        await http.request(
            f"{public}/v1/login",
            "POST",
            content={**RIGHT, "device": DEVICE, "future": 1},
            headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.7"},
        )
        assert logins.asked == [("alice", "correct horse", DEVICE, "203.0.113.7")]

    async def test_that_fails_is_401(self, public, logins):
        logins.result = None
        answer = await login(public)
        assert (answer.status, answer.json) == (401, {"code": "login_failed"})

    async def test_too_often_is_429_and_says_when(self, public, logins):
        logins.result = Refused("rate_limited", retry_after=4500, scope="address")
        answer = await login(public)
        assert (answer.status, answer.json) == (429, {"code": "rate_limited", "retry_after": 4500})
        assert answer.headers["retry-after"] == "5"

    @pytest.mark.parametrize("code", ["overloaded", "internal", "timeout"])
    async def test_that_cannot_be_checked_now_is_503(self, public, logins, code):
        logins.result = Unavailable(code)
        answer = await login(public)
        assert (answer.status, answer.json) == (503, {"code": "overloaded"})

    async def test_refused_for_its_content_is_400(self, public, logins):
        logins.result = Refused("bad_request", "this user cannot be minted")
        answer = await login(public)
        assert (answer.status, answer.json) == (400, {"code": "bad_request"})

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"null",
            b"[]",
            b'"alice"',
            b"{}",
            b'{"user":"alice"}',
            b'{"user":"alice","password":""}',
            b'{"user":"alice","password":7}',
            b'{"user":"","password":"x"}',
            b'{"user":"a b","password":"x"}',
            b'{"user":"alice\\n","password":"x"}',
            b'{"user":"alice","password":"x","device":"short"}',
            b'{"user":"alice","password":"\xff"}',
            b'{"user":"alice","password":"x"}trailing',
            b"user=alice&password=x",
            b"[" * LOGIN_BYTES_MAX,
            json.dumps({**RIGHT, "password": "x" * 1025}).encode(),
            json.dumps({**RIGHT, "padding": "x" * LOGIN_BYTES_MAX}).encode(),
            b"x" * 1_000_000,
        ],
        ids=lambda body: body[:40].decode("latin-1") or "nothing",
    )
    async def test_that_is_none_is_400_and_asks_nobody(self, public, logins, body):
        head = (
            f"POST /v1/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        answer = await http.exchange(public, head.encode() + body)
        assert (answer.status, answer.json) == (400, {"code": "bad_request"})
        assert logins.asked == []

    async def test_that_ends_with_its_client_is_no_defect(self, public, logins, caplog):
        host, port = public.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(POST + b"Content-Length: 100\r\n\r\nhalf")
        await writer.drain()
        await login(public)  # the half one has been read by then
        writer.transport.abort()
        assert (await login(public)).status == 200
        assert len(logins.asked) == 2
        assert [record for record in caplog.records if record.levelno > logging.INFO] == []

    async def test_of_the_largest_size_is_read(self, public, logins):
        content = {**RIGHT, "padding": ""}
        content["padding"] = "x" * (LOGIN_BYTES_MAX - len(json.dumps(content)))
        assert (await login(public, padding=content["padding"])).status == 200

    async def test_in_chunks_is_read(self, public, logins):
        body = json.dumps(RIGHT).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:])) + b"0\r\n\r\n"
        head = (
            b"POST /v1/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert (await http.exchange(public, head + chunks)).status == 200

    async def test_is_a_post(self, public):
        answer = await http.request(f"{public}/v1/login")
        assert (answer.status, answer.json) == (405, {"code": "method_not_allowed"})
        assert answer.headers["allow"] == "POST"

    async def test_is_not_there_without_accounts(self, serve, acceptor):
        url = await serve(public_application(lambda: None, acceptor, Website(Web())))
        answer = await login(url)
        assert (answer.status, answer.json) == (404, {"code": "not_found"})

    async def test_that_meets_a_defect_is_500_without_a_word_about_it(self, public, logins, caplog):
        logins.result = RuntimeError("canary")
        answer = await login(public)
        assert (answer.status, answer.json) == (500, {"code": "internal"})
        assert b"canary" not in answer.body
        assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/health/", "/v1/ws/", "/metrics", "/livez", "/%2e%2e/etc/passwd"]
)
async def test_everything_else_is_a_404_in_json(public, path):
    answer = await http.request(public + path)
    assert (answer.status, answer.json) == (404, {"code": "not_found"})


@pytest.mark.parametrize(("path", "method"), [("/v1/health", "GET"), ("/", "GET"), ("/v1/login", "GET")])
async def test_every_answer_has_the_security_headers(public, path, method):
    headers = (await http.request(public + path, method)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


class TestOps:
    @pytest.fixture
    async def checks(self) -> dict[str, str | None]:
        return {"store": None, "draining": None}

    @pytest.fixture
    async def ops(self, serve, checks) -> str:
        async def ask():
            return checks

        return await serve(ops_application(ask, lambda: (b"chatd_up 1\n", "text/plain; version=0.0.4")))

    async def test_live_answers(self, ops):
        assert (await http.request(f"{ops}/livez")).body == b"ok\n"

    async def test_ready_lists_every_check(self, ops):
        answer = await http.request(f"{ops}/readyz")
        assert answer.status == 200
        assert answer.json == {"ready": True, "checks": {"store": "ok", "draining": "ok"}}

    async def test_not_ready_is_503_and_says_why(self, ops, checks):
        checks["draining"] = "shutting down"
        answer = await http.request(f"{ops}/readyz")
        assert answer.status == 503
        assert answer.json == {"ready": False, "checks": {"store": "ok", "draining": "shutting down"}}

    async def test_a_process_beside_the_daemon_is_shown_and_makes_nothing_unready(self, serve, checks):
        async def ask():
            return checks

        ops = await serve(ops_application(ask, lambda: (b"", ""), processes=lambda: {"push": "restarting"}))
        answer = await http.request(f"{ops}/readyz")
        assert answer.status == 200
        assert answer.json["processes"] == {"push": "restarting"}

    async def test_metrics_are_as_given(self, ops):
        answer = await http.request(f"{ops}/metrics")
        assert answer.body == b"chatd_up 1\n"
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")

    async def test_everything_else_is_404(self, ops):
        assert (await http.request(f"{ops}/v1/login", "POST", content=RIGHT)).status == 404
