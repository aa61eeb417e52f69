"""protocol.md "Negative frames": every row of the table against the attacked daemon, in the words of a case."""

import pytest

from tests.hostile.attacked_daemon import AttackedDaemon
from tests.hostile.case import Case, Encoding
from tests.hostile.client_bytes import frame
from tests.kit import document
from tests.kit.client_socket import inflated
from tests.kit.document import NegativeFrame
from tests.kit.frames import BINARY, TEXT

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = document.negative_frames()
UNREADABLE = [row for row in ROWS if row.outcome == "close 4204"]
# The number in the catalogue, as the frames are about fields and forms.
NUMBER = 98


def case_of(row: NegativeFrame, *, first: bool) -> Case:
    sent = frame(row.payload, BINARY if row.opcode == "binary" else TEXT)
    encoding: Encoding = "json" if row.subprotocol == "json" else "msgpack"
    return Case(NUMBER, row.name, sent, row.outcome, "first" if first else "later", encoding)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_the_server_answers_as_the_table_says(
    attacked_daemon: AttackedDaemon, row: NegativeFrame
) -> None:
    assert await attacked_daemon.run_case(case_of(row, first=row.first)) == row.outcome


@pytest.mark.parametrize("row", UNREADABLE, ids=lambda row: row.name)
async def test_an_unreadable_first_frame_ends_the_connection_too(
    attacked_daemon: AttackedDaemon, row: NegativeFrame
) -> None:
    assert await attacked_daemon.run_case(case_of(row, first=True)) == "close 4204"


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_the_wrapper_of_the_table_is_one_a_client_would_believe() -> None:
    (wrapper,) = [row.payload for row in ROWS if row.title == "wrapper from a client"]
    assert inflated(wrapper[3:]).startswith(b"\x82\xa4type")
