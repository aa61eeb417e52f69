"""The settings of bots."""

from typing import Annotated

from chatd.config.section import Section, text


class Bots(Section, frozen=True):
    """Bots and official accounts (docs/bots.md): commands, greetings, buttons, and updates without a connection."""

    enabled: Annotated[bool, text("Switches bots on; their updates come from the event feed.")] = False
