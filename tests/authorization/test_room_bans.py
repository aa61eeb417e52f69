"""A ban from a room looks like a removal, and one of a user who never was a member like no room at all."""

from pathlib import Path

import pytest

from tests.authorization.test_matrix import ROWS, SWITCHED_ON
from tests.kit.auth_matrix import NEVER_IN, SHUT_OUT, AuthMatrix
from tests.kit.inprocess import in_process

OF_ROOMS = {name: row for name, row in ROWS.items() if row.outcomes["stranger"] != row.outcomes["member"]}
# One server for all rows.
UNBOUND = {
    "hello_address_per_min": 10_000,
    "writes_burst": 10_000,
    "requests_burst": 10_000,
    "rooms_per_day": 10_000,
    "added_per_day": 10_000,
}


@pytest.mark.parametrize(("column", "looks_like"), [(SHUT_OUT, "removed"), (NEVER_IN, "stranger")])
async def test_who_is_banned_sees_nothing_of_it(column: str, looks_like: str, tmp_path: Path) -> None:
    async with in_process(tmp_path, **SWITCHED_ON, rates=UNBOUND) as server:
        matrix = await AuthMatrix.open(server)
        for number, (name, row) in enumerate(OF_ROOMS.items()):
            asker = await server.connect(f"asker{number}", 2)
            prepared = await matrix.prepare_room(column, asker)
            # An invite says nothing, whatever keeps one out.
            expected = "not_found" if name == "invites.use" else row.outcomes[looks_like]
            assert await matrix.outcome(asker, name, prepared) == expected, name
            asker.hang_up()
