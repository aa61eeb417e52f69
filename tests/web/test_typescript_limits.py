"""Limits that clients in TypeScript repeat: each is the server's."""

import re
from pathlib import Path

import pytest

from chatd.client.core.limits import HELLO_FRAME_BYTES
from chatd.core.read_set import Rules
from chatd.protocol import limits

WEB = Path(__file__).parents[2] / "web"
# What a server sends is not counted by a client.
SENT = {name: limit for name, limit in limits.DEFAULTS.items() if name != "server_frame_bytes"}
CONSTANTS = {
    ("sdk/src/core/limits.ts", "HELLO_FRAME_BYTES"): HELLO_FRAME_BYTES,
    ("sdk/src/core/codec.ts", "BATCH_MAX"): limits.DEFAULTS["batch"],
    ("sdk/src/core/replica.ts", "EVERYBODY_MEMBERS_MAX"): limits.FULL_DELIVERY_MEMBERS,
    ("sdk/src/commands.ts", "HISTORY_MAX"): limits.HISTORY_MAX,
    ("sdk/src/signals.ts", "DELIVERED_MEMBERS_MAX"): Rules().delivered_members,
    ("sdk/src/media/links.ts", "BATCH"): limits.LINKS_MAX,
    ("app/src/composer/mention_query.ts", "EVERYBODY_MAX"): limits.FULL_DELIVERY_MEMBERS,
    ("app/src/media/heard.ts", "KEPT"): limits.PLAYED_MAX,
    ("app/src/media/describe_dialog.tsx", "ALT_MAX"): limits.ALT_MAX,
    ("app/src/shell/watching.ts", "MOST"): limits.DEFAULTS["watch"],
}
OBJECTS = {
    ("sdk/src/core/limits.ts", "LIMITS"): {**SENT, "request_texts": limits.REQUEST_TEXTS},
    ("app/src/people/card_form.tsx", "MAX"): {
        "name": limits.NAME_MAX,
        "bio": limits.BIO_MAX,
        "field": limits.LABEL_MAX,
        "value": limits.LINE_MAX,
        "fields": limits.CARD_FIELDS_MAX,
    },
}


def constant(path: str, name: str) -> str:
    """Return the literal that a file gives to a constant."""
    found = re.search(rf"\bconst {name} = ([^;]+);", (WEB / path).read_text())
    assert found, f"{path} has no {name}"
    return found[1]


@pytest.mark.parametrize(("place", "limit"), CONSTANTS.items())
def test_a_number_is_the_servers(place: tuple[str, str], limit: int) -> None:
    assert int(constant(*place)) == limit


@pytest.mark.parametrize(("place", "wanted"), OBJECTS.items())
def test_numbers_with_names_are_the_servers(place: tuple[str, str], wanted: dict[str, int]) -> None:
    said = {name: int(number) for name, number in re.findall(r"(\w+): (\d+)", constant(*place))}
    assert {name: said.get(name) for name in wanted} == wanted
