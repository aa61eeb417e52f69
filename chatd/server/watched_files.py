"""The files whose age matters to operators: the newest backup, and the certificate. Read in a thread, once a minute.

Both may lie on a disk that hangs, so nobody reads them in the event loop.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chatd.config.model import Config

LOOK_S = 60.0  # their ages are told in hours and days
BACKUPS = "*.sqlite"  # what docs/operations.md "Backup and restore" writes, whatever their names


@dataclass(slots=True, frozen=True)
class Backup:
    """The newest backup in a directory: its name, bytes, and when it was written, Unix seconds."""

    name: str
    size: int
    written_at: float


class WatchedFiles:
    """The last look at these files. `backup` is None without one, `certificate_ends_at` (Unix seconds) without TLS.

    `backup_problem`: the reason why backups could not be looked for, else "".
    """

    def __init__(self) -> None:
        self._watched: tuple[bool, bool] = (False, False)  # backups, the certificate
        self.backup: Backup | None = None
        self.backup_problem = ""
        self.certificate_ends_at: float | None = None

    async def watch(self, config: Config) -> None:
        """Look again each minute, until cancelled; return at once when the configuration names none of them."""
        directory, certificate = config.console.backup_directory, config.listen.tls_cert
        self._watched = (bool(directory), bool(certificate))
        self.backup, self.backup_problem, self.certificate_ends_at = None, "", None
        while directory or certificate:
            if directory:
                await self._look_for_backups(Path(directory))
            if certificate:
                self.certificate_ends_at = await asyncio.to_thread(certificate_end, Path(certificate))
            await asyncio.sleep(LOOK_S)

    async def _look_for_backups(self, directory: Path) -> None:
        try:
            self.backup = await asyncio.to_thread(newest_backup, directory)
        except OSError as error:
            self.backup, self.backup_problem = None, f"cannot be read: {error.strerror}"
        else:
            self.backup_problem = "" if self.backup else "holds no backup"

    def gauges(self) -> Mapping[str, float]:
        """Return the metrics of those that are configured; 0 where there is none, which is an alert."""
        has_directory, has_certificate = self._watched
        found: dict[str, float] = {}
        if has_directory:
            found["backup_timestamp_seconds"] = 0.0 if self.backup is None else self.backup.written_at
        if has_certificate:
            found["certificate_end_timestamp_seconds"] = self.certificate_ends_at or 0.0
        return found


def newest_backup(directory: Path) -> Backup | None:
    """Return the newest backup in a directory, None when there is none. Raises OSError."""
    directory.stat()
    backups = []
    for path in directory.glob(BACKUPS):
        # Old backups are removed at any time; and a link may lead to one of those.
        with suppress(FileNotFoundError):
            status = path.stat()
            backups.append(Backup(path.name, status.st_size, status.st_mtime))
    return max(backups, key=lambda backup: backup.written_at, default=None)


def certificate_end(path: Path) -> float | None:
    """Return when the first certificate of a PEM file ends, Unix seconds; None when it cannot be read."""
    from cryptography import x509  # which few starts need

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return None
