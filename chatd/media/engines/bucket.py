"""A bucket as the library obstore reaches it, and what is wrong with it in the words of an operator."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from chatd.config.files import read_secrets
from chatd.config.media import S3
from chatd.config.problems import ConfigError
from chatd.media.engines.presigned import Signer
from chatd.media.layout import key_of

if TYPE_CHECKING:
    from obstore.store import S3Store

KEY_ADVICE = "Write the id of the key into the first line, and its secret into the second."
# Of one request; a part of 8 MiB takes less where files can be served at all.
REQUEST_TIME, CONNECT_TIME = "60s", "5s"
RETRIES = 2
PROBE = "chatd.probe"
"""The key of an object of ours, which shows that the bucket can be written."""

_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_SECRETS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "ExpiredToken")


class BucketError(Exception):
    """A bucket that cannot be used; the text says why, to the operator."""


class Bucket:
    """A bucket that is open. `signer`: makes addresses of what is in it."""

    def __init__(self, settings: S3) -> None:
        """Read the key. Raises BucketError."""
        try:
            lines = read_secrets(settings.key_file, 2, KEY_ADVICE)
            if len(lines) != 2:
                raise BucketError(f"{settings.key_file} holds no key for the bucket. {KEY_ADVICE}")
        except ConfigError as error:
            raise BucketError(str(error)) from None
        self.name = settings.bucket
        self.signer = Signer(settings.endpoint, settings.bucket, settings.region, lines[0].reveal(), lines[1])
        self.store = _opened(settings, self.signer)

    def problem(self, error: Exception) -> BucketError:
        """Return what an error of the library means."""
        text = str(error)
        found = _CODE.search(text)
        code = found[1] if found else ""
        where = f"the bucket {self.name}"
        if code == "NoSuchBucket":
            return BucketError(f"{where} is not there: make it, or change media.s3")
        if code == "RequestTimeTooSkewed":
            return BucketError(f"{where}: the clock of this machine is not that of the store")
        if code in _SECRETS:
            return BucketError(f"{where} refuses the key: {code}")
        if code or type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError"):
            return BucketError(f"{where} refuses what chatd asks: {code or 'forbidden'}")
        return BucketError(f"{where} cannot be reached: {text.partition(chr(10))[0][:300]}")

    def sizes(self) -> dict[str, int]:
        """Return the bytes of all that is in it, by key. Raises BucketError."""
        from obstore import list as listed
        from obstore.exceptions import BaseError

        try:
            return {one["path"]: one["size"] for part in listed(self.store) for one in part}
        except (BaseError, OSError) as error:
            raise self.problem(error) from error

    def digest(self, name: str) -> bytes:
        """Return the SHA-256 of an object, all of which is read. Raises BucketError, FileNotFoundError."""
        digest = sha256()
        for part in self._parts(name):
            digest.update(part)
        return digest.digest()

    def _parts(self, name: str) -> Iterator[bytes]:
        from obstore import get
        from obstore.exceptions import BaseError

        try:
            yield from map(bytes, get(self.store, key_of(name)).stream())
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            raise self.problem(error) from error


def _opened(settings: S3, signer: Signer) -> "S3Store":
    from obstore.store import S3Store

    return S3Store(
        settings.bucket,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key_id=signer.id,
        secret_access_key=signer.secret.reveal(),
        client_options={
            "allow_http": settings.endpoint.startswith("http:"),
            "timeout": REQUEST_TIME,
            "connect_timeout": CONNECT_TIME,
        },
        retry_config={"max_retries": RETRIES},
    )
