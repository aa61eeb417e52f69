"""The table of permissions, one request for each cell. A command without a row fails here."""

from pathlib import Path

import pytest

from chatd.auth.interface import Claims
from chatd.commands.table import COMMANDS
from chatd.config.push import PushApp
from chatd.core.accounts import Amend
from chatd.protocol import close_codes
from chatd.protocol.errors import Refused
from tests.kit.auth_matrix import ENDED, REQUESTS, AuthMatrix, PreparedRoom, request_of, rows
from tests.kit.inprocess import in_process

APPS = (PushApp(platform="apns", key_file="of nobody"),)
SWITCHED_ON = {
    "moderation": {"enabled": True},
    "push": {"enabled": True, "workers": 0, "apps": APPS},
    "search": {"enabled": True},
    "discovery": {"enabled": True},
}
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
    async with in_process(tmp_path, rates={"enabled": False}, **SWITCHED_ON) as server:
        matrix = await AuthMatrix.open(server)
        found = {}
        for column in wanted:
            asker = await matrix.connect_as(column)
            found[column] = await matrix.outcome(asker, name, await matrix.prepare_room(column, asker))
            if found[column] not in ("ok", "duplicate"):
                assert matrix.author.take() == [], f"{column}: others heard of what was not done"
    assert found == wanted


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.word != "-"])
async def test_without_its_word_a_row_is_forbidden_wherever_it_points(name: str, tmp_path: Path) -> None:
    async with in_process(tmp_path, rates={"enabled": False}, **SWITCHED_ON) as server:
        matrix = await AuthMatrix.open(server)
        expires = server.env.now_ms() / 1000 + 3600
        server.identity.claims["mute"] = Claims("owner", expires, allow=WORDS - {ROWS[name].word})
        asker = await server.connect("owner", 2)
        prepared = await matrix.prepare_room("owner", asker)
        again = server.client()
        again.say_hello("mute", 2)
        await server.wait_idle()
        for place in (prepared, PreparedRoom("gAbCdEfGhIj0", 1, 2, "owner")):
            assert await matrix.outcome(again, name, place) == "forbidden"
        assert matrix.author.take() == []


# --- those whose connection ends


async def _turned_away(matrix: AuthMatrix, column: str) -> None:
    """From now on nobody of this column gets in."""
    if column == "banned":
        await matrix.server.app.host.admin.amend(column, Amend(disabled=True))
    elif column == "revoked":
        await matrix.server.app.host.admin.revoke(column)
        old = matrix.server.env.now_ms() / 1000 - 5
        matrix.server.identity.claims[column] = Claims(column, old + 3600, issued_at_s=old)
    else:
        matrix.server.identity.refusals[column] = Refused("token_expired", "the token has expired")


@pytest.mark.parametrize("column", ENDED)
async def test_behind_a_hello_that_fails_nothing_is_carried_out(column: str, tmp_path: Path) -> None:
    """Each row in the frame of the hello, as a phone sends its outbox."""
    async with in_process(tmp_path, rates={"enabled": False}, **SWITCHED_ON) as server:
        matrix = await AuthMatrix.open(server)
        prepared = await matrix.prepare_room("member", await matrix.connect_as(column))
        await _turned_away(matrix, column)
        await server.wait_idle()
        before = server.store.stamp
        for name, row in ROWS.items():
            client = server.client()
            hello = {"type": "hello", "id": 1, "version": 1, "token": column, "device": "device" + "2" * 16}
            client.send_packets(hello, {**request_of(name, prepared), "id": 2})
            await server.wait_idle()
            assert [packet.get("id") for packet in client.take()] == [1, None], name
            assert client.wire.closed_with == (
                int(row.outcomes[column]),
                close_codes.CLOSE_CODES[int(row.outcomes[column])],
            )
        assert server.store.stamp == before
        assert matrix.author.take() == []


@pytest.mark.parametrize("column", ENDED)
async def test_what_a_connection_asks_after_its_end_is_not_carried_out(column: str, tmp_path: Path) -> None:
    async with in_process(tmp_path, rates={"enabled": False}, **SWITCHED_ON) as server:
        matrix = await AuthMatrix.open(server)
        expires = server.env.now_ms() / 1000 + SHORT_S
        server.identity.claims["expired"] = Claims("expired", expires)
        asker = await matrix.connect_as(column)
        prepared = await matrix.prepare_room("member", asker)
        if column == "expired":
            await server.advance(SHORT_S + server.config.auth.grace_s)
        else:
            await _turned_away(matrix, column)
        await server.wait_idle()
        code = int(ROWS["send"].outcomes[column])
        assert asker.take("bye")[-1]["close"] == code
        assert asker.wire.closed_with == (code, close_codes.CLOSE_CODES[code])
        matrix.author.take()
        before = server.store.stamp
        for name in ROWS:
            assert await matrix.outcome(asker, name, prepared) == "silent", name
        assert server.store.stamp == before
        assert matrix.author.take() == []
