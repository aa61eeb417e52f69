"""Phones of a scenario: they register at a push service and go offline."""

from typing import Any

from chatd.config.push import PushApp
from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.push_services.service import Service

WORDS = {"features": ["push"]}


def push(*services: Service, **more: Any) -> dict[str, Any]:
    """Return the section of a configuration with these services."""
    apps = tuple(PushApp(**service.app()) for service in services)  # type: ignore[attr-defined]
    return {
        "enabled": True,
        "apps": apps,
        "vapid_subject": "mailto:ops@example.com",
        "delay_s": 0,
        "workers": 0,
        **more,
    }


async def online(clients: Clients, user: str, **options: Any) -> TestClient:
    """Connect a device with the feature word of push."""
    return await clients.connect(user, hello=WORDS, **options)


async def register(client: TestClient, service: Service, token: str, **keys: Any) -> dict[str, Any]:
    app = service.app()  # type: ignore[attr-defined]
    address = {"platform": app["platform"], "app": app.get("app", ""), "token": token}
    return await client.request({"type": "devices.push", **address, **keys})


async def phone(clients: Clients, user: str, service: Service, token: str, **keys: Any) -> TestClient:
    """Register a phone of a user and close its connection."""
    client = await online(clients, user)
    await register(client, service, token, **keys)
    await client.link.close()
    return client
