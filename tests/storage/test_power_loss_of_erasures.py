"""The power fails while an erasure writes files: the list of erased people, and over space that no row uses."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatd.storage import person_files
from chatd.storage.erasing import ListedErasure
from chatd.storage.person_files import FilesOfPersons
from chatd.storage.sqlite import unallocated
from tests.kit.disk import watched
from tests.kit.power_cut_sweep import Tally, chances, sweep
from tests.kit.soak import scaled
from tests.storage.test_unallocated import database, emptied

SURVIVALS = scaled(5, 100)  # of each cut
PEOPLE = [ListedErasure(f"u{number}" * 9, number, "recall", "keep") for number in range(12)]

pytestmark = pytest.mark.timeout(scaled(1200, 7200))


def listed(directory: Path) -> Tally:
    """Sweep over a list that grows; whoever was on it before is on it."""
    directory.mkdir()
    promises = []
    with watched(directory) as disk:
        files = FilesOfPersons(directory)
        for person in PEOPLE:
            files.list_erasure(person)
            promises.append((len(disk.journal), person))

    def look(place: Path, upto: int) -> str | None:
        FilesOfPersons(place).list_erasure(ListedErasure("next", 1, "keep", "drop"))
        found = FilesOfPersons(place).listed()
        missing = [person.asked for done, person in promises if done <= upto and person not in found]
        if missing or found[-1].user != "next":
            return f"{missing} are lost, the last is {found[-1].user}"
        return None if {*found[:-1]} <= {*PEOPLE} else "somebody is on it who was not asked for"

    return sweep(disk, look, chances(1, SURVIVALS))


def test_the_list_of_erased_people_loses_nobody(tmp_path: Path) -> None:
    tally = listed(tmp_path / "data")
    assert tally.findings == []
    assert tally.states > 30


class Unsynced:
    """The system, but nothing is brought to the disk."""

    def fsync(self, descriptor: int) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


def test_a_list_that_is_not_synced_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_files, "os", Unsynced())
    assert any("are lost" in finding for finding in listed(tmp_path / "data").findings)


def overwritten(directory: Path) -> Tally:
    """Sweep over the walk that overwrites unallocated space; the database is whole, and has the same rows."""
    directory.mkdir()
    path = directory / "chatd.sqlite"
    with closing(database(path, 1)) as connection:
        emptied(connection)
        rows = connection.execute("SELECT * FROM log ORDER BY position").fetchall()
    with watched(directory) as disk, closing(sqlite3.connect(path, isolation_level=None)) as connection:
        descriptor, page = os.open(path, os.O_RDWR), 1
        while page:
            page = unallocated.overwrite(connection, descriptor, page, 100)
    assert len(disk.journal) > 5

    def look(place: Path, upto: int) -> str | None:
        try:
            with closing(sqlite3.connect(place / "chatd.sqlite")) as copy:
                if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                    return "the database is damaged"
                found = copy.execute("SELECT * FROM log ORDER BY position").fetchall()
                return None if found == rows else "rows are lost"
        except sqlite3.Error as error:
            return f"the database is damaged: {error}"

    cuts = range(0, len(disk.journal) + 1, scaled(len(disk.journal) // 8, 1))
    return sweep(disk, look, chances(1, SURVIVALS), cuts=cuts)


def test_a_database_whose_unallocated_space_is_overwritten_stays_whole(tmp_path: Path) -> None:
    assert overwritten(tmp_path / "data").findings == []


def test_a_walk_that_overwrites_a_byte_too_many_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = unallocated.unallocated

    def one_more(page: bytes, at: int = 0) -> tuple[int, int]:
        low, high = bounds(page, at)
        return (low, min(high + 1, len(page))) if high else (low, high)

    monkeypatch.setattr(unallocated, "unallocated", one_more)
    assert overwritten(tmp_path / "data").findings
