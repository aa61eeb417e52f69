"""The table of the permissions of files, one request for each cell, with the process that a daemon starts."""

from pathlib import Path

import pytest

from tests.kit.daemon import config_for, running_daemon
from tests.kit.file_matrix import KEYS, REQUESTS, WORDS, FileMatrix, rows

ROWS = rows()
MEDIA = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}


def test_every_request_has_a_row() -> None:
    asked_otherwise = {name for name in ROWS if name.startswith(("link", "file.", "sticker.", "live"))}
    assert set(ROWS) == set(REQUESTS) | asked_otherwise


@pytest.mark.parametrize("part", ["begin head patch delete", "get own public live", "link file sticker"])
async def test_the_rows_are_as_the_table_says(part: str, tmp_path: Path) -> None:
    named = [name for name in ROWS if name.replace(".", "/").split("/")[0] in part.split()]
    wanted = {name: ROWS[name].outcomes for name in named}
    found: dict[str, dict[str, str]] = {}
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as daemon:
        matrix = await FileMatrix.open(daemon)
        for name in named:
            found[name] = {}
            for column in wanted[name]:
                found[name][column] = await matrix.outcome(name, await matrix.case(name, column))
        await matrix.clients.leave()
    assert found == wanted


async def test_without_its_word_a_request_is_forbidden_wherever_it_points(tmp_path: Path) -> None:
    async with running_daemon(config_for(tmp_path, media=MEDIA)) as daemon:
        matrix = await FileMatrix.open(daemon)
        found = {}
        for name in (*REQUESTS, "live"):
            if (word := ROWS[name].word) == "-":
                continue
            others = [one for one in WORDS if one != word]
            for column in ("uploader", "stranger"):
                case = await matrix.case(name, column, *others)
                found[name, column] = await matrix.outcome(name, case)
        await matrix.clients.leave()
    assert set(found.values()) == {"403"}, found
    assert len(found) > 2 * len(KEYS)
