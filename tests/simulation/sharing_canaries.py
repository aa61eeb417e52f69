"""Deliberate breaks of what chatd promises about what is shared, by name."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from msgspec import UNSET
from msgspec.structs import replace

from chatd.core import cards, forwarding, messages


def client_origin_kept() -> AbstractContextManager[Any]:
    """Believe a client that says where a message comes from."""
    real = cards.check_shared

    def believing(body: Any, image_hosts: Any) -> None:
        real(replace(body, forwarded=UNSET), image_hosts)

    return patch.object(messages, "check_shared", believing)


def first_origin_lost() -> AbstractContextManager[Any]:
    """Name whoever forwarded a message last, and not who wrote it."""
    real = forwarding.origin_of

    def nearest(event: Any, request: Any, room: Any, reads: Any) -> Any:
        event = replace(event, body=replace(event.body, forwarded=UNSET))
        return real(event, request, room, reads)

    return patch.object(forwarding, "origin_of", nearest)


SHARING_CANARIES = {"client-origin-kept": client_origin_kept, "first-origin-lost": first_origin_lost}
