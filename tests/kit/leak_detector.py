"""The secrets of the tests, and a detector for them: the log of every daemon of the kit is searched when it ends."""

import logging
import re
import traceback

from tests.kit.tokens import SECRET

PASSWORD = "correct horse battery staple"

SECRETS = {
    "the shared secret": re.escape(SECRET),
    "a token": r"eyJ[A-Za-z0-9_-]{8}",  # every JSON Web Token begins like this
    "a key of the API": r"ck_[a-z2-7]{8}_[A-Za-z0-9_-]{43}",
    "a password": re.escape(PASSWORD),
    "the hash of a password": r"\$argon2",
    "a private key": "PRIVATE KEY",
}

# The loggers of a daemon.
_LOGGERS = ("chatd", "uvicorn", "asyncio")
_PLAIN = frozenset(vars(logging.makeLogRecord({})))


class Leaked(AssertionError):
    """A daemon logged a secret."""


def check_no_secret(text: str, where: str) -> None:
    """Raise Leaked when a secret occurs in `text`."""
    for name, pattern in SECRETS.items():
        if found := re.search(pattern, text):
            raise Leaked(f"{name} in {where}: …{text[max(0, found.start() - 200) : found.end() + 20]}…")


class LeakDetector(logging.Handler):
    """A log handler that collects what the daemons of this process log, from info on, before anything is redacted."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._said: list[str] = []
        self._levels: dict[str, int] = {}

    def open(self) -> None:
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            self._levels[name] = logger.level
            logger.addHandler(self)
            if not logger.isEnabledFor(logging.INFO):
                logger.setLevel(logging.INFO)

    def close(self) -> None:
        """Stop collecting; raises Leaked when a secret was logged."""
        for name, level in self._levels.items():
            logging.getLogger(name).removeHandler(self)
            logging.getLogger(name).setLevel(level)
        self._levels.clear()
        said, self._said = self._said, []
        check_no_secret("\n".join(said), "the log")

    def emit(self, record: logging.LogRecord) -> None:
        extras = {name: value for name, value in vars(record).items() if name not in _PLAIN}
        trace = traceback.format_exception(record.exc_info[1]) if record.exc_info else []
        self._said.append(f"{record.getMessage()} {extras!r} {''.join(trace)}")
