"""The console over real sockets: nothing without a session, nor to other hosts and pages; streams are bounded."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.http import console_access, http_protocol
from chatd.http.console_access import is_own_host
from chatd.http.event_stream import WAITING_MAX, EventStream
from chatd.server.console import not_served
from chatd.telemetry.log_ring import LogRing
from chatd.web import assets
from tests.kit import http
from tests.kit.built_files import write_built
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.leak_detector import check_no_secret
from tests.kit.stepped_env import SteppedEnv
from tests.kit.waiting import until

READS = ("now", "sessions", "slow", "config", "figures", "log")
STREAMS = ("figures", "log")
OPEN, CLOSED, FOREIGN, ELSEWHERE = 200, 401, 403, 421


class Browser:
    """One browser with a cookie or none; headers as a browser sends them for a page of ours."""

    def __init__(self, daemon: RunningDaemon) -> None:
        self.daemon = daemon
        self.cookie = ""

    async def key(self) -> str:
        answer = await self.daemon.api("POST", "/v1/console/links")
        assert answer.status == 200
        return answer.json["link"].partition("#key=")[2]

    async def sign_in(self, key: str | None = None, **headers: str) -> http.Answer:
        content = {"key": await self.key() if key is None else key}
        answer = await self.ask("session", "POST", content=content, **headers)
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0] or self.cookie
        return answer

    async def ask(
        self, route: str, method: str = "GET", content: object = None, **headers: str
    ) -> http.Answer:
        sent = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
        url = f"{self.daemon.ops_url}/console/v1/{route}"
        if route in STREAMS and method == "GET":
            return await self.head_of(url, sent)
        return await http.request(url, method, content=content, headers=sent)

    async def head_of(self, url: str, headers: dict[str, str]) -> http.Answer:
        """Read an answer without end as far as its first event."""
        stream = await Stream.open(url, headers)
        try:
            return http.Answer(stream.status, stream.headers, b"")
        finally:
            stream.close()


class Stream:
    """One open stream of events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status, self.headers = 0, dict[str, str]()

    @classmethod
    async def open(cls, url: str, headers: dict[str, str]) -> "Stream":
        host, _, path = url.removeprefix("http://").partition("/")
        name, port = host.split(":")
        stream = cls(*await asyncio.open_connection(name, int(port)))
        lines = [
            f"GET /{path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in ({"Host": host} | headers).items()),
        ]
        stream.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await stream.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        stream.status = int(head[0].split()[1])
        stream.headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        return stream

    async def event(self) -> tuple[str, object]:
        """Return the name and the data of the next event."""
        while True:
            text = (await self.reader.readuntil(b"\n\n")).decode()
            if found := re.search(r"event: (\w+)\ndata: (.*)\n\n", text):
                return found[1], json.loads(found[2])

    def close(self) -> None:
        self.writer.close()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, log={"level": "warning"})) as running:
        yield running


@pytest.fixture
async def browser(daemon: RunningDaemon) -> Browser:
    browser = Browser(daemon)
    assert (await browser.sign_in()).status == 204
    return browser


# --- who may see what

# Name -> (the cookie: none, forged or that of a session; headers besides; the answer to a read).
ASKING = {
    "nobody": ("", {}, CLOSED),
    "a forged cookie": ("chatd_console_{port}=" + "A" * 43, {}, CLOSED),
    "the cookie of another port": ("chatd_console_1={value}", {}, CLOSED),
    "a session": ("{cookie}", {}, OPEN),
    "a session, from the page": (
        "{cookie}",
        {"Sec_Fetch_Site": "same-origin", "Origin": "http://{host}"},
        OPEN,
    ),
    "a session, with a wrong host": ("{cookie}", {"Host": "evil.example:8471"}, ELSEWHERE),
    "a session, without a host": ("{cookie}", {"Host": ""}, ELSEWHERE),
    "a session, from a page elsewhere": ("{cookie}", {"Sec_Fetch_Site": "cross-site"}, FOREIGN),
    "a session, from another port": ("{cookie}", {"Sec_Fetch_Site": "same-site"}, FOREIGN),
    "a session, from another origin": ("{cookie}", {"Origin": "http://evil.example"}, FOREIGN),
    "a session, from a sandbox": ("{cookie}", {"Origin": "null"}, FOREIGN),
    "nobody, from a page elsewhere": ("", {"Origin": "http://evil.example"}, FOREIGN),
}


async def wrongly_answered(daemon: RunningDaemon, browser: Browser) -> list[str]:
    """The rows of ASKING, with the route, whose answer is another."""
    cookie, host = browser.cookie, daemon.ops_url.removeprefix("http://")
    values = {"cookie": cookie, "value": cookie.partition("=")[2], "port": host.split(":")[1]}
    wrong = []
    for who, (shown, asked, expected) in ASKING.items():
        browser.cookie = shown.format(**values)
        headers = {name: value.format(host=host) for name, value in asked.items()}
        for route in READS:
            if (await browser.ask(route, **headers)).status != expected:
                wrong.append(f"{who}: {route}")
        if expected != OPEN and (await browser.ask("session", "DELETE", **headers)).status != expected:
            wrong.append(f"{who}: sign out")
    browser.cookie = cookie
    return wrong


async def test_every_route_is_closed_to_all_but_a_session(daemon: RunningDaemon, browser: Browser) -> None:
    assert await wrongly_answered(daemon, browser) == []
    assert (await browser.ask("now")).status == OPEN, "nobody else could end it"
    assert (await browser.ask("session", "DELETE")).status == 204


# Name of a break -> what it replaces in chatd/http/console_access.py, and by what.
BREAKS: dict[str, tuple[str, Any]] = {
    "no session is asked for": ("problem_without_session", lambda entrance, request: None),
    "any host is taken for ours": ("is_own_host", lambda host, public_url: True),
    "any page may ask": ("is_foreign", lambda request: False),
}


@pytest.mark.parametrize("broken", BREAKS)
async def test_a_console_with_an_open_door_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(console_access, *BREAKS[broken])
    async with running_daemon(config_for(tmp_path)) as daemon:
        browser = Browser(daemon)
        await browser.sign_in()
        assert await wrongly_answered(daemon, browser) != []


async def test_nothing_is_changed_by_any_method(browser: Browser) -> None:
    for route in READS:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert (await browser.ask(route, method, content={})).status == 405, (route, method)
        assert (await browser.ask(route, "HEAD")).status == 200
    assert (await browser.ask("backup", "POST", content={})).status == 404


async def test_a_session_ends_with_the_day_and_with_its_sign_out(tmp_path: Path) -> None:
    clock = SteppedEnv()
    async with running_daemon(config_for(tmp_path), clock) as daemon:
        browser, other = Browser(daemon), Browser(daemon)
        await browser.sign_in()
        await other.sign_in()
        assert (await other.ask("session", "DELETE")).status == 204
        assert (await other.ask("now")).status == CLOSED
        assert (await browser.ask("now")).status == OPEN
        clock.advance(12 * 3600)
        for route in READS:
            assert (await browser.ask(route)).status == CLOSED, route


async def test_a_key_works_once_and_not_from_elsewhere(daemon: RunningDaemon) -> None:
    browser = Browser(daemon)
    key = await browser.key()
    assert (await browser.sign_in(key, Host="evil.example")).status == ELSEWHERE
    assert (await browser.sign_in(key, Sec_Fetch_Site="cross-site")).status == FOREIGN
    assert (await browser.sign_in(key, Origin="http://evil.example")).status == FOREIGN
    assert (await browser.sign_in(key, Content_Type="text/plain")).status == 415
    assert (await browser.sign_in("x" * 2000)).status == 400
    answer = await browser.sign_in(key)
    assert answer.status == 204
    attributes = {part.strip() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"HttpOnly", "Max-Age=43200", "SameSite=strict"}
    assert (await Browser(daemon).sign_in(key)).status == CLOSED


async def test_wrong_keys_are_limited(daemon: RunningDaemon) -> None:
    browser = Browser(daemon)
    statuses = [(await browser.sign_in("wrong")).status for _ in range(11)]
    assert statuses == [CLOSED] * 10 + [429]


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:8471", True),
        ("127.8.8.8", True),
        ("localhost:9000", True),
        ("[::1]:8471", True),
        ("ops.example.org", True),
        ("OPS.example.org", True),
        ("ops.example.org:8471", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:8471", False),
        ("evil.example@127.0.0.1", False),
        ("127.0.0.1@evil.example", False),
        ("127.0.0.1/evil.example", False),
        ("[::1", False),
        ("0.0.0.0:8471", False),
        ("", False),
    ],
)
def test_hosts_are_loopback_or_the_configured_one(host: str, own: bool) -> None:
    assert is_own_host(host, "https://ops.example.org") is own


def test_without_a_configured_host_loopback_alone_is_admitted() -> None:
    assert is_own_host("localhost", "")
    assert not is_own_host("ops.example.org", "")


async def test_behind_a_proxy_with_tls_its_host_is_admitted_and_the_cookie_is_secure(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path, console={"url": "https://ops.example.org"})) as daemon:
        answer = await daemon.api("POST", "/v1/console/links")
        assert answer.json["link"].startswith("https://ops.example.org/console/#key=")
        browser = Browser(daemon)
        from_proxy = {
            "Host": "ops.example.org",
            "Origin": "https://ops.example.org",
            "Sec_Fetch_Site": "same-origin",
        }
        answer = await browser.sign_in(None, **from_proxy)
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["set-cookie"].startswith("chatd_console=")
        assert (await browser.ask("now", **from_proxy)).status == OPEN


async def test_it_is_not_served_where_a_network_could_listen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = config_for(tmp_path, listen={"ops_address": ["127.0.0.1:0", "0.0.0.0:0"]})
    assert "without TLS" in not_served(config)
    async with running_daemon(config) as daemon:
        assert (await http.request(f"{daemon.ops_url}/console/")).status == 404
        assert (await http.request(f"{daemon.ops_url}/livez")).status == 200
        answer = await daemon.api("POST", "/v1/console/links")
        assert answer.status == 501
        assert "console.url" in answer.json["detail"]
    assert "the console is not served" in caplog.text


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path, console={"enabled": False})) as daemon:
        assert (await http.request(f"{daemon.ops_url}/console/v1/now")).status == 404
        answer = await daemon.api("POST", "/v1/console/links")
        assert answer.json["detail"] == "the console is not served: console.enabled is false"


# --- what is shown


async def test_connections_are_shown_with_their_devices(daemon: RunningDaemon, browser: Browser) -> None:
    clients = Clients(daemon.url)
    ann, _, again = await clients.connect_all("ann", "bob", "ann")
    rows = (await browser.ask("sessions?user=ann")).json
    assert {row["device"] for row in rows} == {ann.device, again.device}
    assert [row["user"] for row in (await browser.ask("sessions")).json] == ["bob", "ann", "ann"]
    assert (await browser.ask("sessions?user=nobody")).json == []
    row = (await browser.ask("sessions?user=bob")).json[0]
    assert (row["address"], row["mode"], row["queued_bytes"]) == ("127.0.0.1", "foreground", 0)
    assert (await browser.ask("slow")).json == []
    assert (await browser.ask("now")).json["users"] == 2
    await clients.leave()


async def test_a_connection_that_does_not_read_is_shown_as_slow(
    daemon: RunningDaemon, browser: Browser
) -> None:
    clients = Clients(daemon.url)
    room, (ann, _) = await clients.in_direct("ann", "bob")
    (bob,) = daemon.app.hub.of("bob")
    bob.outbox.blocked()
    await ann.send(room, "hello")
    await until(lambda: bob.outbox.queued_bytes)
    [row] = (await browser.ask("slow")).json
    assert (row["user"], row["queued_bytes"]) == ("bob", bob.outbox.queued_bytes)
    bob.outbox.resumed()
    await clients.leave()


async def test_settings_have_their_origins_and_secrets_are_asterisks(
    daemon: RunningDaemon, browser: Browser
) -> None:
    answer = await browser.ask("config")
    found = {row["key"]: row for row in answer.json}
    assert found["auth.secret"]["value"] == "********"
    assert found["limits.page"]["origin"] == "default"
    for route in ("config", "now", "sessions", "slow"):
        check_no_secret((await browser.ask(route)).body.decode(), route)


async def test_pages_have_a_strict_policy_and_no_other_files_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "STATIC", write_built(tmp_path / "static"))
    async with running_daemon(config_for(tmp_path)) as daemon:
        await check_pages(daemon)


async def test_pages_are_read_when_they_are_first_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    static = tmp_path / "static"
    monkeypatch.setattr(assets, "STATIC", static)
    async with running_daemon(config_for(tmp_path)) as daemon:
        assert "no pages" not in caplog.text
        answer = await http.request(f"{daemon.ops_url}/console/")
        assert (answer.status, answer.body) == (503, b"the console is not built: run make web\n")
        assert "the console has no pages" in caplog.text
        write_built(static)
        await check_pages(daemon)
        shutil.rmtree(static)
        await check_pages(daemon)


async def check_pages(daemon: RunningDaemon) -> None:
    answer = await http.request(f"{daemon.ops_url}/console/main-ABCDEFGH.js")
    assert (answer.status, answer.body) == (200, b"1")
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    for path in ("/console/", "/console/manifest.json", "/console/..%2fmanifest.json", "/console/v1/secret"):
        answer = await http.request(f"{daemon.ops_url}{path}")
        assert answer.status in ((200,) if path == "/console/" else (404,)), path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
    answer = await http.request(f"{daemon.ops_url}/console")
    assert (answer.status, answer.headers["location"]) == (307, "console/")


# --- streams


async def test_figures_begin_with_the_history_and_go_on(daemon: RunningDaemon, browser: Browser) -> None:
    url, headers = f"{daemon.ops_url}/console/v1/figures", {"Cookie": browser.cookie}
    first = await Stream.open(url, headers)
    assert await first.event() == ("history", {name: [] for name in (await column_names(first))})
    second = await Stream.open(url, headers)
    _, history = await second.event()
    assert isinstance(history, dict)
    assert len(history["t"]) >= 1
    assert await first.event() == await second.event()
    first.close()
    second.close()


async def column_names(stream: Stream) -> list[str]:
    name, figures = await stream.event()
    assert name == "figures"
    return list(figures)  # type: ignore[call-overload]


@pytest.mark.parametrize("route", STREAMS)
async def test_ten_thousand_opens_hold_no_more_than_the_watchers(tmp_path: Path, route: str) -> None:
    """A smaller number of them: each is refused before anything is kept for it."""
    async with running_daemon(config_for(tmp_path, console={"watchers": 3})) as daemon:
        browser = Browser(daemon)
        await browser.sign_in()
        url, headers = f"{daemon.ops_url}/console/v1/{route}", {"Cookie": browser.cookie}
        streams = [await Stream.open(url, headers) for _ in range(60)]
        statuses = [stream.status for stream in streams]
        assert statuses.count(200) == 3
        assert set(statuses[3:]) == {503}
        shown = daemon._daemon._console
        stream = shown.figures if route == "figures" else shown.log_stream
        assert len(stream) == 3
        for one in streams:
            one.close()
        await until(lambda: not len(stream))
        again = await Stream.open(url, headers)
        assert again.status == 200, "the places are free again"
        again.close()


async def test_sampling_goes_on_only_while_somebody_watches(daemon: RunningDaemon, browser: Browser) -> None:
    shown = daemon._daemon._console
    stream = await Stream.open(f"{daemon.ops_url}/console/v1/figures", {"Cookie": browser.cookie})
    assert shown._tasks
    stream.close()
    await until(lambda: not shown._tasks)


async def test_a_stop_waits_for_no_stream(tmp_path: Path) -> None:
    """Its deadline of hours would be waited for."""
    async with running_daemon(config_for(tmp_path, drain={"deadline_s": 36_000.0})) as daemon:
        browser = Browser(daemon)
        await browser.sign_in()
        stream = await Stream.open(f"{daemon.ops_url}/console/v1/log", {"Cookie": browser.cookie})
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await stream.event()
    stream.close()


async def test_streams_outlive_the_deadline_of_other_answers(
    daemon: RunningDaemon, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "RESPONSE_DEADLINE_S", 0.5)
    stream = await Stream.open(f"{daemon.ops_url}/console/v1/figures", {"Cookie": browser.cookie})
    assert [(await stream.event())[0] for _ in range(4)] == ["history", "figures", "figures", "figures"]
    stream.close()


async def test_a_socket_that_takes_nothing_of_a_stream_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "STREAM_LOOK_S", 0.1)
    async with running_daemon(config_for(tmp_path)) as daemon:
        ring = LogRing(20_000)
        daemon._daemon._console._log = ring
        for _ in range(20_000):  # more than the buffers of both ends hold
            ring.append(20, "x" * 1000)
        browser = Browser(daemon)
        await browser.sign_in()
        stream = await Stream.open(f"{daemon.ops_url}/console/v1/log", {"Cookie": browser.cookie})
        await until(lambda: not len(daemon._daemon._console.log_stream))
        stream.close()


async def test_a_watcher_that_does_not_read_is_cut_and_others_go_on() -> None:
    cut, ended = [], []
    stream = EventStream(2, end=lambda: ended.append(True))
    slow, quick = stream.watch(lambda: cut.append("slow")), stream.watch(lambda: cut.append("quick"))
    assert slow
    assert quick
    assert stream.watch(lambda: None) is None
    events = quick.events()
    for number in range(WAITING_MAX + 1):
        stream.publish(b"%d" % number)
        assert await anext(events) == b"%d" % number
    assert cut == ["slow"]
    assert len(stream) == 1
    assert not ended
    quick.leave()
    assert ended == [True]


@pytest.mark.parametrize("level", ["debug", "warning"])
async def test_the_log_is_sent_by_level(tmp_path: Path, level: str) -> None:
    async with running_daemon(config_for(tmp_path)) as daemon:
        ring = daemon._daemon._sources.log
        browser = Browser(daemon)
        await browser.sign_in()
        ring.append(30, "a warning")
        stream = await Stream.open(
            f"{daemon.ops_url}/console/v1/log?level={level}", {"Cookie": browser.cookie}
        )
        assert await stream.event() == ("lines", [[1, 30, "a warning"]])
        ring.append(20, "an info")
        expected = [2, 20, "an info"]
        if level == "warning":
            ring.append(40, "an error")
            expected = [3, 40, "an error"]
        assert await stream.event() == ("lines", [expected])
        stream.close()
        assert (await browser.ask("log?level=loud")).status == 400
