"""Somebody who comes back whenever he lost his connection, and one of his connections."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field

from bench.checks import Tally
from bench.codec import Packet
from bench.engine.device import Access, Device, Gate
from bench.engine.pump import Pump
from bench.engine.record import SECOND_NS
from bench.engine.script import Script
from bench.storm.manners import Manners

ANSWER_NS = 10 * SECOND_NS  # protocol.md "Client side": no answer for so long, and the connection is given up


@dataclass
class Stage:
    """What everybody shares."""

    pump: Pump
    access: Access
    script: Script
    manners: Manners
    tally: Tally = field(default_factory=Tally)
    failures: Counter[str] = field(default_factory=Counter)  # of attempts to come back, by reason
    attempts: int = 0  # to come back
    resting: bool = False  # nobody dials by himself now


class Guest(ABC):
    """User `number`, on one connection after the other."""

    def __init__(self, stage: Stage, number: int) -> None:
        self.stage = stage
        self.number = number
        self.user = stage.script.user(number)
        self.visit: Visit | None = None
        self.present = False
        self._tries = 0

    @abstractmethod
    def hello(self) -> Packet:
        """What he says first."""

    @abstractmethod
    def welcome(self, reply: Packet) -> None:
        """The hello was answered; he is present."""

    @abstractmethod
    def push(self, packet: Packet) -> None:
        """A packet nobody asked for."""

    @abstractmethod
    def away(self) -> None:
        """The connection is lost, and with it all answers."""

    def dial(self) -> None:
        """One attempt."""
        self.visit = visit = Visit(self)
        try:
            visit.enter(self.number)
        except OSError as error:
            self.lost(visit, str(error), 0.0)

    def cut(self) -> None:
        """Loses the connection from his side, without a word."""
        if self.visit is not None:
            self.visit.drop()
            self.lost(self.visit, "cut", 0.0)

    def arrived(self, reply: Packet) -> None:
        """The hello was answered."""
        self.present, self._tries = True, 0
        self.welcome(reply)

    def lost(self, visit: Visit, reason: str, retry_after_s: float) -> None:
        """A connection ended, or did not come about; he dials again when his manners allow it."""
        if visit is not self.visit:
            return
        if not self.present:
            self.stage.failures[reason] += 1
        self.visit, self.present = None, False
        self.away()
        if not self.stage.resting:
            self._dial_later(retry_after_s)

    def come_back(self) -> None:
        """Begins to dial, after a rest."""
        self._dial_later(0.0)

    def _dial_later(self, retry_after_s: float) -> None:
        delay_s = self.stage.manners.delay_s(self._tries, retry_after_s)
        self._tries += 1
        self.stage.attempts += 1
        self.stage.pump.call_at(time.perf_counter_ns() + int(delay_s * SECOND_NS), self._dial_again)

    def _dial_again(self) -> None:
        if self.visit is None and not self.stage.resting:
            self.dial()


class Visit(Device):
    """One connection of a guest."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest.stage.pump, guest.stage.access, Gate(), hello=None)
        self._guest = guest
        self._retry_after_s = 0.0
        self._answered = False

    def enter(self, number: int) -> None:
        """Dials, and gives up when there is no answer in time."""
        super().enter(number)
        self.pump.call_at(self.dialled_ns + ANSWER_NS, self._expire)

    def welcome(self, reply: Packet) -> None:
        """The connection is upgraded."""
        self.ask(self._guest.hello(), self._heard)

    def push(self, packet: Packet) -> None:
        """Everything but replies and pings."""
        if packet["type"] == "bye":
            self._retry_after_s = packet.get("retry_after", 0) / 1000
        self._guest.push(packet)

    def lost(self, reason: str) -> None:
        """The connection failed or ended."""
        self._guest.lost(self, reason, self._retry_after_s)

    def garbled(self, fault: str) -> None:
        """He comes back and is made good, so that nothing but this tells of it."""
        self._guest.stage.tally.add("altered", f"{self._guest.user} got what cannot be read: {fault}")
        super().garbled(fault)

    def _heard(self, reply: Packet) -> None:
        self._answered = True
        if reply["type"] == "ok":
            self._guest.arrived(reply)
            return
        self._retry_after_s = reply.get("retry_after", 0) / 1000
        self.drop()
        self.lost(f"hello: {reply['code']}")

    def _expire(self) -> None:
        if not self._answered and self._guest.visit is self:
            self.drop()
            self.lost(f"no answer in {ANSWER_NS // SECOND_NS} s")
