"""The form of a rule over several keys of the configuration."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from chatd.config.model import Config


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that `holds` for every usable configuration; `says` and `keys` are for the problem when it does not."""

    keys: tuple[str, ...]
    says: str
    holds: Callable[[Config], bool]


def is_network(text: str) -> bool:
    """Whether this is a network such as 10.0.0.0/8, without host bits."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
