"""The web pages that may connect (`listen.origins`, and those of chatd), and a log line for each that was refused."""

import logging
import re

from chatd.config.listen import Listen
from chatd.config.rules import ORIGIN
from chatd.env import Env
from chatd.telemetry.log_once import LogOnce

_PORT = re.compile(r":(?:[0-9]{1,5}|\*)\Z")
_SHOWN_MAX = 100  # characters of an origin that no browser sends

log = logging.getLogger(__name__)


class AllowedOrigins:
    """The set of origins whose web pages may connect; an origin is compared as a whole, but for `:*`."""

    def __init__(self, env: Env, listen: Listen, own: str = "") -> None:
        self._log_once = LogOnce(env)
        self.adopt(listen, own)

    def adopt(self, listen: Listen, own: str = "") -> None:
        """Apply other origins, with that of our `own` pages; those refused from now on are logged again."""
        self._any = "*" in listen.origins and listen.unsafe_any_origin
        self._exact = frozenset((*listen.origins, own))
        self._any_port = frozenset(
            _PORT.sub("", origin) for origin in listen.origins if origin.endswith(":*")
        )
        self._log_once.forget()

    def __contains__(self, origin: object) -> bool:
        if self._any:
            return True
        if not isinstance(origin, str) or not ORIGIN.match(origin) or origin.endswith("*"):
            return False  # "null", which sandboxed frames and local files send, identifies nobody
        return origin in self._exact or _PORT.sub("", origin) in self._any_port

    def refused(self, origin: str) -> None:
        """Log a refused origin once, with the setting that would admit it."""
        if not self._log_once.is_new(origin):
            return
        if ORIGIN.match(origin):
            log.warning(
                'web pages of %s may not connect. To admit them: listen.origins = ["%s"], or CHATD_LISTEN__ORIGINS=%s',
                origin, origin, origin,
            )  # fmt: skip
        elif origin == "null":
            log.warning("a web page without an origin (a file, a sandbox) may not connect: serve it by http")
        else:
            log.warning("a web page of %r may not connect: no browser sends that", origin[:_SHOWN_MAX])
