"""The parts of a daemon behind its listeners, put together: everything but sockets."""

import asyncio
import logging
from typing import Any

from chatd.auth.passwords import Passwords
from chatd.auth.verifier import HostIdentity
from chatd.bus.local import LocalBus
from chatd.commands.admin import Admin
from chatd.commands.context import Context
from chatd.commands.hello_limiter import Turnstile
from chatd.commands.login import Granted, Login
from chatd.commands.lookups import Lookups
from chatd.config.model import Config, Rates
from chatd.core.admin import ForgetKeys
from chatd.core.allowances import Allowances, Kind
from chatd.core.read_set import Rules
from chatd.core.room_cache import Registry
from chatd.core.write_set import Work
from chatd.delivery.fanout import Fanout
from chatd.delivery.hub import Live
from chatd.delivery.presence import LocalPresence
from chatd.delivery.watch_rights import Watching
from chatd.jobs.last_seen import Sightings
from chatd.jobs.maintenance import Upkeep
from chatd.ports import Env
from chatd.session.rate_limits import Gate
from chatd.session.session import Session
from chatd.storage.sqlite.store import SqliteStore
from chatd.telemetry.counters import Counters
from chatd.websocket.admission import Admission
from chatd.writer.read_set_loader import Gatherer
from chatd.writer.room_loader import Rooms
from chatd.writer.writer import Submission, Writer

log = logging.getLogger(__name__)

NO_KEY = "there is no key to verify a token with"
COMMIT_S = 10.0  # of one commit: the longest a client waits for its answer
TROUBLES_LOOK_S = 1.0  # soon enough for an operator, and no load


def rules_of(config: Config) -> Rules:
    """The part of the configuration that decisions follow."""
    return Rules(
        body_bytes=config.limits.body_bytes,
        group_members=config.limits.group_members,
        full_members=config.delivery.full_members,
        large_members=config.delivery.large_members,
        delivered_members=config.delivery.delivered_members,
        edit_window_ms=int(config.storage.edit_window_s * 1000),
        shown_to=config.privacy.shown_to,
        rooms_per_user=config.limits.rooms_per_user,
    )


def per_day(rates: Rates) -> dict[Kind, int]:
    """What each user may do a day."""
    if not rates.enabled:
        return {}
    return {"bytes": rates.stored_bytes_per_day, "rooms": rates.rooms_per_day, "added": rates.added_per_day}


class Inside:
    """The parts of a daemon behind its listeners: everything but sockets. Made when the store is open."""

    def __init__(self, config: Config, env: Env, store: SqliteStore, identity: HostIdentity) -> None:
        self.store = store
        self.troubles = store.troubles
        self.counters = Counters(troubles=self.troubles.met)
        self.identity = identity
        self.passwords = Passwords()
        self.turnstile = Turnstile(env, config.limits.hellos_under_way)
        self.lookups = Lookups(config.rates, env, self.counters)
        self.admission: Admission[Any] = Admission(config.limits, self._crowded_ms)
        self.gate = Gate(config.rates, env, self.counters, self.admission)
        self.live = Live(config.delivery.full_members)
        self.fanout = Fanout(config, env, self.live, self.counters)
        self.bus = LocalBus()
        self.rooms = Rooms(store, env, Registry())
        self.allowances = Allowances()
        self.allowances.become(per_day(config.rates))
        self.gatherer = Gatherer(store, env, self.rooms, rules_of(config), self.allowances)
        self.writer = Writer(store, env, self.gatherer, self.publish, self.counters)
        self.sightings = Sightings(env, self.writer)
        self.upkeep = Upkeep(store, env, self.rooms, self.writer, config)
        self.presence = LocalPresence(
            env,
            self.fanout.presence,
            interval_s=config.delivery.presence_interval_s,
            linger_s=config.delivery.presence_linger_s,
        )
        self.watching = Watching(store, self.presence, self.gate.keep, config.privacy.shown_to)
        self.admin = Admin(store, self.writer, self.live)
        self.login = Login(store, self.writer, self.passwords, identity, config.auth.login_token_ttl_s)
        self.context = Context(
            config=config,
            env=env,
            store=store,
            identity=identity,
            rooms=self.rooms,
            writer=self.writer,
            sightings=self.sightings,
            live=self.live,
            presence=self.presence,
            watching=self.watching,
            telling=self.fanout,
            turnstile=self.turnstile,
            lookups=self.lookups,
            counters=self.counters,
        )

    def reconfigure(self, config: Config) -> None:
        """Put another configuration in force, in every part that was given some of it (settings.py says of what)."""
        self.context.config = config
        self.admission.limits = config.limits
        self.turnstile.at_once = config.limits.hellos_under_way
        self.gate.reconfigure(config.rates)
        self.lookups.reconfigure(config.rates)
        self.gatherer.rules = rules_of(config)
        self.allowances.become(per_day(config.rates))
        self.fanout.reconfigure(config.delivery, config.privacy)
        self.upkeep.reconfigure(config)
        self.presence.interval_s = config.delivery.presence_interval_s
        self.presence.linger_s = config.delivery.presence_linger_s
        self.watching.reconfigure(config.privacy.shown_to)
        self.login.ttl_s = config.auth.login_token_ttl_s

    def publish(self, work: Work) -> None:
        """After each commit, in commit order: the connections of this process, the bus, what follows later."""
        try:
            self.fanout.publish(work)
        except Exception:  # stored it is: whoever may have missed a part comes back and reads it from the log
            log.exception("commit %d was not told to everybody", work.stamp)
            self.fanout.give_up(work)
        self.bus.publish(work)
        self.upkeep.noticed(work)
        self.watching.noticed(work)

    async def watch_troubles(self) -> None:
        """Look for troubles that no request meets, and try whether those of the disk are over; until cancelled."""
        while True:
            self.store.watch()
            for name, why in self.pressures().items():
                if why:
                    self.troubles.meet(name, why)
                else:
                    self.troubles.ease(name)
            if self.writer.committing_s > COMMIT_S:
                self.troubles.meet(
                    "commits", f"the disk does not answer for {self.writer.committing_s:.0f} s"
                )
            elif {"disk", "commits"} & self.troubles.now.keys() and not self.writer.depth:
                self.writer.submit(Submission("", ForgetKeys(before=1)))  # drops nothing, and is a commit
            await asyncio.sleep(TROUBLES_LOOK_S)

    def pressures(self) -> dict[str, str | None]:
        """By trouble: None, or the bound that was reached."""
        admission, turnstile, writer = self.admission, self.turnstile, self.writer
        room = min(admission.limits.connections, admission.sockets_max)
        return {
            "queue": f"{writer.depth} changes wait to be stored" if writer.full else None,
            "hellos": f"{turnstile.waiting} hellos wait for their turn" if turnstile.full else None,
            "keys": None if self.identity.has_keys else NO_KEY,
            "connections": f"there are {admission.total} connections" if admission.total >= room else None,
        }

    def _crowded_ms(self) -> int | None:
        return self.turnstile.booked_ms() if self.turnstile.full else None

    def session(self) -> Session:
        """A receiver for a connection that was just accepted."""
        return Session(self.context, self.gate)

    async def log_in(self, user: str, password: str, device: str | None, address: str) -> Granted | None:
        """A token for a user and a password; None when they do not fit. Limited per address and user."""
        self.gate.allow_login(address, user)
        granted = await self.login(user, password, device)
        self.counters.logins["granted" if granted else "login_failed"] += 1
        return granted
