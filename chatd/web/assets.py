"""Built files as HTTP answers, made once: pure functions of their bytes.

`make web` writes them to `static`, with a manifest that has the SHA-256 of each; other bytes are not served.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

STATIC = Path(__file__).parent / "static"
MANIFEST = "manifest.json"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
COMPRESSED_BYTES_MIN = 256  # below, the header of gzip takes what it saves
_PACKED = {".png"}  # compressed by themselves
_HASHED = re.compile(r"-[A-Z0-9]{8}\.[a-z]+\Z")  # names of esbuild that change with the content
_YEAR_S = 31_536_000  # RFC 9111 knows no "for ever"; this is what browsers take for it


class NotBuilt(Exception):
    """There are no built files, or not those of the manifest; the text names the remedy."""


class Manifest(msgspec.Struct, frozen=True):
    """The version of the web client; digests, in hexadecimal, of all its sources and of each built file by path."""

    version: str
    sources: str
    files: dict[str, str]


@dataclass(slots=True, frozen=True)
class Built:
    """The files of one page by name, below its folder."""

    version: str
    files: Mapping[str, bytes]


@dataclass(slots=True, frozen=True)
class Asset:
    """One answer: its bytes, the same compressed where that is shorter, and its headers."""

    content: bytes
    compressed: bytes | None
    headers: Mapping[str, str]

    def answer(self, accept_encoding: str, if_none_match: str) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers for a request with these two headers, "" where it has none."""
        headers = dict(self.headers)
        if headers["ETag"] in if_none_match:
            return 304, b"", headers
        if self.compressed is not None and _takes_gzip(accept_encoding):
            headers["Content-Encoding"] = "gzip"
            return 200, self.compressed, headers
        return 200, self.content, headers


def manifest_in(directory: Path) -> Manifest:
    """Return the manifest of the built files in a directory; NotBuilt when there is none."""
    try:
        return msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise NotBuilt(f"the web client is not built ({error}): run make web") from None


def read_built(folder: str, directory: Path | None = None) -> Built:
    """Return the files that were built for one page; NotBuilt when one is missing or not as it was built."""
    directory = directory or STATIC
    manifest = manifest_in(directory)
    files = {}
    for path, digest in manifest.files.items():
        if not path.startswith(f"{folder}/"):
            continue
        try:
            content = (directory / path).read_bytes()
        except OSError as error:
            raise NotBuilt(f"the web client is built in part ({error}): run make web") from None
        if hashlib.sha256(content).hexdigest() != digest or PurePosixPath(path).suffix not in MEDIA_TYPES:
            raise NotBuilt(f"{path} of the web client is not as it was built: run make web")
        files[path.removeprefix(f"{folder}/")] = content
    return Built(manifest.version, files)


def asset(name: str, content: bytes, **headers: str) -> Asset:
    """Return the answer of a file; `headers` are added, with `_` for `-`.

    Names with a hash may be kept for ever, others are asked for again each time. Files may be used by web pages of
    other origins that are allowed to connect.
    """
    suffix = PurePosixPath(name).suffix
    is_packed = suffix in _PACKED or len(content) < COMPRESSED_BYTES_MIN
    compressed = b"" if is_packed else gzip.compress(content, 9, mtime=0)
    is_hashed = _HASHED.search(name) is not None
    return Asset(
        content,
        compressed if 0 < len(compressed) < len(content) else None,
        {
            "Content-Type": MEDIA_TYPES[suffix],
            "Cache-Control": f"public, max-age={_YEAR_S}, immutable" if is_hashed else "no-cache",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            "Vary": "Accept-Encoding, Origin",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether a header lists gzip with another weight than 0 (RFC 9110, 12.5.3)."""
    for one in accept_encoding.lower().split(","):
        coding, _, weight = one.partition(";")
        if coding.strip() in ("gzip", "x-gzip", "*"):
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None
    return False


def with_values(content: bytes, values: Mapping[str, Any]) -> bytes:
    """Return a JSON object with these keys replaced."""
    return msgspec.json.encode({**msgspec.json.decode(content), **values})
