"""The buttons of the messages on a screen, by the numbers that wording.py gives them. Pure."""

from collections.abc import Mapping

from chatd.cli.chat.typed import InvalidCommand
from chatd.client import Button, Message


def chosen(typed: str, shown: Mapping[int, Message]) -> tuple[int, Button]:
    """Return the button that "#17 2", or "2" for the latest message with buttons, means, and the message's number."""
    first, _, rest = typed.partition(" ")
    is_named = first.startswith("#") and first[1:].isdecimal()
    asked, choice = (int(first[1:]), rest.strip()) if is_named else (0, typed)
    having = [seq for seq, one in shown.items() if one.buttons and asked in (0, seq)]
    buttons = [button for row in shown[max(having)].buttons for button in row] if having else []
    if not choice.isdecimal() or not 1 <= int(choice) <= len(buttons):
        raise InvalidCommand("usage: /press [#NUMBER] CHOICE, one of those below a message")
    return max(having), buttons[int(choice) - 1]
