"""The table of who may what, asked cell by cell. A command without a row fails here."""

from pathlib import Path

import pytest

from chatd.commands.table import COMMANDS
from chatd.ports import Claims
from chatd.protocol import close_codes
from chatd.protocol.errors import Refused
from tests.kit.court import ENDED, REQUESTS, Court, Stage, request_of, rows
from tests.kit.indoors import indoors

ROWS = rows()
WORDS = frozenset({"read", "send", "create", "admin"})
SHORT_S = 5  # of a token; with its grace shorter than anybody may be silent
NEEDED = {str(kind.__struct_config__.tag): command.allow or "-" for kind, command in COMMANDS.items()}


def test_every_command_has_a_row_and_every_row_a_command():
    assert {row.command for row in ROWS.values()} == set(NEEDED)
    assert set(REQUESTS) == set(ROWS)


def test_the_word_of_every_row_is_the_one_that_is_checked():
    assert {row.name: row.word for row in ROWS.values()} == {
        row.name: NEEDED[row.command] for row in ROWS.values()
    }


@pytest.mark.parametrize("name", ROWS)
async def test_a_row_is_as_the_table_says(name: str, tmp_path: Path) -> None:
    wanted = {column: cell for column, cell in ROWS[name].outcomes.items() if column not in ENDED}
    async with indoors(tmp_path) as house:
        court = await Court.opens(house)
        found = {}
        for column in wanted:
            asker = await court.arrives(column)
            found[column] = await court.asks(asker, name, await court.stages(column, asker))
            if found[column] not in ("ok", "duplicate"):
                assert court.author.hears() == [], f"{column}: others heard of what was not done"
    assert found == wanted


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.word != "-"])
async def test_without_its_word_a_row_is_forbidden_wherever_it_points(name: str, tmp_path: Path) -> None:
    async with indoors(tmp_path) as house:
        court = await Court.opens(house)
        expires = house.env.now_ms() / 1000 + 3600
        house.passports.claims["mute"] = Claims("owner", expires, allow=WORDS - {ROWS[name].word})
        asker = await house.meets("owner", 2)
        stage = await court.stages("owner", asker)
        again = house.guest()
        again.greets("mute", 2)
        await house.quiet()
        for place in (stage, Stage("gAbCdEfGhIj0", 1, 2, "owner")):
            assert await court.asks(again, name, place) == "forbidden"
        assert court.author.hears() == []


# --- those whose connection ends


async def _turned_away(court: Court, column: str) -> None:
    """From now on nobody of this column gets in."""
    if column == "banned":
        await court.house.inside.admin.disable(column, True)
    elif column == "revoked":
        await court.house.inside.admin.revoke(column)
        old = court.house.env.now_ms() / 1000 - 5
        court.house.passports.claims[column] = Claims(column, old + 3600, issued_at_s=old)
    else:
        court.house.passports.refusals[column] = Refused("token_expired", "the token has expired")


@pytest.mark.parametrize("column", ENDED)
async def test_behind_a_hello_that_fails_nothing_is_carried_out(column: str, tmp_path: Path) -> None:
    """Each row in the frame of the hello, as a phone sends its outbox."""
    async with indoors(tmp_path, rates={"enabled": False}) as house:
        court = await Court.opens(house)
        stage = await court.stages("member", await court.arrives(column))
        await _turned_away(court, column)
        await house.quiet()
        before = house.store.stamp
        for name, row in ROWS.items():
            guest = house.guest()
            hello = {"type": "hello", "id": 1, "version": 1, "token": column, "device": "device" + "2" * 16}
            guest.says(hello, {**request_of(name, stage), "id": 2})
            await house.quiet()
            assert [packet.get("id") for packet in guest.hears()] == [1, None], name
            assert guest.wire.closed_with == (
                int(row.outcomes[column]),
                close_codes.CLOSES[int(row.outcomes[column])],
            )
        assert house.store.stamp == before
        assert court.author.hears() == []


@pytest.mark.parametrize("column", ENDED)
async def test_what_a_connection_asks_after_its_end_is_not_carried_out(column: str, tmp_path: Path) -> None:
    async with indoors(tmp_path, rates={"enabled": False}) as house:
        court = await Court.opens(house)
        expires = house.env.now_ms() / 1000 + SHORT_S
        house.passports.claims["expired"] = Claims("expired", expires)
        asker = await court.arrives(column)
        stage = await court.stages("member", asker)
        if column == "expired":
            await house.passes(SHORT_S + house.config.auth.grace_s)
        else:
            await _turned_away(court, column)
        await house.quiet()
        code = int(ROWS["send"].outcomes[column])
        assert asker.hears("bye")[-1]["close"] == code
        assert asker.wire.closed_with == (code, close_codes.CLOSES[code])
        court.author.hears()
        before = house.store.stamp
        for name in ROWS:
            assert await court.asks(asker, name, stage) == "silent", name
        assert house.store.stamp == before
        assert court.author.hears() == []
