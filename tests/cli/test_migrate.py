"""`chatd migrate`: the schema, and the way to it."""

import sqlite3
from contextlib import closing

import pytest

from chatd.storage.sqlite.schema import OUTSIDE


@pytest.fixture
def stored(run):
    run("user", "add", "alice", "--password-file", "-", input="correct horse\n")


def test_without_a_database_status_says_so(run, tmp_path):
    result = run("migrate", "status")
    assert result.exit_code == 0
    assert "the first start makes one" in result.output
    assert not (tmp_path / "chatd-data").exists()


def test_without_a_database_up_is_refused(run):
    assert run("migrate", "up").exit_code == 1


def test_a_database_of_this_version_has_everything(run, stored):
    lines = run("migrate", "status").output.splitlines()
    assert lines
    assert all(line.startswith("applied  0") for line in lines)
    assert run("migrate", "up").output == "Nothing to do: the schema is up to date.\n"


def test_another_file_is_refused(run, tmp_path):
    (tmp_path / "chatd-data").mkdir()
    (tmp_path / "chatd-data" / "chatd.sqlite").write_bytes(b"x" * 4096)
    for verb in ("status", "up"):
        result = run("migrate", verb)
        assert result.exit_code == 1
        assert "not a database of chatd" in result.output


def test_a_live_database_is_looked_at_but_not_migrated(server):
    assert server.chatd("migrate", "status").returncode == 0
    result = server.chatd("migrate", "up")
    assert result.returncode == 1
    assert "uses this directory" in result.stderr


def test_the_tables_of_a_part_that_is_not_here_are_left_to_it(run, stored, tmp_path):
    """What only reads or copies works; what writes is for a daemon that has the part."""
    with closing(sqlite3.connect(tmp_path / "chatd-data" / "chatd.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE marks (user TEXT)")
        connection.execute("INSERT INTO migrations VALUES (?, '10001_marks.sql', 'x')", (OUTSIDE + 1,))
    assert "unknown  10001_marks.sql" in run("migrate", "status").output
    assert "of 10001_marks.sql, a part that this chatd does not have" in run("check").output
    copy = str(tmp_path / "copy.sqlite")
    assert run("backup", copy).exit_code == 0
    assert run("restore", "--yes", copy).exit_code == 0
    result = run("migrate", "up")
    assert result.exit_code == 1
    assert "holds tables of a part that this daemon does not have (10001_marks.sql)" in result.output
