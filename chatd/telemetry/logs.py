"""The format and the writing of the log: one line a record, escaped, without secrets, never blocking the event loop."""

import json
import logging
import queue
import re
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler
from typing import IO, Any

from chatd.config.model import Log
from chatd.telemetry.counters import Counters
from chatd.telemetry.log_ring import LogRing

FIELD_CHARACTERS_MAX = 1024  # one field of a hostile client must not fill the disk
_TRACE_CHARACTERS_MAX = 8192  # longer than a field: it is of our own making, and useless without its end
# Some 5 MB; beyond it lines are dropped and counted, so that the loop does not wait.
_QUEUE_RECORDS_MAX = 10_000
_BURST = 20  # lines of one cause in a window
_WINDOW_S = 10.0
_CAUSES_MAX = 1000  # more than there are log calls

# A JSON Web Token, a key of the API, the hash of a password, a private key, or the value after a name or scheme of
# secrets, in a URL, in JSON or in the repr of a struct.
_SECRETS = re.compile(
    r"eyJ[A-Za-z0-9_=-]{4,}(?:\.[A-Za-z0-9_=-]*){0,4}"
    r"|ck_[a-z2-7]{8}_[A-Za-z0-9_-]+"
    r"|\$argon2[A-Za-z0-9+/$=,]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?i:(?P<name>bearer |(?:token|secret|password)(?:=|[\"']\s*:\s*)b?))"
    r"(?:\"[^\"]*\"?|'[^']*'?|[^\s&\"',;]+)"
)
# Characters that control a terminal or change the direction or the look of a line: C0, C1, zero width, bidi, line
# separators, annotations, surrogates, tags, variation selectors.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e01ef]"
)

# Libraries that log routine at info, or payloads at debug: only their warnings are wanted.
_QUIET = ("uvicorn.error", "websockets", "aiosqlite")
_STOP_S = 2.0  # for queued lines at the end; a reader that is stuck must not keep the daemon from exiting

_Queue = queue.Queue[logging.LogRecord | None]  # None ends it

# The attributes of every record; any other came with `extra=`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "suppressed"}


@contextmanager
def logging_to(stream: IO[str], settings: Log, ring: LogRing | None = None) -> Iterator[None]:
    """Send the log to `stream` in the configured form, and to `ring`; at the end everything queued is written.

    Text on a terminal, else a JSON object a line: ts, level, logger, msg, the fields given as `extra`, trace.
    """
    is_text = settings.format == "text" or (settings.format == "auto" and stream.isatty())
    out = _KeepingHandler(stream, ring)
    out.setFormatter(TextFormatter() if is_text else JsonFormatter())
    records: _Queue = queue.Queue(_QUEUE_RECORDS_MAX)
    writer = threading.Thread(target=_write, args=(records, out), name="log", daemon=True)
    handler = _DroppingHandler(records, writer)
    handler.addFilter(CauseLimit())
    writer.start()
    try:
        with _as_root(handler, settings.level.upper()):
            yield
    finally:
        handler.close()


@contextmanager
def defects_counted(counters: Counters) -> Iterator[None]:
    """Count as defects all errors that are logged with a traceback."""
    handler = _DefectCount(counters)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def set_level(settings: Log) -> None:
    """Apply another level from now on."""
    logging.getLogger().setLevel(settings.level.upper())


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON, pure ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "ts": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": _shown(_message(record)),
            **{name: _plain(value) for name, value in _extras(record)},
        }
        trace = _trace(record)
        return json.dumps({**fields, "trace": trace} if trace else fields)


class TextFormatter(logging.Formatter):
    """A record as one line for people; only a traceback takes more."""

    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={_escaped(str(_plain(value)))}" for name, value in _extras(record))
        message = _escaped(_shown(_message(record)))
        line = f"{_timestamp(record)} {record.levelname.lower():7} {record.name}: {message}{extras}"
        trace = _trace(record)
        return line + "".join(f"\n  {_escaped(one)}" for one in trace.splitlines())


class CauseLimit(logging.Filter):
    """A limit of `burst` lines of one cause (logger, level and message before its arguments) in a window.

    The first line of the next window carries `suppressed`, the number left out. Times are those of the records.
    """

    def __init__(self, burst: int = _BURST, window_s: float = _WINDOW_S) -> None:
        super().__init__()
        self._burst = burst
        self._window_s = window_s
        self._causes: dict[tuple[str, int, str], tuple[float, int]] = {}  # start of the window, lines in it

    def filter(self, record: logging.LogRecord) -> bool:
        cause = (record.name, record.levelno, str(record.msg))
        start, lines = self._causes.get(cause, (record.created, 0))
        if record.created - start >= self._window_s:
            if lines > self._burst:
                record.suppressed = lines - self._burst
            start, lines = record.created, 0
        if len(self._causes) >= _CAUSES_MAX and cause not in self._causes:
            self._causes.clear()
        self._causes[cause] = (start, lines + 1)
        return lines < self._burst


@contextmanager
def _as_root(handler: logging.Handler, level: str) -> Iterator[None]:
    """Send all loggers to `handler` alone, the quiet ones from warnings on."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = before[1]
        root.setLevel(before[0])
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.NOTSET)


def _write(records: _Queue, out: logging.Handler) -> None:
    while (record := records.get()) is not None:
        out.handle(record)


class _DefectCount(logging.Handler):
    def __init__(self, counters: Counters) -> None:
        super().__init__(logging.ERROR)
        self._counters = counters

    def emit(self, record: logging.LogRecord) -> None:
        self._counters.defects += bool(record.exc_info and record.exc_info[1])


class _KeepingHandler(logging.StreamHandler[IO[str]]):
    """A handler that writes lines to a stream, and keeps the last ones in a ring."""

    def __init__(self, stream: IO[str], ring: LogRing | None) -> None:
        super().__init__(stream)
        self._ring = ring

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if self._ring is not None:
            self._ring.append(record.levelno, line)
        return line


class _DroppingHandler(QueueHandler):
    """A handler that passes records to the writing thread; a full queue drops lines, which the next one counts."""

    def __init__(self, records: _Queue, writer: threading.Thread) -> None:
        super().__init__(records)
        self._records = records
        self._writer = writer
        self._dropped = 0

    def close(self) -> None:
        """Wait until everything queued is written; `logging.shutdown` calls it for exits that unwind nothing."""
        if self._writer.is_alive():
            with suppress(queue.Full):
                self._records.put(None, timeout=_STOP_S)
            self._writer.join(_STOP_S)
        super().close()

    def enqueue(self, record: logging.LogRecord) -> None:
        if self._dropped:
            record.dropped = self._dropped
        try:
            self._records.put_nowait(record)
            self._dropped = 0
        except queue.Full:
            self._dropped += 1

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return the record itself: nothing changes it afterwards, and its traceback is formatted in the thread."""
        record.msg = _message(record)
        record.args = None
        return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # the arguments do not fit the message
        return str(record.msg)


def _extras(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    for name, value in vars(record).items():
        if name not in _STANDARD:
            yield name, value
    if hasattr(record, "suppressed"):
        yield "suppressed", record.suppressed


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float)) or value is None else _shown(str(value))


def _shown(text: str) -> str:
    # Redacted before it is cut: a token cut in the middle would not look like one.
    return _cut(_redacted(text), FIELD_CHARACTERS_MAX)


def _redacted(text: str) -> str:
    return _SECRETS.sub(lambda found: (found["name"] or "") + "[redacted]", text)


def _cut(text: str, characters_max: int) -> str:
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"


def _trace(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    text = _redacted("".join(traceback.format_exception(record.exc_info[1])))
    return text if len(text) <= _TRACE_CHARACTERS_MAX else "…" + text[1 - _TRACE_CHARACTERS_MAX :]


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _timestamp(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"
