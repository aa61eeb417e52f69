"""Push notifications in a terminal: what one wants to be told on other devices, and why one was not.

Without terminal or socket.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from chatd.cli.chat.typed import InvalidCommand
from chatd.cli.chat.wording import clean
from chatd.cli.hook_lines import clock
from chatd.cli.push_lines import OUTCOMES
from chatd.client import Client, Room

LEVELS = ("all", "mentions", "none")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "messages": LEVELS,
    "groups": LEVELS,
    "content": ("full", "sender", "none"),
    "quiet_mode": ("silent", "off"),
}
"""The keys of the preferences that are a word, with the words; the first is the default."""
SWITCHES: Mapping[str, bool] = {
    "mute_mentions": True,
    "friends": True,
    "invites": True,
    "joins": True,
    "reactions": False,
}
"""Those that are on or off, with the default."""
ON_OFF = {"on": True, "off": False}
SPAN = re.compile(r"([0-2][0-9]:[0-5][0-9])-([0-2][0-9]:[0-5][0-9])")
USAGE = "usage: /push [KEY=VALUE ...], as in /push groups=mentions quiet=22:30-07:00 timezone=Europe/Berlin"
SHOWN = 10


class NotificationsView:
    """The notifications of the user. `note` shows a line."""

    def __init__(self, client: Client, room: Room, note: Callable[[str], None]) -> None:
        self._client = client
        self._room = room
        self._note = note

    def preferences_changed(self) -> None:
        """Tell the preferences of the account, which changed on some device."""
        push = self._client.push_preferences
        said = [f"{name} {'on' if shown else 'off'}" for name, shown in self._client.preferences.items()]
        self._note(f"on all your devices: {', '.join([*said, *described(push, only_changed=True)])}")

    # Commands.

    async def notify(self, rest: str) -> None:
        """Set of which messages of this room the user is told."""
        if rest not in (*LEVELS, "default"):
            raise InvalidCommand("usage: /notify all, mentions, none or default")
        await self._client.call({"type": "preferences", "room": self._room.id, "notify": rest})
        self._note(f"of this chat you are told: {'as of all others' if rest == 'default' else rest}")

    async def push(self, rest: str) -> None:
        """Show what the user is told on their devices, or change it."""
        push = dict(self._client.push_preferences)
        if rest:
            await self._client.call({"type": "preferences", "push": changed(push, rest)})
            return
        for line in described(push):
            self._note(line)

    async def why(self, rest: str) -> None:
        """Tell what became of the last notifications of this room, or of one message."""
        asked: dict[str, Any] = {"type": "push.decisions", "room": self._room.id, "limit": SHOWN}
        if rest:
            if not (rest.startswith("#") and rest[1:].isdecimal()):
                raise InvalidCommand("usage: /why [#NUMBER]")
            asked["seq"] = int(rest[1:])
        found = (await self._client.call(asked))["decisions"]
        for one in reversed(found):
            meaning = OUTCOMES.get(one["outcome"])
            said = meaning.says if meaning else clean(one["outcome"])
            number = f" #{one['seq']}" if "seq" in one else ""
            self._note(f"{clock(one['time'])}{number} on {clean(one.get('device', 'your devices'))}: {said}")
        if not found:
            self._note("nothing was decided about this in the last day")


def described(push: Mapping[str, Any], *, only_changed: bool = False) -> list[str]:
    """Return the preferences as `key value`, those that are not the default alone if `only_changed`."""
    said = [(key, push.get(key, words[0]), words[0]) for key, words in CHOICES.items()]
    for key, usual in SWITCHES.items():
        said.append((key, "on" if push.get(key, usual) else "off", "on" if usual else "off"))
    spans = [f"{clean(one['from'])}-{clean(one['to'])}" for one in push.get("quiet", [])]
    said.append(("quiet", ", ".join(spans) or "off", "off"))
    said.append(("timezone", clean(push.get("timezone", "")) or "none", "none"))
    return [f"{key} {clean(str(value))}" for key, value, usual in said if value != usual or not only_changed]


def changed(push: Mapping[str, Any], typed: str) -> dict[str, Any]:
    """Return the preferences with what was typed, `KEY=VALUE ...`. Raises InvalidCommand."""
    after = dict(push)
    for word in typed.split():
        key, mark, value = word.partition("=")
        if not mark:
            raise InvalidCommand(USAGE)
        if key == "timezone":
            after[key] = value
        elif key == "quiet":
            after[key] = spans_of(value)
        else:
            after[key] = chosen(key, value)
    return {key: value for key, value in after.items() if value not in ("", [])}


def spans_of(value: str) -> list[dict[str, str]]:
    if value == "off":
        return []
    found = [SPAN.fullmatch(span) for span in value.split(",")]
    if not all(found):
        raise InvalidCommand("quiet is off, or times such as 22:30-07:00, several between commas")
    return [{"from": one[1], "to": one[2]} for one in found if one]


def chosen(key: str, value: str) -> str | bool:
    words = CHOICES.get(key, tuple(ON_OFF) if key in SWITCHES else ())
    if not words:
        raise InvalidCommand(f"there is no {clean(key)}; see /push")
    if value not in words:
        raise InvalidCommand(f"{key} is {', '.join(words[:-1])} or {words[-1]}")
    return ON_OFF[value] if key in SWITCHES else value


NotificationsCommand = Callable[[NotificationsView, str], Awaitable[None]]

# Name: its function, arguments and meaning.
NOTIFICATIONS_COMMANDS: dict[str, tuple[NotificationsCommand, str, str]] = {
    "notify": (
        NotificationsView.notify,
        "LEVEL",
        "of which messages of this chat to be told: all, mentions, none, default",
    ),
    "push": (
        NotificationsView.push,
        "[KEY=VALUE ...]",
        "what you are told on your other devices; without more, show it",
    ),
    "why": (NotificationsView.why, "[#NUMBER]", "why you were, or were not, told on another device"),
}
