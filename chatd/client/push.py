"""Push notifications of a client: where this device is told of messages, and of which (protocol.md, "Push
notifications").
"""

from collections.abc import Mapping
from typing import Any

from .core.packets import Packet
from .engine import Engine


class Push:
    """The part of a client that is about push notifications. All requests raise `NotSupported` where they are off."""

    _engine: Engine

    @property
    def push(self) -> Mapping[str, Any] | None:
        """Where a device can be registered, and whether this one is, as of the last hello (protocol.md, "PushOffer");
        None without push."""
        return self._engine.account.push

    async def register_push(
        self,
        platform: str,
        token: str,
        *,
        app: str = "",
        purpose: str = "alert",
        environment: str = "production",
        keys: tuple[str, str] | None = None,
    ) -> None:
        """Register this device; `platform` is `apns`, `fcm`, `web` or `gateway`. Call it at every start of the app.

        `keys`: `p256dh` and `auth` in base64url, with which what is sent to this device is sealed. Until the client is
        closed it registers again by itself when the server says that this device is not registered any more.
        """
        packet: Packet = {"type": "devices.push", "platform": platform, "token": token}
        named = {"app": app, "purpose": purpose, "environment": environment}
        usual = {"app": "", "purpose": "alert", "environment": "production"}
        packet |= {name: value for name, value in named.items() if value != usual[name]}
        if keys is not None:
            packet |= {"p256dh": keys[0], "auth": keys[1]}
        await self._engine.call(packet)
        if purpose == "alert":
            self._engine.registration = packet if token else None

    async def unregister_push(self, platform: str, *, app: str = "", purpose: str = "alert") -> None:
        """Have this device told of nothing more, before its user signs out."""
        await self.register_push(platform, "", app=app, purpose=purpose)

    @property
    def push_preferences(self) -> Mapping[str, Any]:
        """What the user wants to be told, whichever device chose so; absent keys are at their default (protocol.md,
        "PushPreferences")."""
        rows: Mapping[str, Any] = self._engine.account.rows.section("account")
        return dict(rows.get("preferences", {}).get("push", {}))

    async def set_push_preferences(self, **changes: Any) -> None:
        """Change what the user wants to be told; what is not named stays."""
        await self._engine.call({"type": "preferences", "push": {**self.push_preferences, **changes}})
