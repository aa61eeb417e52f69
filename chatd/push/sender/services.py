"""The sender: all apps of the configuration at their push services, in the loop it is made in."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from chatd.config.push import PushApp
from chatd.egress.client import Unreachable
from chatd.egress.guard import EgressRefused
from chatd.env import Env
from chatd.push.handover import SenderSettings
from chatd.push.interface import Answer, Delivery, OnAnswers
from chatd.push.sender.answers import answer
from chatd.push.sender.apns import Apns
from chatd.push.sender.credentials import NoCredential, app_name
from chatd.push.sender.fcm import Fcm
from chatd.push.sender.gateway import Gateway
from chatd.push.sender.payload import Inexpressible
from chatd.push.sender.web import Web

log = logging.getLogger(__name__)


class Service(Protocol):
    async def send(self, delivery: Delivery) -> Answer:
        """Send one. Raises Inexpressible, NoCredential, Unreachable and EgressRefused."""
        ...

    async def close(self) -> None: ...


class LocalSender:
    """A `Sender` whose requests are sent by this process."""

    def __init__(self, settings: SenderSettings, env: Env, on_answers: OnAnswers) -> None:
        self._on_answers = on_answers
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: list[Answer] = []
        self._services: dict[tuple[str, str], Service] = {}
        for app in settings.apps:
            try:
                self._services[app.platform, app.app] = service_of(app, settings, env)
            except EgressRefused as error:
                log.error("push: the url of %s cannot be used: %s", app_name(app), error)

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Begin to send; each is answered, in batches and in any order."""
        loop = asyncio.get_running_loop()
        for delivery in deliveries:
            task = loop.create_task(self._send(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all connections; what is under way is answered `retry`."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for service in self._services.values():
            await service.close()

    async def _send(self, delivery: Delivery) -> None:
        told = answer(delivery, "retry", "the sender ends")
        try:
            told = await self._told(delivery)
        except Exception:
            log.exception("push: a defect of the sender")
            told = answer(delivery, "refused", "defect")
        finally:
            # Also when it is cancelled.
            if not self._answers:
                asyncio.get_running_loop().call_soon(self._tell)
            self._answers.append(told)

    async def _told(self, delivery: Delivery) -> Answer:
        address = delivery.address
        service = self._services.get((address.platform, address.app))
        if service is None:
            return answer(delivery, "refused", "no such app")
        try:
            return await service.send(delivery)
        except Inexpressible as error:
            return answer(delivery, "refused", str(error))
        except EgressRefused:
            return answer(delivery, "refused", "address")
        except NoCredential as error:
            return answer(delivery, "credential", str(error))
        except Unreachable as error:
            return answer(delivery, "retry", str(error))

    def _tell(self) -> None:
        answers, self._answers = self._answers, []
        self._on_answers(answers)


def service_of(app: PushApp, settings: SenderSettings, env: Env) -> Service:
    """Return the service of an app. Raises EgressRefused when its URL is none."""
    if app.platform == "apns":
        return Apns(app, env)
    if app.platform == "fcm":
        return Fcm(app, env)
    if app.platform == "gateway":
        return Gateway(app, env)
    return Web(app, settings.vapid_subject, settings.allow, env)
