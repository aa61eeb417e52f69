"""`chatd media`, `chatd rotate`, and backups and restores with the files of users."""

import asyncio
import json
import os
import sqlite3
import stat
from contextlib import closing

import pytest

from tests.kit.client import TestClient
from tests.kit.daemon import config_for, running_daemon
from tests.kit.media_client import MediaClient, attached
from tests.kit.tokens import token_for

MEDIA = {"enabled": True, "address": "127.0.0.1:0", "inspectors": 1}
SENT, KEPT = b"in a message\n" * 500, b"not sent yet\n" * 100


async def fill(directory, run=None):
    """Upload two files, send one; with a daemon that runs, call `run`. Return the room and what came of it."""
    async with running_daemon(config_for(directory, media=MEDIA)) as daemon:
        alice = await TestClient.connect(daemon.url, "alice")
        url = (await alice.say_hello(features=["media"]))["media"]["url"]
        files = MediaClient(url, token_for("alice"))
        room = await alice.create_group("Bicycle", "bob")
        sent = await files.upload(SENT)
        await alice.mutate("send", room, body=attached(sent))
        kept = await files.upload(KEPT)
        result = None if run is None else await asyncio.to_thread(run)
    return sent, kept, result


@pytest.fixture
async def stored(tmp_path):
    """The ids of the file that was sent, and of the other one, in ./chatd-data."""
    sent, kept, _ = await fill(tmp_path / "chatd-data")
    return sent, kept


def object_of(directory, file):
    (path,) = directory.glob(f"objects/*/{file}")
    return path


def test_files_are_compared_with_the_database_both_ways(run, stored, tmp_path):
    media = tmp_path / "chatd-data" / "media"
    whole = run("media", "check", "--contents")
    assert (whole.exit_code, whole.output) == (
        0,
        "OK: 2 objects, 7.6 KiB: every byte compared with the database.\n",
    )
    path = object_of(media, stored[0])
    changed = bytearray(SENT)
    changed[5] ^= 1
    path.write_bytes(changed)
    assert run("media", "check").exit_code == 0
    assert f"{stored[0]} is not what was stored" in run("media", "check", "--contents").output
    path.write_bytes(SENT[:-1])
    assert run("media", "check").exit_code == 1
    path.unlink()
    stranger = media / "objects" / "00" / ("A" * 22)
    stranger.write_bytes(b"?")
    (media / "incoming" / ("B" * 22)).write_bytes(b"?")
    found = run("media", "check")
    assert found.exit_code == 1
    for text in (f"{stored[0]} is referred to and not there", "A" * 22, "B" * 22):
        assert text in found.output


async def test_both_commands_work_beside_a_daemon(run, tmp_path):
    def ask():
        return run("media", "check"), run("media", "usage", "--json"), run("media", "usage")

    *_, (checked, usage, shown) = await fill(tmp_path / "chatd-data", ask)
    assert checked.exit_code == 0, checked.output
    found = json.loads(usage.output)
    assert (found["files"], found["uploading"], found["bytes"]) == (2, 0, len(SENT) + len(KEPT))
    assert found["users"] == [{"name": "alice", "bytes": len(SENT) + len(KEPT), "files": 2}]
    assert [one["bytes"] for one in found["rooms"]] == [len(SENT)]
    lines = [line.split() for line in shown.output.splitlines()]
    assert ["alice", "2", "files", "7.6", "KiB"] in lines
    assert [line[1:3] for line in lines[-1:]] == [["1", "file"]]


def test_a_backup_brings_files_once_and_a_restore_brings_them_back(run, stored, tmp_path):
    first = run("backup", "--media", "saved/media", "saved.sqlite")
    assert first.exit_code == 0, first.output
    assert "Brought 2 files to saved/media" in first.output
    assert stat.S_IMODE((tmp_path / "saved" / "media").stat().st_mode) == 0o700
    again = run("backup", "--force", "--media", "saved/media", "saved.sqlite")
    assert "Brought 0 files to saved/media, 0 B; 2 were there." in again.output
    result = run("restore", "--media", "saved/media", "saved.sqlite", "--data", "other")
    assert result.exit_code == 0, result.output
    assert object_of(tmp_path / "other" / "media", stored[0]).read_bytes() == SENT
    assert run("media", "check", "--contents", "--data", "other").exit_code == 0


def test_a_backup_says_what_is_damaged_and_leaves_it_out(run, stored, tmp_path):
    object_of(tmp_path / "chatd-data" / "media", stored[0]).write_bytes(b"x" * len(SENT))
    result = run("backup", "--media", "saved/media", "saved.sqlite")
    assert result.exit_code == 1
    assert f"{stored[0]} could not be brought" in result.output
    assert not list((tmp_path / "saved").glob(f"media/objects/*/{stored[0]}*"))


def test_a_restore_sets_aside_what_came_later_and_names_what_is_missing(run, stored, tmp_path):
    media = tmp_path / "chatd-data" / "media"
    run("backup", "saved.sqlite")
    later = media / "objects" / "00" / ("A" * 22)
    later.write_bytes(b"later")
    object_of(media, stored[1]).unlink()
    result = run("restore", "--yes", "saved.sqlite")
    assert result.exit_code == 1
    assert "Set aside 1 files" in result.output
    assert (media / "set-aside" / later.name).read_bytes() == b"later"
    assert f"{stored[1]} is referred to and not there" in result.output
    assert object_of(media, stored[0]).read_bytes() == SENT


def test_what_a_backup_does_not_name_leaves_it_when_it_is_asked_for(run, stored, tmp_path):
    run("backup", "--media", "saved/media", "saved.sqlite")
    stranger = tmp_path / "saved" / "media" / "objects" / "00" / ("A" * 22)
    os.makedirs(stranger.parent, exist_ok=True)
    stranger.write_bytes(b"erased")
    assert run("backup", "--force", "--media", "saved/media", "saved.sqlite").exit_code == 0
    assert stranger.exists()
    pruned = run("backup", "--force", "--media", "saved/media", "--prune", "saved.sqlite")
    assert "Deleted 1 files there" in pruned.output
    assert not stranger.exists()


def test_links_get_another_key_also_while_no_daemon_runs(run, stored, tmp_path):
    def key():
        with closing(sqlite3.connect(tmp_path / "chatd-data" / "chatd.sqlite")) as connection:
            return connection.execute("SELECT value FROM meta WHERE key = 'link_key'").fetchone()[0]

    before = key()
    assert run("rotate", "links", CHATD_MEDIA__ENABLED="true").exit_code == 0
    assert key() != before
    assert len(key()) == 64


def test_a_server_without_media_has_nothing_to_bring_and_no_links(run, tmp_path):
    run("user", "add", "alice", "--password-file", "-", input="correct horse\n")
    nothing = run("backup", "--media", "saved/media", "saved.sqlite")
    assert nothing.exit_code == 1
    assert "there are no files of users" in nothing.output
    refused = run("rotate", "links")
    assert refused.exit_code != 0
    assert "media are switched off" in refused.output
