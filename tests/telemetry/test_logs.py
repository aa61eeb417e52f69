import io
import json
import logging
import threading

import pytest

from chatd.config.model import Log
from chatd.telemetry import logs
from chatd.telemetry.logs import FIELD_CHARACTERS_MAX, CauseLimit, JsonFormatter, TextFormatter, logging_to

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLWNhbmFyeQ"
JSON, TEXT = Log(format="json"), Log(format="text")

HOSTILE = {
    "newline": "a\nb",
    "carriage return": "a\rb",
    "NUL": "a\x00b",
    "ANSI": "a\x1b[2Jb",
    "C1": "a\x9b31mb",
    "delete": "a\x7fb",
    "bidi override": "a\u202eb",
    "bidi isolate": "a\u2066b",
    "line separator": "a\u2028b",
    "zero width": "a\u200bb",
    "byte order mark": "a\ufeffb",
    "surrogate": "a\ud800b",
    "tag": "a\U000e0041b",
    "variation selector": "a\ufe0fb",
    "annotation": "a\ufff9b",
    "vowel separator": "a\u180eb",
    "form feed": "a\x0cb",
    "file separator": "a\x1cb",
}

log = logging.getLogger("tests.logs")


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def logged(settings: Log, say) -> io.StringIO:
    stream = io.StringIO()
    with logging_to(stream, settings):
        say()
    return stream


def test_a_record_is_one_json_object_with_its_fields():
    [line] = lines(
        logged(JSON, lambda: log.warning("closed with %d", 4001, extra={"code": 4001, "ok": True}))
    )
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "tests.logs",
        "msg": "closed with 4001",
        "code": 4001,
        "ok": True,
    }


def test_on_a_terminal_auto_is_text_and_else_json():
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    with logging_to(stream, Log()):
        log.info("hello", extra={"code": 7})
    assert stream.getvalue().endswith("Z info    tests.logs: hello code=7\n")
    assert lines(logged(Log(), lambda: log.info("hello")))[0]["msg"] == "hello"


def test_below_the_level_nothing_is_written():
    def say() -> None:
        log.debug("a")
        log.info("b")
        log.warning("c")

    assert [line["msg"] for line in lines(logged(Log(level="warning", format="json"), say))] == ["c"]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("settings", [JSON, TEXT], ids=["json", "text"])
def test_no_text_makes_a_second_line_or_moves_the_cursor(name, settings):
    text = HOSTILE[name]
    output = logged(settings, lambda: log.warning("%s", text, extra={"field": text})).getvalue()
    assert output.endswith("\n")
    assert len(output.splitlines()) == 1
    assert text[1] not in output[:-1]


@pytest.mark.parametrize("settings", [JSON, TEXT], ids=["json", "text"])
@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"the token {TOKEN} of alice",
        f"Authorization: Bearer {TOKEN[10:]}canary",
        "GET /v1/ws?access_token=opaque-canary&x=1",
        "password=canary",
        "LoginRequest(user='ann', password='canary canary')",
        '{"user": "ann", "password": "canary canary"}',
        "{'token': b'canary', 'secret' : \"canary\"}",
        "password='canary",
        "PASSWORD=canary",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$canary",
        "-----BEGIN PRIVATE KEY-----\ncanary\ncanary\n-----END PRIVATE KEY----- and more",
        "-----BEGIN EC PRIVATE KEY-----\ncanary, cut",
        "x" * (FIELD_CHARACTERS_MAX - 20) + TOKEN,
    ],
)
def test_what_looks_like_a_secret_is_not_written(text, settings):
    def say() -> None:
        log.warning("%s", text)
        log.warning("a field", extra={"field": text})
        try:
            raise ValueError(text)
        except ValueError:
            log.exception("a defect")

    output = logged(settings, say).getvalue()
    assert "canary" not in output
    assert "c2lnbmF0" not in output
    assert "[redacted]" in output or "…" in output


def test_a_field_is_cut():
    [line] = lines(logged(JSON, lambda: log.warning("x" * 5000, extra={"field": "y" * 5000})))
    assert len(line["msg"]) == len(line["field"]) == FIELD_CHARACTERS_MAX


def test_a_traceback_stays_in_its_line_and_keeps_its_end():
    def deep(level: int) -> None:
        if not level:
            raise RuntimeError("the reason")
        deep(level - 1)

    def say() -> None:
        try:
            deep(20)
        except RuntimeError:
            log.exception("a defect")

    [line] = lines(logged(JSON, say))
    assert line["trace"].rstrip().endswith("RuntimeError: the reason")


def test_in_text_a_traceback_is_indented():
    def say() -> None:
        try:
            raise RuntimeError("a\nb")
        except RuntimeError:
            log.exception("a defect")

    first, *rest = logged(TEXT, say).getvalue().splitlines()
    assert first.endswith("a defect")
    assert all(line.startswith("  ") for line in rest)


def test_arguments_that_do_not_fit_cost_no_line():
    [line] = lines(logged(JSON, lambda: log.warning("%d of %d", "x")))
    assert line["msg"] == "%d of %d"


def test_one_cause_is_limited_and_the_rest_counted():
    limit = CauseLimit(burst=3, window_s=10)
    flood = [_record("flood", at) for at in (0, 1, 2, 3, 4, 5, 11)]
    assert [limit.filter(record) for record in flood] == [True] * 3 + [False] * 3 + [True]
    assert flood[-1].suppressed == 3
    assert "suppressed" not in vars(flood[0])


def test_causes_do_not_limit_each_other():
    limit = CauseLimit(burst=1, window_s=10)
    assert limit.filter(_record("a", 0))
    assert limit.filter(_record("b", 0))
    assert limit.filter(_record("a", 0, level=logging.ERROR))
    assert not limit.filter(_record("a", 0))


def test_causes_without_number_cost_bounded_memory():
    limit = CauseLimit()
    for number in range(10_000):
        limit.filter(_record(f"cause {number}", 0))
    assert len(limit._causes) <= logs._CAUSES_MAX


def test_the_suppressed_number_is_in_the_line():
    record = _record("flood", 0)
    record.suppressed = 7
    assert json.loads(JsonFormatter().format(record))["suppressed"] == 7
    assert TextFormatter().format(record).endswith("flood suppressed=7")


def test_a_reader_that_is_stuck_costs_lines_and_not_time(monkeypatch):
    monkeypatch.setattr(logs, "_QUEUE_RECORDS_MAX", 5)
    stuck, reading, drained = threading.Event(), threading.Event(), threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            reading.set()
            stuck.wait()
            if "line 4" in text:
                drained.set()
            return super().write(text)

    stream = Stuck()
    with logging_to(stream, JSON):
        log.warning("first")
        assert reading.wait(20)
        for number in range(20):
            log.warning(f"line {number}")
        stuck.set()
        assert drained.wait(20)
        log.warning("last")
    assert [line["msg"] for line in lines(stream)] == ["first", *(f"line {n}" for n in range(5)), "last"]
    assert lines(stream)[-1]["dropped"] == 15


def test_a_reader_that_stays_stuck_does_not_keep_the_daemon(monkeypatch):
    monkeypatch.setattr(logs, "_STOP_S", 0.05)
    stuck = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            stuck.wait()
            return len(text)

    with logging_to(Stuck(), JSON):
        log.warning("first")
    stuck.set()


def test_afterwards_the_log_is_as_before():
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    logged(Log(level="debug"), lambda: None)
    assert (root.level, root.handlers) == before


@pytest.mark.parametrize("name", ["aiosqlite", "websockets.server", "uvicorn.error"])
def test_libraries_that_log_payloads_or_their_life_are_quiet_even_at_debug(name):
    def say() -> None:
        logging.getLogger(name).debug("a payload")
        logging.getLogger(name).info("Started server process")
        logging.getLogger(name).warning("wrong")

    assert [line["msg"] for line in lines(logged(Log(level="debug", format="json"), say))] == ["wrong"]


def _record(message: str, at: float, level: int = logging.WARNING) -> logging.LogRecord:
    record = logging.LogRecord("tests", level, __file__, 1, message, None, None)
    record.created = at
    return record


def test_every_level_name_of_the_configuration_is_known():
    for level in ("debug", "info", "warning", "error"):
        [line] = lines(logged(Log(level=level, format="json"), lambda: log.error("shown at every level")))
        assert line["level"] == "error"
