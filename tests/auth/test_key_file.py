"""The last good key set in a file: whole, private, and believed only when nobody else can have written it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from chatd.auth.key_file import KeySetFile, _put
from tests.kit.disk import watched
from tests.kit.keysets import key_set_of
from tests.kit.power_cut_sweep import chances, sweep

URL = "https://app.example/keys?key=plugh"


@pytest.fixture
def key_set_file(tmp_path: Path) -> KeySetFile:
    return KeySetFile(str(tmp_path), URL)


async def file_of(key_set_file: KeySetFile, *signers) -> Path:
    await key_set_file.keep(key_set_of(*signers))
    return key_set_file._path


async def test_what_is_kept_is_there_for_the_next_run(key_set_file, es, ed, tmp_path):
    assert key_set_file.load() == {}
    await key_set_file.keep(key_set_of(es, ed))
    assert set(KeySetFile(str(tmp_path), URL).load()) == {"es", "ed"}
    assert KeySetFile(str(tmp_path), URL + "2").load() == {}


async def test_the_file_is_private_and_does_not_tell_the_url(key_set_file, es):
    path = await file_of(key_set_file, es)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert "plugh" not in path.name


async def test_what_did_not_change_is_not_written_again(key_set_file, es):
    path = await file_of(key_set_file, es)
    path.unlink()
    await key_set_file.keep(key_set_of(es))
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
async def test_a_file_others_may_write_is_not_believed(key_set_file, es, mode, caplog):
    path = await file_of(key_set_file, es)
    path.chmod(mode)
    assert key_set_file.load() == {}
    assert "belongs to others, or they may write it" in caplog.text


async def test_a_file_of_somebody_else_is_not_believed(key_set_file, es, monkeypatch):
    await file_of(key_set_file, es)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert key_set_file.load() == {}


async def test_a_link_is_not_followed(key_set_file, es, tmp_path):
    path = await file_of(key_set_file, es)
    path.rename(tmp_path / "planted")
    path.symlink_to(tmp_path / "planted")
    assert key_set_file.load() == {}
    (tmp_path / "victim").write_text("precious")
    path.with_suffix(".new").symlink_to(tmp_path / "victim")
    await key_set_file.keep(b"{}")
    assert (tmp_path / "victim").read_text() == "precious"


async def test_a_file_that_is_damaged_is_said_and_not_used(key_set_file, es, caplog):
    path = await file_of(key_set_file, es)
    path.write_bytes(path.read_bytes()[:50])
    assert key_set_file.load() == {}
    assert "the keys of the last run are not used" in caplog.text


async def test_a_disk_that_takes_nothing_costs_nothing_else(es, tmp_path, caplog):
    key_set_file = KeySetFile(str(tmp_path / "missing"), URL)
    await key_set_file.keep(key_set_of(es))
    assert "not kept for the next start" in caplog.text
    (tmp_path / "missing").mkdir()
    await key_set_file.keep(key_set_of(es))
    assert set(key_set_file.load()) == {"es"}, "tried again with the next fetch"


def findings(directory: Path, put: Callable[[Path, bytes], None]) -> list[str]:
    """Return the faults found after power cuts while one set replaces another."""
    old, new, path = b"old" * 2000, b"new" * 3000, directory / "keys.json"
    path.write_bytes(old)
    with watched(directory) as disk:
        put(path, new)
        disk.mark("kept")

    def check(place: Path, upto: int) -> str | None:
        found = (place / path.name).read_bytes()
        is_stored = upto == len(disk.journal)
        return None if found == new or (found == old and not is_stored) else f"found {found[:20]!r}"

    tally = sweep(disk, check, chances(1, 5))
    assert tally.states > 5
    return tally.findings


def test_a_set_that_lost_power_is_the_old_or_the_new(tmp_path):
    assert findings(tmp_path, _put) == []


def test_a_set_that_is_not_synced_is_found_out(tmp_path, monkeypatch):
    def unsynced(path: Path, content: bytes) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda descriptor: None)
            _put(path, content)

    assert findings(tmp_path, unsynced) != []
