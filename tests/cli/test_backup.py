"""`chatd backup` and `chatd restore`, live and stopped, and all that they must refuse."""

import os
import re
import sqlite3
import stat

import pytest


@pytest.fixture
def stored(run, tmp_path):
    """A data directory with one account."""
    result = run("user", "add", "alice", "--password-file", "-", input="correct horse\n")
    assert result.exit_code == 0, result.output
    return tmp_path / "chatd-data"


def users(run, *arguments):
    return [line.split()[0] for line in run("user", "list", *arguments).output.splitlines()]


def test_a_backup_is_restored_elsewhere(run, stored, tmp_path):
    result = run("backup", "saved.sqlite")
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"Wrote saved\.sqlite: \d+ bytes, as of commit \d+, checked\.\n", result.output)
    assert stat.S_IMODE((tmp_path / "saved.sqlite").stat().st_mode) == 0o600
    result = run("restore", "saved.sqlite", "--data", "other")
    assert result.exit_code == 0, result.output
    assert users(run, "--data", "other") == ["alice"]


def test_a_restored_server_has_a_new_epoch(run, stored, tmp_path):
    def epoch(directory):
        connection = sqlite3.connect(tmp_path / directory / "chatd.sqlite")
        try:
            return connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
        finally:
            connection.close()

    run("backup", "saved.sqlite")
    result = run("restore", "saved.sqlite", "--data", "other")
    assert epoch("other") in result.output
    assert epoch("other") != epoch("chatd-data")


def test_a_directory_as_destination_gets_a_file_named_after_the_time(run, stored, tmp_path):
    (tmp_path / "backups").mkdir()
    assert run("backup", "backups").exit_code == 0
    (made,) = os.listdir(tmp_path / "backups")
    assert re.fullmatch(r"chatd-\d{8}-\d{6}\.sqlite", made)


def test_an_existing_file_is_replaced_only_by_force(run, stored, tmp_path):
    (tmp_path / "saved.sqlite").write_text("precious")
    result = run("backup", "saved.sqlite")
    assert result.exit_code == 1
    assert "--force" in result.output
    assert (tmp_path / "saved.sqlite").read_text() == "precious"
    assert run("backup", "--force", "saved.sqlite").exit_code == 0
    assert (tmp_path / "saved.sqlite").read_bytes().startswith(b"SQLite format 3")
    assert sorted(os.listdir(tmp_path)) == ["chatd-data", "saved.sqlite"]


@pytest.mark.parametrize("name", ["chatd.sqlite", "chatd.sqlite-wal", "chatd.lock", "secret"])
def test_a_backup_never_replaces_a_file_of_the_data_directory(run, stored, tmp_path, name):
    (stored / name).touch()
    (tmp_path / "link").symlink_to(stored / name)
    before = (stored / name).read_bytes()
    for target in (f"chatd-data/{name}", "link"):
        result = run("backup", "--force", target)
        assert result.exit_code == 1
        assert "data directory" in result.output
    assert (stored / name).read_bytes() == before


def test_a_backup_into_a_missing_directory_is_refused(run, stored):
    result = run("backup", "missing/saved.sqlite")
    assert result.exit_code == 1
    assert "missing" in result.output


def test_a_directory_as_destination_must_be_there(run, stored, tmp_path):
    result = run("backup", "missing/")
    assert result.exit_code == 1
    assert "there is no directory missing/" in result.output
    assert os.listdir(tmp_path) == ["chatd-data"]


def damaged(path):
    """Write over a page in the middle of a database."""
    with path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 4096)


def test_a_damaged_database_is_named_by_the_backup_that_finds_it(run, stored, tmp_path):
    damaged(stored / "chatd.sqlite")
    result = run("backup", "saved.sqlite")
    assert result.exit_code == 1
    assert f"{stored / 'chatd.sqlite'}: the database is damaged" in result.output
    assert os.listdir(tmp_path) == ["chatd-data"]


def test_a_damaged_backup_is_named_and_leaves_nothing_behind(run, stored, tmp_path):
    run("backup", "saved.sqlite")
    damaged(tmp_path / "saved.sqlite")
    before = sorted(tmp_path.rglob("*"))
    result = run("restore", "--yes", "saved.sqlite")
    assert result.exit_code == 1
    assert f"{tmp_path / 'saved.sqlite'}: the database is damaged" in result.output
    assert result.output.endswith("Nothing was changed. Give another file made by `chatd backup`\n")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("source", "what"), [("gone", "there is no such file"), (".", "not a file"), ("text", "")]
)
def test_what_is_no_backup_makes_no_directory(run, tmp_path, source, what):
    (tmp_path / "text").write_text("of somebody else")
    result = run("restore", source, "--data", "new")
    assert result.exit_code == 1
    assert what in result.output
    assert "made by `chatd backup`" in result.output
    assert not (tmp_path / "new").exists()


def test_a_backup_of_nothing_is_refused(run):
    result = run("backup", "saved.sqlite")
    assert result.exit_code == 1
    assert "there is no database here" in result.output


def test_a_restore_over_a_database_needs_yes_and_keeps_the_old_one(run, stored):
    run("backup", "saved.sqlite")
    run("user", "add", "bob", "--password-file", "-", input="correct horse\n")
    result = run("restore", "saved.sqlite")
    assert result.exit_code == 1
    assert "--yes" in result.output
    assert users(run) == ["alice", "bob"]
    assert run("restore", "--yes", "saved.sqlite").exit_code == 0
    assert users(run) == ["alice"]
    assert (stored / "chatd.sqlite.replaced").exists()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"hello" * 1000])
def test_what_is_no_backup_is_refused_and_nothing_changed(run, stored, tmp_path, content):
    (tmp_path / "saved.sqlite").write_bytes(content)
    before = (stored / "chatd.sqlite").read_bytes()
    assert run("restore", "--yes", "saved.sqlite").exit_code == 1
    assert (stored / "chatd.sqlite").read_bytes() == before


def test_a_missing_backup_is_refused(run):
    result = run("restore", "saved.sqlite")
    assert result.exit_code == 1
    assert "there is no such file" in result.output


def test_a_live_server_is_backed_up_but_not_restored_over(server):
    result = server.chatd("backup", "live.sqlite")
    assert result.returncode == 0, result.stderr
    result = server.chatd("restore", "--yes", "live.sqlite")
    assert result.returncode == 1
    assert f"the chatd with pid {server.process.pid} uses this directory" in result.stderr
    restored = server.chatd("restore", "live.sqlite", "--data", "copy")
    assert restored.returncode == 0, restored.stderr
    assert "alice" in server.chatd("user", "list", "--data", "copy").stdout
