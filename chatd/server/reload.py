"""The reload after SIGHUP: the configuration is read again, and changes that need no restart are applied."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from chatd.auth.keys import BadKey
from chatd.config.model import Config
from chatd.config.reloadable import ReloadPlan, Unusable
from chatd.http.sockets import ListenError
from chatd.server.daemon import Daemon
from chatd.server.systemd import READY, notify, reloading
from chatd.telemetry.logs import set_level

log = logging.getLogger(__name__)

# Reads the configuration and returns the changes that a daemon with this one can apply; raises Unusable.
Reread = Callable[[Config], ReloadPlan]


class Reload:
    """The reloads of a daemon, one after the other; requests during a reload lead to one more after it."""

    def __init__(self, daemon: Daemon, reread: Reread) -> None:
        self._daemon = daemon
        self._reread = reread
        self._requested = asyncio.Event()

    def ask(self) -> None:
        """Reload soon, or as soon as the daemon has started."""
        self._requested.set()

    async def run(self) -> None:
        """Reload at each request, until cancelled."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            notify(reloading(self._daemon.env.monotonic()))
            await self._reload()
            notify(READY)

    async def _reload(self) -> None:
        """Apply the whole new configuration; one with any error changes nothing."""
        try:
            # In a thread: files may lie on a slow disk, and a large key set takes long to read.
            found = await asyncio.to_thread(self._reread, self._daemon.config)
            renewed = self._daemon.reconfigure(found.config)
            self._daemon.origins.adopt(found)
        except (Unusable, BadKey, ListenError) as error:
            log.error("the settings stay as they were: %s", "; ".join(str(error).splitlines()))
        except Exception:
            log.exception("the settings stay as they were")
        else:
            set_level(found.config.log)
            self._log(found, renewed)

    def _log(self, found: ReloadPlan, renewed: Sequence[str]) -> None:
        """Log the names of changed keys; never values, which may be secrets."""
        log.info("settings read again; changed: %s", ", ".join((*found.changed, *renewed)) or "nothing")
        for name in found.waiting:
            log.warning("restart to change %s", name)
        if shortage := self._daemon.descriptors.shortage(found.config.limits.connections):
            log.warning("%s", shortage)
