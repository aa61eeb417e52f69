"""The sample that a start reads of a database too large to be read whole: its size, its pages, its findings."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from chatd.config.file_permissions import new_private_file
from chatd.storage.sqlite import sampling, schema, startup
from chatd.storage.sqlite.connection import open_file, readable
from chatd.storage.sqlite.errors import StoreError
from chatd.storage.sqlite.meta import begin_history
from chatd.storage.sqlite.sampling import ROOTS, inspect_trees, spread
from chatd.storage.sqlite.startup import inspect

PAGE = 4096
ROWS = 12_000  # three levels of pages in `members`
ADD_MEMBER = (
    "INSERT INTO members VALUES (?, ?, 'member', 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1, x'', 1, '', 0, 0)"
)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = tmp_path_factory.mktemp("large") / "chatd.sqlite"
    new_private_file(path).close()
    with closing(open_file(path, mode="rw")) as connection:
        schema.up(connection, schema.shipped(), path)
        begin_history(connection, "epoch-epoch-")
        connection.execute("PRAGMA foreign_keys = 0")
        connection.execute("BEGIN")
        connection.executemany(ADD_MEMBER, ((f"{'u' * 40}{row:06}", row % 50) for row in range(ROWS)))
        connection.execute("COMMIT")
    return path.read_bytes()


@pytest.fixture
def large(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed database that counts as large."""
    monkeypatch.setattr(startup, "WHOLE_PAGES_MAX", 10)
    path = tmp_path / "chatd.sqlite"
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def roots_of(path: Path) -> list[int]:
    with closing(readable(path)) as connection:
        return [1, *(root for (root,) in connection.execute(ROOTS))]


def pages_of(path: Path, pages_max: int) -> list[int]:
    roots = roots_of(path)
    with path.open("rb") as file:
        return [page.number for page in inspect_trees(file, roots, pages_max)]


def overwritten(path: Path, number: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE)
        file.write(content)


def trees(path: Path) -> Iterator[int]:
    """Every page that belongs to a tree, as SQLite counts them."""
    with closing(sqlite3.connect(path)) as connection:
        yield from (
            number
            for (number,) in connection.execute("SELECT pageno FROM dbstat WHERE pagetype <> 'overflow'")
        )


def test_a_database_without_damage_starts(large: Path) -> None:
    inspect(large)


@pytest.mark.parametrize("pages_max", [150, 250, 500])
def test_no_more_pages_are_looked_at_than_may_be_and_every_root_is(large: Path, pages_max: int) -> None:
    looked = pages_of(large, pages_max)
    assert len(looked) == len(set(looked)) <= pages_max
    assert set(roots_of(large)) < set(looked)


def test_what_is_looked_at_is_spread_over_the_whole_file(large: Path) -> None:
    looked, count = sorted(pages_of(large, 200)), large.stat().st_size // PAGE
    assert max(later - sooner for sooner, later in pairwise(looked)) < count // 8


def test_with_enough_of_them_every_page_of_every_tree_is_looked_at(large: Path) -> None:
    try:
        expected = set(trees(large))
    except sqlite3.OperationalError:
        pytest.skip("this SQLite does not count its pages (dbstat)")
    assert set(pages_of(large, 1_000_000)) == expected


@pytest.mark.parametrize("harm", [bytes(PAGE), bytes(range(256)) * 16, b"\r" + bytes(4) + b"\xff" * 4091])
def test_every_page_that_is_looked_at_is_found_when_it_is_overwritten(
    large: Path, monkeypatch: pytest.MonkeyPatch, harm: bytes
) -> None:
    monkeypatch.setattr(sampling, "PAGES_MAX", 100)
    content = large.read_bytes()
    for number in pages_of(large, 100)[::3]:
        overwritten(large, number, harm)
        with pytest.raises(StoreError) as caught:
            inspect(large)
        assert caught.value.kind in ("damaged", "foreign")
        large.write_bytes(content)


def test_a_page_of_another_tree_and_one_that_is_not_there_are_found(large: Path) -> None:
    content, looked = large.read_bytes(), pages_of(large, 100)
    (interior,) = [number for number in looked if content[(number - 1) * PAGE] == 2][:1]
    for place, harm in ((interior * PAGE - PAGE + 8, b"\x7f\xff\xff\xff"), (interior * PAGE - PAGE, b"\x05")):
        changed = bytearray(content)
        changed[place : place + len(harm)] = harm
        large.write_bytes(bytes(changed))
        with pytest.raises(StoreError, match=r"page \d+ "):
            inspect(large)


def test_items_are_spread_evenly_and_the_ends_are_among_them() -> None:
    assert spread(range(5), 9) == range(5)
    assert spread(range(101), 5) == [0, 25, 50, 75, 100]
    assert spread(range(9), 1) == [0]
