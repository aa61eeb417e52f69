"""chatd check: one line when all is well; else everything that is wrong, and what to do. It changes nothing."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Server

PAGE = 4096


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database of a development server, stopped."""
    running = Server(tmp_path_factory.mktemp("s"))
    assert running.stop() == 0
    return (running.directory / "chatd-data" / "chatd.sqlite").read_bytes()


@pytest.fixture
def database(made: bytes, tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    path = directory / "chatd.sqlite"
    path.touch(mode=0o600)
    path.write_bytes(made)
    return path


def sql(statement: str, *values: object) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = 0")
            connection.execute(statement, values)

    return run


def noise(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5 * PAGE)
        file.write(bytes(range(256)) * 16 * 5)


CASES = {
    "pages": (noise, "the database is damaged", "restore the last backup"),
    "reference": (sql("UPDATE members SET room = 77"), "members names a missing row of rooms", "restore"),
    "event": (sql("UPDATE events SET blob = ?", b"\xc1"), "event 1 of room 1: ", "restore"),
    "schema": (sql("CREATE TABLE x (y)"), "the table 'x' in it is not as chatd makes it", "Use a backup"),
    "mode": (lambda path: path.chmod(0o644), "other users may open it (mode 0644)", "Run: chmod 600"),
    "nothing": (Path.unlink, "there is no database here", "Give the directory"),
}


def test_all_is_well_in_one_line(run, database: Path) -> None:
    before = database.read_bytes()
    result = run("check", "--data", str(database.parent))
    assert (result.exit_code, result.output.count("\n")) == (0, 1)
    assert result.output.startswith("OK: 2 events, as of commit ")
    assert database.read_bytes() == before


def test_it_works_beside_a_daemon(server: Server) -> None:
    done = server.chatd("check", "--data", "chatd-data")
    assert done.returncode == 0, done.stderr
    assert f"while the chatd with pid {server.process.pid} runs" in done.stdout


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_and_what_to_do(run, database: Path, case: str) -> None:
    harm, what, fix = CASES[case]
    harm(database)
    result = run("check", "--data", str(database.parent))
    assert result.exit_code == 1
    assert what in result.output
    assert fix in result.output
    assert result.output.startswith("chatd: ")


def test_everything_is_said_at_once(run, database: Path) -> None:
    noise(database)
    database.chmod(0o640)
    result = run("check", "--data", str(database.parent))
    assert "other users may open it" in result.output
    assert "the database is damaged" in result.output
