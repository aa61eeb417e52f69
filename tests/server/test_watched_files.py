import asyncio
import os
import re
import time
from pathlib import Path

from cryptography import x509

from chatd.config.model import Config
from chatd.server.watched_files import WatchedFiles, certificate_end, newest_backup
from tests.kit import http
from tests.kit.certificates import write_certificate
from tests.kit.daemon import config_for, running_daemon
from tests.kit.waiting import until

HOUR = 3600


def write_backup(directory: Path, name: str, age_s: float) -> Path:
    path = directory / name
    path.write_bytes(b"x" * 10)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_the_newest_backup_is_found_whatever_its_name(tmp_path: Path) -> None:
    assert newest_backup(tmp_path) is None
    write_backup(tmp_path, "zzz.sqlite", 3 * HOUR)
    write_backup(tmp_path, "chatd-1.sqlite", HOUR)
    write_backup(tmp_path, "chatd-2.sqlite.partial", 0)
    found = newest_backup(tmp_path)
    assert found is not None
    assert (found.name, found.size) == ("chatd-1.sqlite", 10)
    assert abs(time.time() - HOUR - found.written_at) < HOUR


def test_a_backup_that_is_gone_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "latest.sqlite").symlink_to(tmp_path / "removed")
    assert newest_backup(tmp_path) is None
    write_backup(tmp_path, "chatd-1.sqlite", HOUR)
    found = newest_backup(tmp_path)
    assert found is not None
    assert found.name == "chatd-1.sqlite"


def test_the_end_of_a_certificate_is_read_and_of_another_file_is_none(tmp_path: Path) -> None:
    path = Path(write_certificate(tmp_path / "both.pem")["tls_cert"])
    assert (
        certificate_end(path)
        == x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()
    )
    (tmp_path / "no.pem").write_text("no certificate")
    assert certificate_end(tmp_path / "no.pem") is None
    assert certificate_end(tmp_path / "missing.pem") is None


async def looked(config: Config) -> WatchedFiles:
    """What is known after the first look."""
    files = WatchedFiles()
    watching = asyncio.create_task(files.watch(config))
    await until(lambda: files.backup_problem or files.backup or watching.done())
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return files


async def test_what_is_not_configured_is_not_watched(tmp_path: Path) -> None:
    files = WatchedFiles()
    await files.watch(Config())
    assert files.gauges() == {}


async def test_a_missing_backup_is_a_metric_of_0(tmp_path: Path) -> None:
    files = await looked(config_for(tmp_path, console={"backup_directory": str(tmp_path)}))
    assert files.backup_problem == "holds no backup"
    assert files.gauges() == {"backup_timestamp_seconds": 0}
    files = await looked(config_for(tmp_path, console={"backup_directory": str(tmp_path / "none")}))
    assert files.backup_problem == "cannot be read: No such file or directory"


async def test_operators_are_told_on_all_ways(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    written = write_backup(backups, "chatd-1.sqlite", HOUR).stat().st_mtime
    listen = {**write_certificate(tmp_path / "both.pem"), "address": "127.0.0.1:0"}
    config = config_for(tmp_path, listen=listen, console={"backup_directory": str(backups)})
    async with running_daemon(config) as daemon:
        files = daemon._daemon._files
        await until(lambda: files.certificate_ends_at)
        metrics = (await http.request(f"{daemon.ops_url}/metrics")).body.decode()
        shown = dict(
            re.findall(r"^chatd_(backup|certificate_end)_timestamp_seconds (\S+)$", metrics, re.MULTILINE)
        )
        assert float(shown["backup"]) == written
        assert float(shown["certificate_end"]) == files.certificate_ends_at
        now = await daemon._daemon._console.now()
        assert now["backup"]["name"] == "chatd-1.sqlite"
        assert now["certificate"]["ends_at"] == int(files.certificate_ends_at * 1000)
