"""The files of media in a bucket beside their rows: compared, as `chatd media check` and a restore do."""

from contextlib import closing
from pathlib import Path

from chatd.cli.exits import Failure
from chatd.cli.media_files import Found, file_of, uncounted
from chatd.config.media import S3
from chatd.config.model import Config
from chatd.media.engines.bucket import PROBE, Bucket, BucketError
from chatd.media.layout import incoming_on_disk, key_of
from chatd.media.packages import BUCKETS, INSTALL_S3, missing
from chatd.storage.sqlite.connection import readable
from chatd.storage.sqlite.media_rows import StoredRow, is_known, is_stored, stored_objects

RCLONE = "rclone copy, as docs/media.md says"


def require_local(config: Config, verb: str) -> None:
    """Raise Failure where files lie in a bucket, with what to do there."""
    if config.media.engine == "s3":
        bucket = config.media.s3.bucket
        raise Failure(
            f"files lie in the bucket {bucket}: {verb} them with {RCLONE}, and the database without --media"
        )


def compared_in_bucket(settings: S3, directory: Path, database: Path, *, contents: bool) -> Found:
    """Compare a bucket, and the directory of uploads, with the rows, both ways. Raises Failure.

    A daemon may run meanwhile: what seems wrong is looked at again, as the rows are then.
    """
    if missing(BUCKETS):
        raise Failure(f"obstore is not installed. Run: {INSTALL_S3}")
    found = Found()
    try:
        bucket = Bucket(settings)
        sizes = bucket.sizes()
        with closing(readable(database)) as rows:
            for row in stored_objects(rows):
                found.note(row, _is_right(bucket, sizes, row, contents=contents))
            found.miscounted = uncounted(rows)
    except BucketError as error:
        raise Failure(str(error)) from None
    lying = [Path(key) for key in sizes if key != PROBE]
    with closing(readable(database)) as rows:
        found.missing = [name for name in found.missing if is_stored(rows, name)]
        found.damaged = [name for name in found.damaged if is_stored(rows, name)]
        found.unknown = [
            path
            for path in (*lying, *incoming_on_disk(directory))
            if not is_known(rows, path.name, file_of(path))
        ]
    return found


def _is_right(bucket: Bucket, sizes: dict[str, int], row: StoredRow, *, contents: bool) -> bool | None:
    """Whether an object in the bucket is what was stored; None where there is none."""
    size = sizes.get(key_of(row.object))
    if size is None:
        return None
    try:
        return size == row.size and (not contents or bucket.digest(row.object) == row.digest)
    except FileNotFoundError:
        return None
