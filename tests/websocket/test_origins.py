"""Web pages that may connect, and the log lines about the others."""

import logging

import pytest

from chatd.config.model import Listen
from chatd.telemetry.log_once import FORGOTTEN_S, NAMES_MAX
from chatd.websocket.origins import AllowedOrigins
from tests.kit.echo_server import LoopEnv

LISTED = ("https://app.example", "http://[::1]:8080", "http://localhost:*", "https://any.example:*")


class Clock(LoopEnv):
    """An environment whose time a test turns."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def allowed_origins(clock: Clock) -> AllowedOrigins:
    return AllowedOrigins(clock, Listen(origins=LISTED))


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example",
        "http://[::1]:8080",
        "http://localhost",
        "http://localhost:5173",
        "https://any.example:1",
    ],
)
def test_a_listed_origin_may_connect(allowed_origins: AllowedOrigins, origin: str) -> None:
    assert origin in allowed_origins


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example:443",
        "http://[::1]:8081",
        "https://localhost:5173",
        "http://localhost:",
        "http://localhost:*",
        "http://localhost:123456",
        "http://localhost:80:80",
        "http://localhost.evil.example:5173",
        "http://evil.example#http://localhost:1",
        "null",
        "*",
        "",
    ],
)
def test_no_other_may(allowed_origins: AllowedOrigins, origin: str) -> None:
    assert origin not in allowed_origins


@pytest.mark.parametrize(("unsafe", "may"), [(True, True), (False, False)])
def test_a_star_is_everybody_only_when_the_operator_insists(clock: Clock, unsafe: bool, may: bool) -> None:
    assert (
        "https://evil.example" in AllowedOrigins(clock, Listen(origins=("*",), unsafe_any_origin=unsafe))
    ) is may


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_a_refused_origin_is_named_once_with_the_setting_that_admits_it(
    allowed_origins: AllowedOrigins, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        allowed_origins.refused("https://new.example:8443")
    (line,) = lines(caplog)
    assert 'listen.origins = ["https://new.example:8443"]' in line
    assert "CHATD_LISTEN__ORIGINS=https://new.example:8443" in line
    allowed_origins.adopt(Listen())
    allowed_origins.refused("https://new.example:8443")
    assert len(lines(caplog)) == 2, "a reload that does not help is answered anew"


@pytest.mark.parametrize("origin", ["null", "https://a.example/\x1b[31m", "x" * 10_000])
def test_what_cannot_be_listed_is_said_in_short_and_without_a_setting(
    allowed_origins: AllowedOrigins, origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    allowed_origins.refused(origin)
    (line,) = lines(caplog)
    assert "listen.origins" not in line
    assert line.isprintable()
    assert len(line) < 200


def test_inventions_fill_neither_memory_nor_log_for_ever(
    allowed_origins: AllowedOrigins, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1000):
        allowed_origins.refused(f"https://a{number}.example")
    assert len(lines(caplog)) == NAMES_MAX
    clock.now += FORGOTTEN_S
    allowed_origins.refused("https://true.example")
    assert "https://true.example" in lines(caplog)[-1]
