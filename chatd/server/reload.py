"""SIGHUP: the configuration is read again, and what can change while the daemon runs is put in force."""

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

# What a daemon that runs with this configuration can take over of the one that is written now; raises Unusable.
Reread = Callable[[Config], ReloadPlan]


class Reload:
    """Carries out one reload after the other; what is asked during one is carried out once, after it."""

    def __init__(self, daemon: Daemon, reread: Reread) -> None:
        self._daemon = daemon
        self._reread = reread
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Reload soon, or as soon as the daemon has started."""
        self._asked.set()

    async def run(self) -> None:
        """Carry out what is asked, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            notify(reloading(self._daemon.env.monotonic()))
            await self._reload()
            notify(READY)

    async def _reload(self) -> None:
        """All or nothing: a configuration that is wrong anywhere changes nothing."""
        try:
            # In a thread: files may lie on a slow disk, and reading a large key set takes its time.
            found = await asyncio.to_thread(self._reread, self._daemon.config)
            renewed = self._daemon.reconfigure(found.config)
        except (Unusable, BadKey, ListenError) as error:
            log.error("the settings stay as they were: %s", "; ".join(str(error).splitlines()))
        except Exception:
            log.exception("the settings stay as they were")
        else:
            set_level(found.config.log)
            self._tell(found, renewed)

    def _tell(self, found: ReloadPlan, renewed: Sequence[str]) -> None:
        """Names only: a value may be a secret."""
        log.info("settings read again; changed: %s", ", ".join((*found.changed, *renewed)) or "nothing")
        for name in found.waiting:
            log.warning("restart to change %s", name)
        if shortage := self._daemon.descriptors.shortage(found.config.limits.connections):
            log.warning("%s", shortage)
