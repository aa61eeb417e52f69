"""`chatd media check`, backups and restores where the files of users lie in a bucket."""

import asyncio
import json
import shutil

import pytest

from chatd.config.problems import ConfigError
from tests.cli.test_media import MEDIA, fill
from tests.kit.daemon import config_for, running_daemon
from tests.kit.object_stores import BUCKET, ObjectStore, object_store


def variables(store: ObjectStore) -> dict[str, str]:
    return {
        "CHATD_MEDIA__ENABLED": "true",
        "CHATD_MEDIA__ENGINE": "s3",
        "CHATD_MEDIA__S3": json.dumps(store.settings),
    }


async def test_files_that_were_copied_to_a_bucket_are_all_there(run, tmp_path):
    sent, _, _ = await fill(tmp_path / "chatd-data")
    kept = tmp_path / "stored" / BUCKET
    shutil.copytree(tmp_path / "chatd-data" / "media" / "objects", kept)
    assert run("backup", "saved.sqlite").exit_code == 0
    async with object_store("rclone", tmp_path) as store:
        checked = await asyncio.to_thread(run, "media", "check", "--contents", **variables(store))
        assert (checked.exit_code, checked.output) == (
            0,
            "OK: 2 objects, 7.6 KiB: every byte compared with the database.\n",
        )
        next(kept.glob(f"*/{sent}")).unlink()
        await store.stop()
        await store.start()
        restored = await asyncio.to_thread(run, "restore", "--yes", "saved.sqlite", **variables(store))
    assert restored.exit_code == 1
    assert f"{sent} is referred to and not there" in restored.output


async def test_files_in_a_bucket_are_brought_elsewhere_by_other_means(run, tmp_path):
    await fill(tmp_path / "chatd-data")
    (tmp_path / "saved").mkdir()
    assert run("backup", "saved.sqlite").exit_code == 0
    settings = variables(ObjectStore("none", tmp_path, "http://127.0.0.1:9"))
    for arguments in (
        ("backup", "--media", "saved", "other"),
        ("restore", "--media", "saved", "saved.sqlite"),
    ):
        refused = run(*arguments, **settings)
        assert refused.exit_code == 1
        assert f"files lie in the bucket {BUCKET}" in refused.output
    assert not (tmp_path / "other").exists()


async def test_without_its_library_the_daemon_does_not_start_with_a_bucket(tmp_path, monkeypatch):
    monkeypatch.setattr("chatd.server.media.missing", lambda packages: list(packages))
    with pytest.raises(ConfigError, match=r"pip install 'chatd\[s3\]'"):
        async with running_daemon(config_for(tmp_path, media=MEDIA | {"engine": "s3"})):
            pass
