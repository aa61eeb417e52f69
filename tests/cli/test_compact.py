"""`chatd compact`: a database from before files shrank becomes one that does."""

import sqlite3
from contextlib import closing

from chatd.storage.sqlite.shrinking import shrink, unused


def test_an_old_database_loses_what_it_does_not_use_and_shrinks_from_then_on(run, tmp_path):
    run("user", "add", "alice", "--password-file", "-", input="correct horse\n")
    database = tmp_path / "chatd-data" / "chatd.sqlite"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = 0")
        connection.execute("VACUUM")
        connection.execute("CREATE TABLE ballast (bytes BLOB)")
        connection.executemany("INSERT INTO ballast VALUES (zeroblob(100000))", [()] * 20)
        connection.execute("DROP TABLE ballast")
        free = unused(connection)
        assert free > 100
        assert shrink(connection, 50) is False
        assert unused(connection) == free
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = database.stat().st_size
    result = run("compact")
    assert result.exit_code == 0, result.output
    assert result.output == f"{before} bytes before, {database.stat().st_size} now.\n"
    assert database.stat().st_size < before - 1_900_000
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert "alice" in run("user", "list").output


def test_without_a_database_there_is_nothing_to_compact(run):
    assert run("compact").exit_code == 1


def test_a_live_database_is_left_alone(server):
    result = server.chatd("compact")
    assert result.returncode == 1
    assert "uses this directory" in result.stderr
